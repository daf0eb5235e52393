variable "region" {
  description = "Region of the hosts in the cloud."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_id" {
  description = "A VPC that the metal's network is joined to."
  type        = string
}

variable "subnet_ids" {
  description = "Two subnets of it, of two zones, whose way out is a NAT gateway or end points of the VPC."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 2
    error_message = "subnet_ids must be two subnets: one for each host in the cloud."
  }
}

variable "route_table_id" {
  description = "The table of these subnets."
  type        = string
}

variable "transit_gateway_id" {
  description = "Leads to the metal's network (VPN or Direct Connect)."
  type        = string
}

variable "metal_cidr" {
  description = "The metal's network."
  type        = string
  default     = "10.0.0.0/24"
}

variable "metal" {
  description = "The hosts on metal: their addresses, by member name."
  type        = map(string)
  default     = { a = "10.0.0.1", b = "10.0.0.2" }
}

variable "metal_interface" {
  description = "Their interface that carries addresses."
  type        = string
  default     = "eth0"
}

variable "ami_id" {
  description = "A Debian 12 image of the region."
  type        = string
}

variable "deb_url" {
  description = "https:// URL of the package for these hosts' architecture."
  type        = string
}

variable "deb_sha256" {
  description = "Its SHA-256."
  type        = string
}

variable "cluster_key" {
  description = "What `wackamole key generate` prints: export TF_VAR_cluster_key=… Kept in neither plan nor state."
  type        = string
  ephemeral   = true
  sensitive   = true
}

