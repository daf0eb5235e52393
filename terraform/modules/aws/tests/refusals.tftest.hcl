mock_provider "aws" {}

variables {
  cluster = "web"
  vpc_id  = "vpc-0123456789abcdef0"
  ami_id  = "ami-0123456789abcdef0"
  members = { a = { subnet_id = "s" }, b = { subnet_id = "s" }, c = { subnet_id = "s" } }
  vips    = { db = { mode = "secondary-ip", addresses = ["10.0.0.100"] } }
  install = { npm = "wackamole@0.1.0" }
}

run "cluster" {
  command = plan
  variables { cluster = "my cluster" }
  expect_failures = [var.cluster]
}

run "vpc" {
  command = plan
  variables { vpc_id = "main" }
  expect_failures = [var.vpc_id]
}

run "no_members" {
  command = plan
  variables { members = {} }
  expect_failures = [var.members]
}

run "a_member_neither_made_nor_there" {
  command = plan
  variables { members = { a = {}, b = { subnet_id = "s" }, c = { subnet_id = "s" } } }
  expect_failures = [var.members]
}

run "two_members_without_a_third" {
  command = plan
  variables { members = { a = { subnet_id = "s" }, b = { subnet_id = "s" } } }
  expect_failures = [var.members]
}

run "a_name_twice" {
  command = plan
  variables { outside_members = { a = ["192.0.2.1"] } }
  expect_failures = [var.members]
}

run "outside_with_a_prefix" {
  command = plan
  variables { outside_members = { m = ["192.0.2.0/24"] } }
  expect_failures = [var.outside_members]
}

run "an_unknown_mode" {
  command = plan
  variables { vips = { db = { mode = "alias-ip", addresses = ["10.0.0.100"] } } }
  expect_failures = [var.vips]
}

run "an_elastic_ip_by_address_alone" {
  command = plan
  variables { vips = { web = { mode = "elastic-ip", addresses = ["198.51.100.1"] } } }
  expect_failures = [var.vips]
}

run "a_route_without_tables" {
  command = plan
  variables { vips = { db = { mode = "route", addresses = ["172.31.255.1"] } } }
  expect_failures = [var.vips]
}

run "tables_without_a_route" {
  command = plan
  variables { route_tables = { main = "rtb-0123456789abcdef0" } }
  expect_failures = [var.vips]
}

run "an_address_that_is_none" {
  command = plan
  variables { vips = { db = { mode = "secondary-ip", addresses = ["10.0.0.300"] } } }
  expect_failures = [var.vips]
}

run "nobody_to_serve_it" {
  command = plan
  variables { vips = { db = { addresses = ["10.0.0.100"] } } }
  expect_failures = [var.vips]
}

run "no_image" {
  command = plan
  variables { ami_id = null }
  expect_failures = [var.ami_id]
}

run "settings_of_ours" {
  command = plan
  variables { settings = { vips = {} } }
  expect_failures = [var.settings]
}

run "peers_of_ours" {
  command = plan
  variables { settings = { group = { peers = {} } } }
  expect_failures = [var.settings]
}

run "a_key_that_is_none" {
  command = plan
  variables {
    cluster_key         = "secret"
    cluster_key_version = 1
  }
  expect_failures = [var.cluster_key]
}

run "a_key_without_a_version" {
  command = plan
  variables { cluster_key = "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f" }
  expect_failures = [var.cluster_key_version]
}

run "tags_of_ours" {
  command = plan
  variables { tags = { "wackamole:cluster" = "other" } }
  expect_failures = [var.tags]
}

run "a_reservation_that_is_none" {
  command = plan
  variables { address_reservations = { r = { subnet_id = "s", cidr = "10.0.0.1" } } }
  expect_failures = [var.address_reservations]
}

run "a_port_that_is_none" {
  command = plan
  variables { group_port = 70000 }
  expect_failures = [var.group_port]
}
