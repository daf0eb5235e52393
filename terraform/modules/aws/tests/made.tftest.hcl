mock_provider "aws" {
  mock_data "aws_region" { defaults = { region = "cn-north-1" } }
  mock_data "aws_partition" { defaults = { partition = "aws-cn", dns_suffix = "amazonaws.com.cn" } }
  mock_data "aws_subnet" { defaults = { availability_zone = "cn-north-1a" } }
  mock_resource "aws_iam_role" { defaults = { arn = "arn:aws-cn:iam::123456789012:role/r" } }
  mock_resource "aws_secretsmanager_secret" { defaults = { arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:s" } }
  mock_resource "aws_eip" { defaults = { public_ip = "198.51.100.9" } }
}

variables {
  cluster = "web"
  vpc_id  = "vpc-0123456789abcdef0"
  ami_id  = "ami-0123456789abcdef0"
  members = {
    a = { subnet_id = "subnet-1", private_ip = "10.0.0.11" }
    b = { subnet_id = "subnet-1", private_ip = "10.0.0.12", instance_type = "m7g.large" }
    c = { existing = { instance_id = "i-0123456789abcdef0", network_interface_id = "eni-0123456789abcdef0", private_ip = "10.0.0.13" }, zone = "cn-north-1b" }
  }
  vips = {
    web   = { mode = "elastic-ip" }
    old   = { mode = "elastic-ip", allocation_id = "eipalloc-0123456789abcdef0", addresses = ["198.51.100.1"] }
    cache = { mode = "secondary-ip", addresses = ["10.0.0.101", "2001:db8::101"] }
    db    = { mode = "route", addresses = ["172.31.255.1"], prefer = ["a"], constraints = { zones = ["cn-north-1a"] } }
  }
  route_tables         = { main = "rtb-0123456789abcdef0" }
  address_reservations = { vips = { subnet_id = "subnet-1", cidr = "10.0.0.96/28" } }
  settings             = { balance = { interval = "20s" }, group = { profile = "wan" } }
  cluster_key          = "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
  cluster_key_version  = 1
  install              = { npm = "wackamole@0.1.0" }
  tags                 = { team = "edge" }
}

run "makes_hosts_and_marks_others" {
  assert {
    condition     = sort(keys(aws_instance.member)) == tolist(["a", "b"]) && aws_instance.member["b"].instance_type == "m7g.large"
    error_message = "hosts are made that are there, or not as asked"
  }

  assert {
    condition     = aws_instance.member["a"].metadata_options[0].http_tokens == "required" && aws_instance.member["a"].root_block_device[0].encrypted
    error_message = "the metadata service answers without a token, or the disk is not encrypted"
  }

  assert {
    condition     = alltrue([for eni in aws_network_interface.member : eni.tags["wackamole:cluster"] == "web" && eni.tags.team == "edge" && !eni.source_dest_check])
    error_message = "interfaces lack the tags, or check the destination of routed packets"
  }

  # Two Elastic IPs, one on the primary address.
  assert {
    condition     = alltrue([for eni in aws_network_interface.member : eni.private_ips_count == 1])
    error_message = "a survivor could not carry all Elastic IPs"
  }

  assert {
    condition     = toset([for tag in aws_ec2_tag.existing : tag.resource_id]) == toset(["i-0123456789abcdef0", "eni-0123456789abcdef0"])
    error_message = "the host that is there is not marked"
  }

  assert {
    condition     = toset(concat([for tag in aws_ec2_tag.vip : tag.resource_id], [for tag in aws_ec2_tag.route_table : tag.resource_id])) == toset(["eipalloc-0123456789abcdef0", "rtb-0123456789abcdef0"])
    error_message = "the agents may not touch the Elastic IP or the table that are there"
  }

  assert {
    condition     = length(aws_eip.member) == 0 && aws_eip.vip["web"].network_interface != aws_network_interface.member["a"].id
    error_message = "a binding is made that is the agents' alone"
  }

  assert {
    condition     = aws_ec2_subnet_cidr_reservation.vips["vips"].reservation_type == "explicit"
    error_message = "the addresses of VIPs are not kept back"
  }
}

run "opens_the_group_to_members_alone" {
  assert {
    condition = (
      toset([for rule in aws_vpc_security_group_ingress_rule.members : "${rule.ip_protocol} ${rule.from_port} ${rule.to_port}"]) == toset(["tcp 4873 4873", "udp 4873 4873", "icmp 8 -1"])
      && alltrue([for rule in aws_vpc_security_group_ingress_rule.members : rule.referenced_security_group_id == aws_security_group.group.id && rule.cidr_ipv4 == null])
      && length(aws_vpc_security_group_ingress_rule.outside) == 0
    )
    error_message = "more, or less, than the group's ports among members"
  }
}

run "opens_the_group_to_members_elsewhere" {
  variables { outside_members = { m = ["192.0.2.7"], n = ["2001:db8::8"] } }

  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.outside : "${try(coalesce(rule.cidr_ipv4, rule.cidr_ipv6), "")} ${rule.ip_protocol} ${rule.from_port}"]) == toset([
      "192.0.2.7/32 tcp 4873", "192.0.2.7/32 udp 4873", "192.0.2.7/32 icmp 8",
      "2001:db8::8/128 tcp 4873", "2001:db8::8/128 udp 4873", "2001:db8::8/128 icmpv6 128",
    ])
    error_message = "members elsewhere do not come in, or others do"
  }

  assert {
    condition     = yamldecode(output.configurations.a).group.peers.n == ["[2001:db8::8]:4873"]
    error_message = "members elsewhere are no peers"
  }
}

