output "user_data" {
  description = "The cloud-config, as user data of an instance. Holds no secret."
  value       = "#cloud-config\n${yamlencode(local.cloud_config)}"
}
