variable "project" {
  description = "Project of everything; compute, iam and secretmanager are enabled there."
  type        = string
}

variable "region" {
  description = "Region of everything."
  type        = string
  default     = "europe-west3"
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

