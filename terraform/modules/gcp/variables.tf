variable "cluster" {
  description = "Name of the cluster: of the group, of the label that says what its agents may touch, and part of the names of what is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", var.cluster))
    error_message = "cluster must be 1 to 20 small letters, digits and \"-\", a letter first and no \"-\" last: names in Google Cloud are made of it."
  }
}

variable "project" {
  description = "Project of the hosts."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be the id of a project, such as my-project-123."
  }
}

variable "region" {
  description = "Region of the subnetwork and of external addresses."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be one such as europe-west3."
  }
}

variable "network" {
  description = "Name or self link of the hosts' network, for the firewall."
  type        = string
  nullable    = false
}

variable "subnetwork" {
  description = "Name or self link of the hosts' subnetwork."
  type        = string
  nullable    = false
}

variable "members" {
  description = "Hosts in Google Cloud, by member name: made in `zone` (`address`: theirs; absent: Google chooses), or `existing`, of that name and address, where nothing is changed: give them the label, service account, metadata and user data of the outputs yourself."
  type = map(object({
    zone         = string
    address      = optional(string)
    machine_type = optional(string)
    labels       = optional(map(string), {})
    existing = optional(object({
      name    = string
      address = string
    }))
  }))
  nullable = false

  validation {
    condition     = length(var.members) > 0
    error_message = "members is empty: name at least one host."
  }

  validation {
    condition     = alltrue([for name, _ in var.members : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", name))])
    error_message = "A member's name must be 1 to 40 small letters, digits and \"-\", a letter or digit first and last: the instance is named by it."
  }

  validation {
    condition     = alltrue([for member in var.members : can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", member.zone)) && startswith(member.zone, "${var.region}-")])
    error_message = "A member's zone must be one of the region, such as europe-west3-a."
  }

  validation {
    condition     = alltrue([for member in var.members : member.existing == null || member.address == null])
    error_message = "The address of an existing host is existing.address; address is for hosts that are made."
  }

  validation {
    condition = (
      length(var.members) + length(var.outside_members) != 2
      || try(var.settings.quorum, null) != null
      || try(var.settings.policy, "primary") == "component"
    )
    error_message = "Of two members none has a majority alone, so that nobody would serve when one dies. Add a third one, or a witness: settings = { quorum = { witness = { … } } } (docs/configuration.md)."
  }

  validation {
    condition     = length(setintersection(keys(var.outside_members), keys(var.members))) == 0
    error_message = "A member's name is in members and in outside_members: names are unique in a cluster."
  }
}

variable "outside_members" {
  description = "Members elsewhere, on metal or in another cloud: their addresses, by member name. They may speak to the hosts here; nothing is made for them."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition = alltrue(flatten([
      for addresses in values(var.outside_members) : [for address in addresses : can(cidrhost("${address}/32", 0)) && !strcontains(address, ":")]
    ]))
    error_message = "outside_members must have IPv4 addresses, without a prefix length or a port."
  }
}

variable "vips" {
  description = "VIPs by name. `mode` is what leads one to a host here: alias-ip, external-ip (made, unless `addresses` has one that is reserved already) or route; without a mode it is served by others alone, and must name their `providers`. The rest is as in the agent's configuration."
  type = map(object({
    mode      = optional(string)
    addresses = optional(list(string), [])
    providers = optional(list(string))
    prefer    = optional(list(string))
    weight    = optional(number)
    policy    = optional(string)
    constraints = optional(object({
      zones  = optional(list(string))
      tags   = optional(map(string))
      spread = optional(string)
    }))
  }))
  nullable = false

  validation {
    condition     = alltrue([for name, _ in var.vips : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", name))])
    error_message = "A VIP's name must be 1 to 40 small letters, digits and \"-\", a letter or digit first and last: its address is named by it."
  }

  validation {
    condition     = alltrue([for vip in var.vips : vip.mode == null || contains(["alias-ip", "external-ip", "route"], coalesce(vip.mode, "-"))])
    error_message = "A VIP's mode must be alias-ip, external-ip or route (docs/gcp.md says which is for what)."
  }

  validation {
    condition     = alltrue([for vip in var.vips : vip.mode == "external-ip" ? length(vip.addresses) <= 1 : length(vip.addresses) > 0])
    error_message = "A VIP of mode external-ip has one address, or none (then one is made); all others need `addresses`."
  }

  validation {
    condition     = alltrue([for vip in var.vips : vip.mode != null || length(coalesce(vip.providers, [])) > 0])
    error_message = "A VIP without a mode must name the `providers` that others carry it by."
  }

  validation {
    condition = alltrue(flatten([
      for vip in var.vips : [for address in vip.addresses : can(cidrhost("${address}/${strcontains(address, ":") ? 128 : 32}", 0))]
    ]))
    error_message = "A VIP's addresses must be IPv4 or IPv6 addresses, without a prefix length."
  }

  validation {
    condition     = alltrue(flatten([for vip in var.vips : [for address in vip.addresses : vip.mode == null || !strcontains(address, ":")]]))
    error_message = "The agents move IPv4 alone in Google Cloud."
  }

  validation {
    condition     = length([for vip in var.vips : vip if vip.mode == "external-ip"]) <= length(var.members) - 1 || alltrue([for vip in var.vips : vip.mode != "external-ip"])
    error_message = "A host carries one external address: of N hosts with N or more such VIPs one could not fail without a VIP going unserved. Add hosts, or use fewer."
  }
}

variable "alias_range" {
  description = "Mode alias-ip: secondary range of the subnetwork that the addresses are of; absent: its primary range, in which they are then reserved."
  type        = string
  default     = null
}

variable "image" {
  description = "Image of the hosts that are made: one with cloud-init, as Ubuntu has it and not every Debian of Google's (for `install.npm`, with Node.js)."
  type        = string
  default     = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
  nullable    = false
}

variable "machine_type" {
  description = "Type of the hosts that are made and name none."
  type        = string
  default     = "e2-small"
  nullable    = false
}

variable "network_tags" {
  description = "Network tags of the hosts that are made: what your firewall rules let the VIPs' clients in by, and SSH."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "group_port" {
  description = "Port of the group, TCP and UDP."
  type        = number
  default     = 4873
  nullable    = false

  validation {
    condition     = var.group_port >= 1 && var.group_port <= 65535 && floor(var.group_port) == var.group_port
    error_message = "group_port must be a whole number from 1 to 65535."
  }
}

variable "settings" {
  description = "More of the agent's configuration, by its own keys: checks, hooks, balance, quorum, policy, tags, log …; and `group` for profile and timers."
  type        = any
  default     = {}
  nullable    = false

  validation {
    condition     = can(keys(var.settings)) && length(setintersection(try(keys(var.settings), []), ["cluster", "member", "providers", "vips", "zone"])) == 0
    error_message = "settings must be an object without cluster, member, zone, providers and vips: these follow from the other variables."
  }

  validation {
    condition     = length(setintersection(try(keys(var.settings.group), []), ["listen", "peers", "key_file", "insecure", "multicast", "engine"])) == 0
    error_message = "settings.group must leave out listen, peers, key_file, insecure, multicast and engine: these follow from the other variables."
  }
}

variable "install" {
  description = "Where the agent comes from: `deb`, a https:// URL with the SHA-256 of what is there; or `npm`, a package as `npm install` takes it (name@version or a URL)."
  type = object({
    deb = optional(object({
      url    = string
      sha256 = string
    }))
    npm = optional(string)
  })
  nullable = false
}

variable "cluster_key_secret" {
  description = "A secret of Secret Manager that has the cluster key already, as projects/…/secrets/…; absent: one is made."
  type        = string
  default     = null

  validation {
    condition     = var.cluster_key_secret == null || can(regex("^projects/[^/]+/secrets/[^/]+$", var.cluster_key_secret))
    error_message = "cluster_key_secret must be projects/PROJECT/secrets/NAME."
  }

  validation {
    condition     = var.cluster_key_secret == null || var.cluster_key_version == null
    error_message = "cluster_key_version says that Terraform writes the key; a secret that is there already (cluster_key_secret) is not written."
  }
}

variable "cluster_key" {
  description = "The cluster key (`wackamole key generate`), if Terraform is to put it into the secret: with `cluster_key_version`, at every apply. It is kept in neither plan nor state."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.cluster_key == null || can(regex("^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)(\\n([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)){0,3}\\n?$", var.cluster_key))
    error_message = "cluster_key must be what `wackamole key generate` prints; during a rotation up to four of them, one a line."
  }
}

variable "cluster_key_version" {
  description = "Number of the key in `cluster_key`: it is written when this changes. Absent: you put the key into the secret yourself; the hosts wait for it."
  type        = number
  default     = null

  validation {
    condition     = (var.cluster_key_version == null) == (var.cluster_key == null)
    error_message = "cluster_key and cluster_key_version need each other: pass the key as TF_VAR_cluster_key, or leave both out and put it into the secret yourself."
  }
}

variable "labels" {
  description = "Labels for the instances, addresses and the secret that are made here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.labels), "wackamole-cluster")
    error_message = "labels must not have wackamole-cluster: the agents go by it."
  }
}
