output "vips" {
  description = "Addresses of each VIP."
  value       = local.vip_addresses
}

output "members" {
  description = "Names of all members, those elsewhere too."
  value       = sort(concat(keys(var.members), keys(var.outside_members)))
}

output "member_addresses" {
  description = "Private address of each host in EC2."
  value       = local.member_addresses
}

output "public_addresses" {
  description = "Public address of each host that has one of its own (public_address)."
  value       = { for name, eip in aws_eip.member : name => eip.public_ip }
}

output "status_command" {
  description = "Shows who is there and who holds what."
  value       = "ssh ${var.login_user}@${try([for eip in aws_eip.member : eip.public_ip][0], values(local.member_addresses)[0])} sudo wackamole status"
}

output "configurations" {
  description = "The agent's configuration of each host in EC2. A change reaches a running host by your hands: docs/terraform.md."
  value       = local.configurations
}

output "user_data" {
  description = "The cloud-config of each host in EC2, for existing ones that are made elsewhere. Holds no secret."
  value       = { for name, cloud_init in module.cloud_init : name => cloud_init.user_data }
}

output "policy" {
  description = "What the role may do to move VIPs: as `wackamole providers policy aws` prints it. Absent where no VIP has a mode."
  value       = local.moves
}

output "role_name" {
  description = "Name of the role, and of the instance profile for existing hosts."
  value       = aws_iam_role.member.name
}

output "security_group_id" {
  description = "The security group of the members."
  value       = aws_security_group.group.id
}

output "cluster_key_secret_arn" {
  description = "The secret that has, or is to have, the cluster key."
  value       = local.secret_arn
}

output "instance_ids" {
  description = "Instance of each host in EC2."
  value       = merge({ for name, instance in aws_instance.member : name => instance.id }, { for name, host in local.existing : name => host.instance_id })
}

output "network_interface_ids" {
  description = "Network interface of each host in EC2: agents assign addresses here."
  value       = merge({ for name, eni in aws_network_interface.member : name => eni.id }, { for name, host in local.existing : name => host.network_interface_id })
}
