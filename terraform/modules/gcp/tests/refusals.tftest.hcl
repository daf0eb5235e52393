mock_provider "google" {}

variables {
  cluster    = "shop"
  project    = "my-project"
  region     = "europe-west3"
  network    = "net"
  subnetwork = "sub"
  members    = { a = { zone = "europe-west3-a" }, b = { zone = "europe-west3-b" }, c = { zone = "europe-west3-c" } }
  vips       = { db = { mode = "alias-ip", addresses = ["10.0.0.100"] } }
  install    = { npm = "wackamole@0.1.0" }
}

run "cluster" {
  command = plan
  variables { cluster = "Shop" }
  expect_failures = [var.cluster]
}

run "project" {
  command = plan
  variables { project = "My Project" }
  expect_failures = [var.project]
}

run "region" {
  command = plan
  variables { region = "europe" }
  expect_failures = [var.region]
}

run "a_zone_elsewhere" {
  command = plan
  variables { members = { a = { zone = "us-east1-b" }, b = { zone = "europe-west3-b" }, c = { zone = "europe-west3-c" } } }
  expect_failures = [var.members]
}

run "two_members_without_a_third" {
  command = plan
  variables { members = { a = { zone = "europe-west3-a" }, b = { zone = "europe-west3-b" } } }
  expect_failures = [var.members]
}

run "a_name_twice" {
  command = plan
  variables { outside_members = { a = ["192.0.2.1"] } }
  expect_failures = [var.members]
}

run "ipv6" {
  command = plan
  variables { vips = { db = { mode = "route", addresses = ["2001:db8::1"] } } }
  expect_failures = [var.vips]
}

run "two_external_addresses_in_one" {
  command = plan
  variables { vips = { web = { mode = "external-ip", addresses = ["198.51.100.1", "198.51.100.2"] } } }
  expect_failures = [var.vips]
}

run "more_external_addresses_than_survivors" {
  command = plan
  variables { vips = { w1 = { mode = "external-ip" }, w2 = { mode = "external-ip" }, w3 = { mode = "external-ip" } } }
  expect_failures = [var.vips]
}

run "an_unknown_mode" {
  command = plan
  variables { vips = { db = { mode = "secondary-ip", addresses = ["10.0.0.100"] } } }
  expect_failures = [var.vips]
}

run "settings_of_ours" {
  command = plan
  variables { settings = { member = "x" } }
  expect_failures = [var.settings]
}

run "a_key_without_a_version" {
  command = plan
  variables { cluster_key = "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f" }
  expect_failures = [var.cluster_key_version]
}

run "a_secret_by_its_name_alone" {
  command = plan
  variables { cluster_key_secret = "mine" }
  expect_failures = [var.cluster_key_secret]
}

run "labels_of_ours" {
  command = plan
  variables { labels = { wackamole-cluster = "other" } }
  expect_failures = [var.labels]
}
