variable "configuration" {
  description = "The agent's configuration, YAML, as /etc/wackamole/wackamole.yaml. Its `key_file` must be /etc/wackamole/cluster.key."
  type        = string
  nullable    = false

  validation {
    condition     = can(yamldecode(var.configuration).cluster)
    error_message = "configuration is no YAML with a key `cluster`: see docs/configuration.md."
  }

  validation {
    condition     = try(yamldecode(var.configuration).group.key_file, "/etc/wackamole/cluster.key") == "/etc/wackamole/cluster.key"
    error_message = "group.key_file must be /etc/wackamole/cluster.key: that is where the key is brought to at boot."
  }
}

variable "install" {
  description = "Where the agent comes from: `deb`, a URL with the SHA-256 of what is there; or `npm`, a package as `npm install` takes it (name@version or a URL)."
  type = object({
    deb = optional(object({
      url    = string
      sha256 = string
    }))
    npm = optional(string)
  })
  nullable = false

  validation {
    condition     = (var.install.deb == null) != (var.install.npm == null)
    error_message = "install needs one of `deb` and `npm`, and not both."
  }

  validation {
    condition     = var.install.deb == null || can(regex("^https://[^\\s'\"]+$", var.install.deb.url))
    error_message = "install.deb.url must be a https:// URL."
  }

  validation {
    condition     = var.install.deb == null || can(regex("^[0-9a-f]{64}$", var.install.deb.sha256))
    error_message = "install.deb.sha256 must be the SHA-256 of the package, 64 hexadecimal digits in small letters (sha256sum FILE)."
  }

  validation {
    condition     = var.install.npm == null || can(regex("^(https://[^\\s'\"]+|(@[a-z0-9._-]+/)?[a-z0-9._-]+@[0-9A-Za-z.+-]+)$", var.install.npm))
    error_message = "install.npm must name a version, such as wackamole@0.1.0, or be a https:// URL of a package."
  }
}

variable "key_source" {
  description = "Where the cluster key lies: `store` is aws-secretsmanager or gcp-secretmanager, `secret` its ARN or projects/…/secrets/…, `endpoint` the URL of the store's API, `region` that of the secret (AWS)."
  type = object({
    store    = string
    secret   = string
    endpoint = string
    region   = optional(string)
  })
  nullable = false

  validation {
    condition     = contains(["aws-secretsmanager", "gcp-secretmanager"], var.key_source.store)
    error_message = "key_source.store must be aws-secretsmanager or gcp-secretmanager."
  }

  validation {
    condition     = var.key_source.store != "aws-secretsmanager" || var.key_source.region != null
    error_message = "key_source.region must be there for aws-secretsmanager."
  }
}
