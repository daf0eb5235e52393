# Three hosts in three zones. Two web addresses are Elastic IPs; the database's lies outside the VPC and is a route, so that it can move
# from zone to zone. Five Elastic IPs in all (three hosts, two VIPs), which is what an account may have unless it asked for more.

locals {
  zones = { a = "${var.region}a", b = "${var.region}b", c = "${var.region}c" }
}

resource "aws_vpc" "this" {
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = "wackamole-web" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
}

resource "aws_subnet" "this" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.value
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 8, index(keys(local.zones), each.key))
}

# No `route` blocks here: the agents write theirs into this table.
resource "aws_route_table" "this" {
  vpc_id = aws_vpc.this.id

  lifecycle {
    # The module marks the table for its agents.
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.this.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "this" {
  for_each = aws_subnet.this

  subnet_id      = each.value.id
  route_table_id = aws_route_table.this.id
}

resource "aws_security_group" "web" {
  name        = "wackamole-web-clients"
  description = "Web for everybody, SSH for the operator"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.web.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = var.operator_cidr
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  security_group_id = aws_security_group.web.id
  cidr_ipv4         = aws_vpc.this.cidr_block
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
  description       = "database"
}

module "wackamole" {
  source = "../../modules/aws"

  cluster = "web"
  vpc_id  = aws_vpc.this.id
  members = {
    a = { subnet_id = aws_subnet.this["a"].id, private_ip = "10.20.0.11" }
    b = { subnet_id = aws_subnet.this["b"].id, private_ip = "10.20.1.12" }
    c = { subnet_id = aws_subnet.this["c"].id, private_ip = "10.20.2.13" }
  }
  vips = {
    web-1    = { mode = "elastic-ip" }
    web-2    = { mode = "elastic-ip" }
    database = { mode = "route", addresses = ["172.31.255.1"], prefer = ["a"] }
  }
  route_tables       = { all = aws_route_table.this.id }
  ami_id             = var.ami_id
  key_name           = var.key_name
  public_address     = true
  security_group_ids = [aws_security_group.web.id]
  settings = {
    checks = { database = { tcp = "127.0.0.1:5432", vips = ["database"] } }
  }
  install             = { deb = { url = var.deb_url, sha256 = var.deb_sha256 } }
  cluster_key         = var.cluster_key
  cluster_key_version = 1

  # A host that boots needs its way out.
  depends_on = [aws_route.out, aws_route_table_association.this]
}
