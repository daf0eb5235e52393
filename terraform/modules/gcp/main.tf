# Hosts whose agents move VIPs by the API of Compute Engine. Nothing here says where a VIP is: that is the agents' alone. What an agent
# changes (alias ranges and access configs of interfaces, routes) is either not ours or ignored.

# --- hosts ---

# Peers are named by address in every host's file, so it must be known before the hosts are.
resource "google_compute_address" "member" {
  for_each = local.made

  project      = var.project
  region       = var.region
  name         = "${var.cluster}-${each.key}"
  address_type = "INTERNAL"
  subnetwork   = var.subnetwork
  address      = each.value.address
  labels       = var.labels
}

resource "google_compute_instance" "member" {
  for_each = local.made

  project        = var.project
  zone           = each.value.zone
  name           = "${var.cluster}-${each.key}"
  machine_type   = coalesce(each.value.machine_type, var.machine_type)
  can_ip_forward = contains(local.modes, "route")
  labels         = merge(local.labels, each.value.labels, { wackamole-cluster = var.cluster })
  tags           = var.network_tags

  boot_disk {
    initialize_params {
      image = var.image
    }
  }

  network_interface {
    subnetwork = var.subnetwork
    network_ip = google_compute_address.member[each.key].address
  }

  service_account {
    email  = google_service_account.member.email
    scopes = ["cloud-platform"]
  }

  metadata = {
    user-data = module.cloud_init[each.key].user_data
    # The agent shows its fence there.
    enable-guest-attributes = "TRUE"
  }

  shielded_instance_config {
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    ignore_changes = [
      # The agents put VIPs here.
      network_interface[0].alias_ip_range,
      network_interface[0].access_config,
      # A new image would replace all hosts in one apply. Replace them one at a time: -replace, after a drain.
      boot_disk[0].initialize_params[0].image,
      metadata["user-data"],
      metadata["ssh-keys"],
    ]
  }

  depends_on = [google_project_iam_member.moves, google_secret_manager_secret_iam_member.key, google_compute_firewall.group]
}

module "cloud_init" {
  source   = "../cloud-init"
  for_each = var.members

  configuration = local.configurations[each.key]
  install       = var.install
  key_source = {
    store    = "gcp-secretmanager"
    secret   = local.secret
    endpoint = "https://secretmanager.googleapis.com"
  }
}

# --- what VIPs are made of ---

# Whom it leads to is the agents' business.
resource "google_compute_address" "vip" {
  for_each = local.new_externals

  project      = var.project
  region       = var.region
  name         = "${var.cluster}-vip-${each.key}"
  address_type = "EXTERNAL"
  labels       = var.labels
}

# So that Google gives them to nobody else. In a secondary range there is nobody else.
resource "google_compute_address" "alias" {
  for_each = local.reserved

  project      = var.project
  region       = var.region
  name         = "${var.cluster}-vip-${each.key}"
  address_type = "INTERNAL"
  subnetwork   = var.subnetwork
  address      = each.value
  labels       = var.labels
}
