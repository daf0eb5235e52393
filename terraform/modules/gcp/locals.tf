locals {
  made     = { for name, member in var.members : name => member if member.existing == null }
  existing = { for name, member in var.members : name => member.existing if member.existing != null }
  modes    = toset([for vip in var.vips : vip.mode if vip.mode != null])
  labels   = merge(var.labels, { wackamole-cluster = var.cluster })

  new_externals = { for name, vip in var.vips : name => vip if vip.mode == "external-ip" && length(vip.addresses) == 0 }
  reserved = merge([
    for name, vip in var.vips : {
      for index, address in vip.addresses : "${name}-${index}" => address if vip.mode == "alias-ip" && var.alias_range == null
    }
  ]...)

  secret           = coalesce(var.cluster_key_secret, try("projects/${var.project}/secrets/${one(google_secret_manager_secret.key[*].secret_id)}", null))
  member_addresses = merge({ for name, instance in google_compute_instance.member : name => instance.network_interface[0].network_ip }, { for name, host in local.existing : name => host.address })
  peer_addresses   = merge({ for name, address in google_compute_address.member : name => address.address }, { for name, host in local.existing : name => host.address })
  vip_addresses = {
    for name, vip in var.vips : name => contains(keys(local.new_externals), name) ? [google_compute_address.vip[name].address] : vip.addresses
  }
}

# What the agents read. `member` is the one line, with `zone`, that differs.
locals {
  providers = {
    for mode in local.modes : mode => merge(
      { kind = "gcp", mode = mode },
      { for interface in ["lo"] : "guest" => { interface = interface } if mode == "route" },
      { for range in [var.alias_range] : "range" => range if mode == "alias-ip" && range != null },
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
        for name, addresses in merge({ for name, address in local.peer_addresses : name => [address] }, var.outside_members) :
        name => [for address in addresses : "${address}:${var.group_port}"]
      }
      key_file = "/etc/wackamole/cluster.key"
    },
  )
  configurations = {
    for name, member in var.members : name => yamlencode(merge(
      var.settings,
      { cluster = var.cluster, member = name, zone = member.zone, group = local.group, providers = local.providers, vips = local.vips },
    ))
  }
}
