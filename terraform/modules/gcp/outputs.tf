output "vips" {
  description = "Addresses of each VIP."
  value       = local.vip_addresses
}

output "members" {
  description = "Names of all members, those elsewhere too."
  value       = sort(concat(keys(var.members), keys(var.outside_members)))
}

output "member_addresses" {
  description = "Private address of each host in Google Cloud."
  value       = local.member_addresses
}

output "status_command" {
  description = "Shows who is there and who holds what."
  value       = "gcloud compute ssh ${[for name, member in var.members : try(member.existing.name, "${var.cluster}-${name}")][0]} --project=${var.project} --zone=${values(var.members)[0].zone} --tunnel-through-iap --command='sudo wackamole status'"
}

output "configurations" {
  description = "The agent's configuration of each host in Google Cloud. A change reaches a running host by your hands: docs/terraform.md."
  value       = local.configurations
}

output "user_data" {
  description = "The cloud-config of each host in Google Cloud, for existing ones: metadata `user-data`. Holds no secret."
  value       = { for name, cloud_init in module.cloud_init : name => cloud_init.user_data }
}

output "role" {
  description = "What the service account may do to move VIPs: as `wackamole providers policy gcp` prints it. Absent where no VIP has a mode."
  value       = local.role
}

output "service_account" {
  description = "E-mail of the hosts' service account."
  value       = google_service_account.member.email
}

output "labels" {
  description = "Labels that existing hosts must have."
  value       = local.labels
}

output "cluster_key_secret" {
  description = "The secret that has, or is to have, the cluster key."
  value       = local.secret
}
