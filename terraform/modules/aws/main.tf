# Hosts whose agents move VIPs by the API of EC2. Nothing here says where a VIP is: that is the agents' alone. What an agent changes
# (secondary addresses and tags of interfaces, associations of Elastic IPs, routes) is either not ours or ignored.

data "aws_region" "this" {}
data "aws_partition" "this" {}

data "aws_subnet" "member" {
  for_each = local.made

  id = each.value.subnet_id
}

# --- hosts ---

resource "aws_network_interface" "member" {
  for_each = local.made

  subnet_id         = each.value.subnet_id
  description       = "Wackamole ${var.cluster}: ${each.key}"
  private_ips       = each.value.private_ip == null ? null : [each.value.private_ip]
  private_ips_count = local.extra_privates
  security_groups   = concat([aws_security_group.group.id], sort(var.security_group_ids))
  # A route leads packets here that are not for an address of the interface.
  source_dest_check = !contains(local.modes, "route")
  tags              = merge(local.tags, each.value.tags, { Name = "${var.cluster}-${each.key}" })

  lifecycle {
    # The agents assign VIPs here (private_ips: ForceNew, a plan would replace the interface), and show their fence as a tag.
    ignore_changes = [
      private_ip, private_ips, private_ips_count, private_ip_list, private_ip_list_enabled,
      ipv6_addresses, ipv6_address_count, ipv6_address_list, ipv6_address_list_enabled,
      ipv4_prefixes, ipv4_prefix_count, ipv6_prefixes, ipv6_prefix_count,
      tags, tags_all, attachment,
    ]
  }
}

resource "aws_instance" "member" {
  for_each = local.made

  ami                  = var.ami_id
  instance_type        = coalesce(each.value.instance_type, var.instance_type)
  key_name             = var.key_name
  iam_instance_profile = aws_iam_instance_profile.member.name
  user_data_base64     = base64gzip(module.cloud_init[each.key].user_data)
  tags                 = merge(local.tags, each.value.tags, { Name = "${var.cluster}-${each.key}" })

  primary_network_interface {
    network_interface_id = aws_network_interface.member[each.key].id
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
  }

  lifecycle {
    # A new image would replace, new user data stop all hosts in one apply. Replace them one at a time: -replace, after a drain.
    ignore_changes = [ami, user_data, user_data_base64, associate_public_ip_address, secondary_private_ips, private_ip]
  }

  depends_on = [aws_iam_role_policy.moves, aws_iam_role_policy.key]
}

# The way out of a host; no VIP, and without our tag, so that no agent may move it.
resource "aws_eip" "member" {
  for_each = var.public_address ? local.made : {}

  domain                    = "vpc"
  network_interface         = aws_network_interface.member[each.key].id
  associate_with_private_ip = aws_network_interface.member[each.key].private_ip
  tags                      = merge(var.tags, { Name = "${var.cluster}-${each.key}" })
}

resource "aws_ec2_tag" "existing" {
  for_each = merge(
    { for name, host in local.existing : "${name}-instance" => host.instance_id },
    { for name, host in local.existing : "${name}-interface" => host.network_interface_id },
  )

  resource_id = each.value
  key         = "wackamole:cluster"
  value       = var.cluster
}

resource "aws_network_interface_sg_attachment" "existing" {
  for_each = local.existing

  network_interface_id = each.value.network_interface_id
  security_group_id    = aws_security_group.group.id
}

module "cloud_init" {
  source   = "../cloud-init"
  for_each = var.members

  configuration = local.configurations[each.key]
  install       = var.install
  key_source = {
    store    = "aws-secretsmanager"
    secret   = local.secret_arn
    region   = local.region
    endpoint = "https://secretsmanager.${local.region}.${data.aws_partition.this.dns_suffix}"
  }
}

# --- what VIPs are made of ---

resource "aws_eip" "vip" {
  for_each = local.new_eips

  domain = "vpc"
  tags   = merge(local.tags, { Name = "${var.cluster}-${each.key}" })

  lifecycle {
    ignore_changes = [instance, network_interface, associate_with_private_ip, address]
  }
}

resource "aws_ec2_tag" "vip" {
  for_each = local.old_eips

  resource_id = each.value.allocation_id
  key         = "wackamole:cluster"
  value       = var.cluster
}

# The agents make the routes, and lead them elsewhere; the tables are only marked as theirs.
resource "aws_ec2_tag" "route_table" {
  for_each = var.route_tables

  resource_id = each.value
  key         = "wackamole:cluster"
  value       = var.cluster
}

resource "aws_ec2_subnet_cidr_reservation" "vips" {
  for_each = var.address_reservations

  subnet_id        = each.value.subnet_id
  cidr_block       = each.value.cidr
  reservation_type = "explicit"
  description      = "VIPs of Wackamole ${var.cluster}: ${each.key}"
}
