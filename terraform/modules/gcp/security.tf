# --- the group's ports, for its members alone ---

resource "google_compute_firewall" "group" {
  project                 = var.project
  name                    = "wackamole-${var.cluster}-group"
  description             = "Members of Wackamole ${var.cluster} among themselves"
  network                 = var.network
  source_service_accounts = [google_service_account.member.email]
  target_service_accounts = [google_service_account.member.email]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.group_port)]
  }

  allow {
    protocol = "udp"
    ports    = [tostring(var.group_port)]
  }

  # Probes that a host's kernel answers.
  allow {
    protocol = "icmp"
  }
}

resource "google_compute_firewall" "outside" {
  count = length(var.outside_members) == 0 ? 0 : 1

  project                 = var.project
  name                    = "wackamole-${var.cluster}-outside"
  description             = "Members of Wackamole ${var.cluster} that are elsewhere"
  network                 = var.network
  source_ranges           = [for address in flatten(values(var.outside_members)) : "${address}/32"]
  target_service_accounts = [google_service_account.member.email]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.group_port)]
  }

  allow {
    protocol = "udp"
    ports    = [tostring(var.group_port)]
  }

  allow {
    protocol = "icmp"
  }
}

# --- the service account: what `wackamole providers policy gcp` prints, and the key ---

locals {
  # Written by the program itself (npm run terraform:write); a test holds the two against each other.
  roles = jsondecode(file("${path.module}/policies.json"))
  role = length(local.modes) == 0 ? null : jsondecode(
    replace(jsonencode(local.roles[join(",", sort(local.modes))]), "@CLUSTER@", var.cluster),
  )
}

resource "google_service_account" "member" {
  project      = var.project
  account_id   = "wackamole-${var.cluster}"
  display_name = "Hosts of Wackamole ${var.cluster}"
}

resource "google_project_iam_custom_role" "moves" {
  count = local.role == null ? 0 : 1

  project     = var.project
  role_id     = "wackamole_${replace(var.cluster, "-", "_")}"
  title       = local.role.title
  description = local.role.description
  stage       = local.role.stage
  permissions = local.role.includedPermissions
}

resource "google_project_iam_member" "moves" {
  count = local.role == null ? 0 : 1

  project = var.project
  role    = "projects/${var.project}/roles/${one(google_project_iam_custom_role.moves[*].role_id)}"
  member  = google_service_account.member.member
}

resource "google_secret_manager_secret_iam_member" "key" {
  project   = split("/", local.secret)[1]
  secret_id = local.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.member.member
}

# --- the cluster key ---

resource "google_secret_manager_secret" "key" {
  count = var.cluster_key_secret == null ? 1 : 0

  project   = var.project
  secret_id = "wackamole-${var.cluster}-cluster-key"
  labels    = var.labels

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "key" {
  count = var.cluster_key_version == null ? 0 : 1

  secret                 = one(google_secret_manager_secret.key[*].id)
  secret_data_wo         = var.cluster_key
  secret_data_wo_version = var.cluster_key_version
}
