# --- the group's ports, for its members alone ---

resource "aws_security_group" "group" {
  name        = "wackamole-${var.cluster}"
  description = "Members of Wackamole ${var.cluster} among themselves"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "wackamole-${var.cluster}" })
}

locals {
  # Streams, heartbeats, and the probes that a host's kernel answers (ICMP: from_port is the type, 8 echo request; to_port the code).
  group_rules = {
    tcp  = { protocol = "tcp", from = var.group_port, to = var.group_port }
    udp  = { protocol = "udp", from = var.group_port, to = var.group_port }
    echo = { protocol = "icmp", from = 8, to = -1 }
  }
  outside_addresses = toset(flatten(values(var.outside_members)))
  outside_rules = merge([
    for address in local.outside_addresses : {
      for name, rule in local.group_rules : "${address} ${name}" => merge(rule, {
        address  = address
        ipv6     = strcontains(address, ":")
        protocol = name == "echo" && strcontains(address, ":") ? "icmpv6" : rule.protocol
        from     = name == "echo" && strcontains(address, ":") ? 128 : rule.from
      })
    }
  ]...)
}

resource "aws_vpc_security_group_ingress_rule" "members" {
  for_each = local.group_rules

  security_group_id            = aws_security_group.group.id
  referenced_security_group_id = aws_security_group.group.id
  ip_protocol                  = each.value.protocol
  from_port                    = each.value.from
  to_port                      = each.value.to
  description                  = "group, ${each.key}"
  tags                         = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "outside" {
  for_each = local.outside_rules

  security_group_id = aws_security_group.group.id
  cidr_ipv4         = each.value.ipv6 ? null : "${each.value.address}/32"
  cidr_ipv6         = each.value.ipv6 ? "${each.value.address}/128" : null
  ip_protocol       = each.value.protocol
  from_port         = each.value.from
  to_port           = each.value.to
  description       = "group, ${each.key}"
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "all" {
  for_each = { ipv4 = "0.0.0.0/0", ipv6 = "::/0" }

  security_group_id = aws_security_group.group.id
  cidr_ipv4         = each.key == "ipv4" ? each.value : null
  cidr_ipv6         = each.key == "ipv6" ? each.value : null
  ip_protocol       = "-1"
  description       = "API, packages, the other members"
  tags              = var.tags
}

# --- the role: what `wackamole providers policy aws` prints, and the key ---

locals {
  # Written by the program itself (npm run terraform:write); a test holds the two against each other.
  policies = jsondecode(file("${path.module}/policies.json"))
  moves = length(local.modes) == 0 ? null : replace(
    replace(replace(jsonencode(local.policies[local.policy_key]), "@CLUSTER@", var.cluster), "@REGION@", local.region),
    "arn:aws:", "arn:${local.partition}:",
  )
}

resource "aws_iam_role" "member" {
  name                 = "wackamole-${var.cluster}-${local.region}"
  description          = "Hosts of Wackamole ${var.cluster}"
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.${data.aws_partition.this.dns_suffix}" }
    }]
  })
}

resource "aws_iam_instance_profile" "member" {
  name = aws_iam_role.member.name
  role = aws_iam_role.member.name
  tags = var.tags
}

resource "aws_iam_role_policy" "moves" {
  count = local.moves == null ? 0 : 1

  name   = "move-vips"
  role   = aws_iam_role.member.name
  policy = local.moves
}

resource "aws_iam_role_policy" "key" {
  name = "read-cluster-key"
  role = aws_iam_role.member.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{ Sid = "ReadClusterKey", Effect = "Allow", Action = ["secretsmanager:GetSecretValue"], Resource = local.secret_arn }],
      var.kms_key_arn == null ? [] : [{ Sid = "DecryptIt", Effect = "Allow", Action = ["kms:Decrypt"], Resource = var.kms_key_arn }],
    )
  })
}

# --- the cluster key ---

resource "aws_secretsmanager_secret" "key" {
  count = var.cluster_key_secret_arn == null ? 1 : 0

  name        = "wackamole/${var.cluster}/cluster-key"
  description = "Cluster key of Wackamole ${var.cluster}: who has it can join"
  kms_key_id  = var.kms_key_arn
  tags        = var.tags
}

resource "aws_secretsmanager_secret_version" "key" {
  count = var.cluster_key_version == null ? 0 : 1

  secret_id                = one(aws_secretsmanager_secret.key[*].id)
  secret_string_wo         = var.cluster_key
  secret_string_wo_version = var.cluster_key_version
}
