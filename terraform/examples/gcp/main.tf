# Three hosts in three zones. The web's address is a public one, the database's an alias in their subnetwork, the address of the old data
# centre lies outside the network and is a route. No host has a public address of its own: their way out is Cloud NAT.

resource "google_compute_network" "this" {
  name                    = "wackamole-shop"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  name                     = "wackamole-shop"
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.156.0.0/20"
  private_ip_google_access = true
}

resource "google_compute_router" "this" {
  name    = "wackamole-shop"
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  name                               = "wackamole-shop"
  region                             = var.region
  router                             = google_compute_router.this.name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"
}

resource "google_compute_firewall" "web" {
  name          = "wackamole-shop-web"
  network       = google_compute_network.this.id
  source_ranges = ["0.0.0.0/0"]
  target_tags   = ["shop"]

  allow {
    protocol = "tcp"
    ports    = ["80", "443"]
  }
}

# SSH by Identity-Aware Proxy, whose range this is.
resource "google_compute_firewall" "ssh" {
  name          = "wackamole-shop-ssh"
  network       = google_compute_network.this.id
  source_ranges = ["35.235.240.0/20"]
  target_tags   = ["shop"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

module "wackamole" {
  source = "../../modules/gcp"

  cluster    = "shop"
  project    = var.project
  region     = var.region
  network    = google_compute_network.this.id
  subnetwork = google_compute_subnetwork.this.id
  members = {
    a = { zone = "${var.region}-a", address = "10.156.0.11" }
    b = { zone = "${var.region}-b", address = "10.156.0.12" }
    c = { zone = "${var.region}-c", address = "10.156.0.13" }
  }
  vips = {
    web      = { mode = "external-ip" }
    database = { mode = "alias-ip", addresses = ["10.156.0.101"], prefer = ["a", "b"] }
    legacy   = { mode = "route", addresses = ["172.31.255.1"] }
  }
  network_tags        = ["shop"]
  install             = { deb = { url = var.deb_url, sha256 = var.deb_sha256 } }
  cluster_key         = var.cluster_key
  cluster_key_version = 1

  # A host that boots needs its way out.
  depends_on = [google_compute_router_nat.this]
}
