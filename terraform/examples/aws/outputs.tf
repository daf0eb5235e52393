output "vips" {
  description = "Addresses of each VIP."
  value       = module.wackamole.vips
}

output "members" {
  description = "Names of the members."
  value       = module.wackamole.members
}

output "status_command" {
  description = "Shows who holds what."
  value       = module.wackamole.status_command
}

output "configurations" {
  description = "Each host's configuration."
  value       = module.wackamole.configurations
}
