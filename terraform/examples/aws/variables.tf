variable "region" {
  description = "Region of everything."
  type        = string
  default     = "eu-central-1"
}

variable "ami_id" {
  description = "A Debian 12 image of the region."
  type        = string
}

variable "key_name" {
  description = "Key pair for SSH; absent: no SSH."
  type        = string
  default     = null
}

variable "operator_cidr" {
  description = "Where you come from by SSH."
  type        = string
  default     = "192.0.2.1/32"
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