run "gives_the_least_rights" {
  assert {
    condition     = strcontains(output.policy, "arn:aws-cn:ec2:cn-north-1:*:route-table/*") && !strcontains(output.policy, "arn:aws:") && !strcontains(output.policy, "@")
    error_message = "the policy names another partition, or a placeholder is left"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.key.policy).Statement[0].Resource == aws_secretsmanager_secret.key[0].arn && length(jsondecode(aws_iam_role_policy.key.policy).Statement) == 1
    error_message = "the role reads more than the one secret"
  }

  assert {
    condition     = jsondecode(aws_iam_role.member.assume_role_policy).Statement[0].Principal.Service == "ec2.amazonaws.com.cn"
    error_message = "the hosts cannot take the role"
  }
}

run "tells_the_agents" {
  assert {
    condition     = yamldecode(output.configurations.a).vips.web.addresses == ["198.51.100.9"] && output.vips.old == tolist(["198.51.100.1"])
    error_message = "a VIP has not the address of its Elastic IP"
  }

  assert {
    condition = (
      yamldecode(output.configurations.c).zone == "cn-north-1b" && yamldecode(output.configurations.a).zone == "cn-north-1a"
      && yamldecode(output.configurations.a).providers.route.route_tables == ["rtb-0123456789abcdef0"]
      && yamldecode(output.configurations.a).balance.interval == "20s" && yamldecode(output.configurations.a).group.profile == "wan"
    )
    error_message = "the configuration lacks what was given"
  }

  assert {
    condition     = aws_secretsmanager_secret_version.key[0].secret_string_wo_version == 1 && aws_secretsmanager_secret_version.key[0].secret_string == null
    error_message = "the key is not written, or kept in the state"
  }
}

run "takes_a_secret_that_is_there" {
  variables {
    cluster_key_secret_arn = "arn:aws:secretsmanager:cn-north-1:123456789012:secret:mine"
    cluster_key            = null
    cluster_key_version    = null
  }
  command = plan

  assert {
    condition     = length(aws_secretsmanager_secret.key) == 0 && output.cluster_key_secret_arn == "arn:aws:secretsmanager:cn-north-1:123456789012:secret:mine"
    error_message = "another secret is made"
  }
}
