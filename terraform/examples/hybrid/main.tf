# One cluster of two hosts on metal and two in EC2. `shop` is served on either side: on metal as an address of the link that the routers
# know, in the cloud as a route. The addresses `inside-…` belong to the metal's link and never leave it.
# Terraform makes the two hosts in the cloud, and prints the file for the two on metal.

# Packets for the metal, the group's among them, leave the VPC here.
resource "aws_route" "metal" {
  route_table_id         = var.route_table_id
  destination_cidr_block = var.metal_cidr
  transit_gateway_id     = var.transit_gateway_id
}

locals {
  settings = {
    # Said for all VIPs, since only some of the files name a provider whose kind says it.
    policy = "primary"
    # Of four votes two and two would be no majority on either side. The first host on metal has two: when the line between the sides is
    # cut, the metal goes on.
    quorum = { votes = { (keys(var.metal)[0]) = 2 } }
    group  = { profile = "wan" }
  }
}

module "wackamole" {
  source = "../../modules/aws"

  cluster = "web"
  vpc_id  = var.vpc_id
  members = {
    c = { subnet_id = var.subnet_ids[0] }
    d = { subnet_id = var.subnet_ids[1] }
  }
  outside_members = { for name, address in var.metal : name => [address] }
  vips = {
    shop     = { mode = "route", addresses = ["192.168.200.10"], providers = ["route", "local"], prefer = keys(var.metal) }
    inside-1 = { addresses = ["10.0.0.101"], providers = ["local"], constraints = { tags = { where = "metal" } } }
    inside-2 = { addresses = ["10.0.0.102"], providers = ["local"], constraints = { tags = { where = "metal" } } }
  }
  route_tables        = { cloud = var.route_table_id }
  ami_id              = var.ami_id
  settings            = merge(local.settings, { tags = { where = "cloud" } })
  install             = { deb = { url = var.deb_url, sha256 = var.deb_sha256 } }
  cluster_key         = var.cluster_key
  cluster_key_version = 1

  depends_on = [aws_route.metal]
}

locals {
  # What all members must agree on comes from the same place.
  common = { for key, value in yamldecode(module.wackamole.configurations["c"]) : key => value if !contains(["member", "zone", "tags", "providers"], key) }
  metal_configurations = {
    for name in keys(var.metal) : name => yamlencode(merge(local.common, {
      member    = name
      zone      = "rack-1"
      tags      = { where = "metal" }
      providers = { local = { interface = var.metal_interface } }
    }))
  }
}
