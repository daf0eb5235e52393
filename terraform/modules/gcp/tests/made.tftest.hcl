mock_provider "google" {
  mock_resource "google_compute_address" { defaults = { address = "10.0.0.9" } }
  mock_resource "google_service_account" { defaults = { email = "w@p.iam.gserviceaccount.com", member = "serviceAccount:w@p.iam.gserviceaccount.com" } }
}

variables {
  cluster    = "shop"
  project    = "my-project"
  region     = "europe-west3"
  network    = "net"
  subnetwork = "sub"
  members = {
    a = { zone = "europe-west3-a", address = "10.0.0.11" }
    b = { zone = "europe-west3-b", machine_type = "e2-medium", labels = { role = "web" } }
    c = { zone = "europe-west3-c", existing = { name = "old-one", address = "10.0.0.13" } }
  }
  vips = {
    web = { mode = "external-ip" }
    db  = { mode = "alias-ip", addresses = ["10.0.0.101"], prefer = ["a"] }
    far = { mode = "route", addresses = ["172.31.255.1"] }
  }
  network_tags        = ["edge"]
  cluster_key         = "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"
  cluster_key_version = 1
  install             = { npm = "wackamole@0.1.0" }
  labels              = { team = "edge" }
}

run "makes_hosts" {
  assert {
    condition     = sort(keys(google_compute_instance.member)) == tolist(["a", "b"]) && google_compute_instance.member["b"].machine_type == "e2-medium"
    error_message = "hosts are made that are there, or not as asked"
  }

  assert {
    condition = alltrue([
      for instance in google_compute_instance.member :
      instance.labels["wackamole-cluster"] == "shop" && instance.can_ip_forward && instance.metadata["enable-guest-attributes"] == "TRUE"
      && length(instance.network_interface[0].alias_ip_range) == 0 && length(instance.network_interface[0].access_config) == 0
    ])
    error_message = "an agent lacks its label, its fence or its routes; or a binding is made that is the agents' alone"
  }

  assert {
    condition     = google_compute_address.vip["web"].address_type == "EXTERNAL" && google_compute_address.alias["db-0"].address == "10.0.0.101"
    error_message = "addresses are not reserved"
  }
}

run "opens_the_group_to_members_alone" {
  assert {
    condition = (
      google_compute_firewall.group.source_service_accounts == toset([google_service_account.member.email])
      && google_compute_firewall.group.target_service_accounts == toset([google_service_account.member.email])
      && try(length(google_compute_firewall.group.source_ranges), 0) == 0
      && toset([for rule in google_compute_firewall.group.allow : "${rule.protocol} ${join(",", rule.ports == null ? [] : rule.ports)}"]) == toset(["tcp 4873", "udp 4873", "icmp "])
      && length(google_compute_firewall.outside) == 0
    )
    error_message = "more, or less, than the group's ports among members"
  }
}

run "opens_the_group_to_members_elsewhere" {
  variables { outside_members = { m = ["192.0.2.7"] } }

  assert {
    condition     = google_compute_firewall.outside[0].source_ranges == toset(["192.0.2.7/32"]) && yamldecode(output.configurations.a).group.peers.m == ["192.0.2.7:4873"]
    error_message = "members elsewhere do not come in, or others do"
  }
}

run "gives_the_least_rights" {
  assert {
    condition = (
      google_project_iam_member.moves[0].role == "projects/my-project/roles/wackamole_shop"
      && !contains(google_project_iam_custom_role.moves[0].permissions, "compute.instances.delete")
      && contains(google_project_iam_custom_role.moves[0].permissions, "compute.routes.create")
      && google_secret_manager_secret_iam_member.key.secret_id == "projects/my-project/secrets/wackamole-shop-cluster-key"
    )
    error_message = "not the program's permissions, or more than the one secret"
  }
}

run "a_range_of_its_own_needs_no_reservation" {
  variables { alias_range = "vips" }

  assert {
    condition     = length(google_compute_address.alias) == 0 && yamldecode(output.configurations.a).providers["alias-ip"].range == "vips"
    error_message = "the range is not used"
  }
}

run "takes_a_secret_that_is_there" {
  variables {
    cluster_key_secret  = "projects/other-project/secrets/mine"
    cluster_key         = null
    cluster_key_version = null
  }
  command = plan

  assert {
    condition     = length(google_secret_manager_secret.key) == 0 && google_secret_manager_secret_iam_member.key.project == "other-project"
    error_message = "another secret is made, or the hosts may not read it"
  }
}
