variable "cluster" {
  description = "Name of the cluster: of the group, of the tag that says what its agents may touch, and part of the names of what is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$", var.cluster))
    error_message = "cluster must be 1 to 41 letters, digits, \".\", \"_\" and \"-\", a letter or digit first."
  }
}

variable "vpc_id" {
  description = "VPC of the hosts."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "vpc_id must be the id of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "members" {
  description = "Hosts in EC2, by member name. `subnet_id` makes one there (`private_ip`: its address; absent: Amazon chooses); `existing` takes one that is there, which keeps its own user data and role."
  type = map(object({
    subnet_id     = optional(string)
    private_ip    = optional(string)
    instance_type = optional(string)
    zone          = optional(string)
    tags          = optional(map(string), {})
    existing = optional(object({
      instance_id          = string
      network_interface_id = string
      private_ip           = string
    }))
  }))
  nullable = false

  validation {
    condition     = length(var.members) > 0
    error_message = "members is empty: name at least one host."
  }

  validation {
    condition     = alltrue([for name, _ in var.members : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", name))])
    error_message = "A member's name must be 1 to 63 letters, digits, \".\", \"_\" and \"-\", a letter or digit first."
  }

  validation {
    condition     = alltrue([for member in var.members : (member.subnet_id == null) != (member.existing == null)])
    error_message = "Each member needs one of `subnet_id` (a host that is made) and `existing` (one that is there)."
  }

  validation {
    condition     = alltrue([for member in var.members : member.existing == null || member.private_ip == null])
    error_message = "The address of an existing host is existing.private_ip; private_ip is for hosts that are made."
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
      for addresses in values(var.outside_members) : [for address in addresses : can(cidrhost("${address}/${strcontains(address, ":") ? 128 : 32}", 0))]
    ]))
    error_message = "outside_members must have IPv4 or IPv6 addresses, without a prefix length or a port."
  }
}

variable "vips" {
  description = "VIPs by name. `mode` is what leads one to a host here: elastic-ip (made, unless `allocation_id` and its address are given), secondary-ip or route; without a mode it is served by others alone, and must name their `providers`. The rest is as in the agent's configuration."
  type = map(object({
    mode          = optional(string)
    addresses     = optional(list(string), [])
    allocation_id = optional(string)
    providers     = optional(list(string))
    prefer        = optional(list(string))
    weight        = optional(number)
    policy        = optional(string)
    constraints = optional(object({
      zones  = optional(list(string))
      tags   = optional(map(string))
      spread = optional(string)
    }))
  }))
  nullable = false

  validation {
    condition     = alltrue([for vip in var.vips : vip.mode == null || contains(["elastic-ip", "secondary-ip", "route"], coalesce(vip.mode, "-"))])
    error_message = "A VIP's mode must be elastic-ip, secondary-ip or route (docs/aws.md says which is for what)."
  }

  validation {
    condition     = alltrue([for vip in var.vips : vip.mode == "elastic-ip" ? (length(vip.addresses) == 0) == (vip.allocation_id == null) && length(vip.addresses) <= 1 : length(vip.addresses) > 0 && vip.allocation_id == null])
    error_message = "A VIP of mode elastic-ip has either neither `addresses` nor `allocation_id` (then one is made), or one of each; all others have addresses alone."
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
    condition     = anytrue([for vip in var.vips : vip.mode == "route"]) == (length(var.route_tables) > 0)
    error_message = "route_tables and VIPs of mode route need each other: name the tables of all subnets that are to reach these VIPs."
  }
}

variable "route_tables" {
  description = "Mode route: ids of the tables that the agents write their routes into, by a name of yours. Use no `route` blocks in an `aws_route_table` of yours that is named here: they would strip the VIPs."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.route_tables) : can(regex("^rtb-[0-9a-f]{8,17}$", id))])
    error_message = "route_tables must have ids such as rtb-0123456789abcdef0."
  }
}

variable "address_reservations" {
  description = "Mode secondary-ip: ranges of subnets that Amazon gives to nobody by itself, by name, so that it takes no address of a VIP."
  type = map(object({
    subnet_id = string
    cidr      = string
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for reservation in var.address_reservations : can(cidrnetmask(reservation.cidr))])
    error_message = "address_reservations: cidr must be an IPv4 range, such as 10.0.1.96/28."
  }
}

variable "ami_id" {
  description = "Image of the hosts that are made: a Debian or Ubuntu with cloud-init (for `install.npm`, with Node.js)."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id)) || alltrue([for member in var.members : member.subnet_id == null])
    error_message = "ami_id must be the id of an image, such as ami-0123456789abcdef0, since members has hosts to be made."
  }
}

variable "instance_type" {
  description = "Type of the hosts that are made and name none. It limits how many addresses a host carries: a t3.micro one VIP, a t3.small three."
  type        = string
  default     = "t3.small"
  nullable    = false
}

variable "key_name" {
  description = "Key pair for SSH to the hosts that are made; absent: none."
  type        = string
  default     = null
}

variable "login_user" {
  description = "User of the image that may log in by SSH, for output `status_command`."
  type        = string
  default     = "admin"
  nullable    = false
}

variable "security_group_ids" {
  description = "Security groups of the hosts that are made beside the one for the group: what lets the VIPs' clients in, and SSH."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "public_address" {
  description = "Each host that is made gets a public address of its own, for its way to the API and to packages. Without: a NAT gateway or end points of the VPC must lead there."
  type        = bool
  default     = false
  nullable    = false
}

variable "guest_interface" {
  description = "Mode secondary-ip: interface of the hosts' system that carries the address."
  type        = string
  default     = "ens5"
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

variable "cluster_key_secret_arn" {
  description = "A secret of Secrets Manager that has the cluster key already; absent: one is made."
  type        = string
  default     = null

  validation {
    condition     = var.cluster_key_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:", var.cluster_key_secret_arn))
    error_message = "cluster_key_secret_arn must be the ARN of a secret of Secrets Manager."
  }

  validation {
    condition     = var.cluster_key_secret_arn == null || var.cluster_key_version == null
    error_message = "cluster_key_version says that Terraform writes the key; a secret that is there already (cluster_key_secret_arn) is not written."
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

variable "kms_key_arn" {
  description = "Key of KMS that encrypts the secret; absent: the account's own for Secrets Manager."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of a permissions boundary for the role."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for all that is made here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(key, "wackamole:")])
    error_message = "tags must not have keys that begin with wackamole: — the agents go by these."
  }
}
