locals {
  made     = { for name, member in var.members : name => member if member.existing == null }
  existing = { for name, member in var.members : name => member.existing if member.existing != null }
  modes    = toset([for vip in var.vips : vip.mode if vip.mode != null])
  ours     = { "wackamole:cluster" = var.cluster }
  tags     = merge(var.tags, local.ours)

  new_eips = { for name, vip in var.vips : name => vip if vip.mode == "elastic-ip" && length(vip.addresses) == 0 }
  old_eips = { for name, vip in var.vips : name => vip if vip.mode == "elastic-ip" && length(vip.addresses) > 0 }

  # An Elastic IP lies on a private address without another public one; whoever is left must be able to carry all.
  elastic_ips      = length(local.new_eips) + length(local.old_eips)
  own_public       = var.public_address ? 1 : 0
  extra_privates   = max(0, local.elastic_ips + local.own_public - 1)
  region           = data.aws_region.this.region
  partition        = data.aws_partition.this.partition
  ipv6             = anytrue([for vip in var.vips : vip.mode != null && anytrue([for address in vip.addresses : strcontains(address, ":")])])
  policy_key       = "${join(",", sort(local.modes))}${local.ipv6 ? ",ipv6" : ""}"
  secret_arn       = coalesce(var.cluster_key_secret_arn, one(aws_secretsmanager_secret.key[*].arn))
  member_addresses = merge({ for name, eni in aws_network_interface.member : name => eni.private_ip }, { for name, host in local.existing : name => host.private_ip })
  vip_addresses = {
    for name, vip in var.vips : name => contains(keys(local.new_eips), name) ? [aws_eip.vip[name].public_ip] : vip.addresses
  }
}

# What the agents read. `member` is the one line, with `zone`, that differs.
locals {
  guests = {
    secondary-ip = { interface = var.guest_interface }
    route        = { interface = "lo" }
  }
  providers = {
    for mode in local.modes : mode => merge(
      { kind = "aws", mode = mode, region = local.region },
      { for key, guest in local.guests : "guest" => guest if key == mode },
      { for ids in [sort(values(var.route_tables))] : "route_tables" => ids if mode == "route" },
    )
  }
  vips = {
    for name, vip in var.vips : name => merge(
      { addresses = local.vip_addresses[name], providers = vip.providers == null ? [vip.mode] : vip.providers },
      { for key in ["prefer", "weight", "policy"] : key => vip[key] if vip[key] != null },
      { for constraints in [vip.constraints] : "constraints" => { for key, value in constraints : key => value if value != null } if constraints != null },
    )
  }
  group = merge(
    try(var.settings.group, {}),
    {
      peers = {
        for name, addresses in merge({ for name, address in local.member_addresses : name => [address] }, var.outside_members) :
        name => [for address in addresses : "${strcontains(address, ":") ? "[${address}]" : address}:${var.group_port}"]
      }
      key_file = "/etc/wackamole/cluster.key"
    },
  )
  configurations = {
    for name, member in var.members : name => yamlencode(merge(
      var.settings,
      { cluster = var.cluster, member = name, group = local.group, providers = local.providers, vips = local.vips },
      { for zone in [member.existing == null ? data.aws_subnet.member[name].availability_zone : member.zone] : "zone" => zone if zone != null },
    ))
  }
}
