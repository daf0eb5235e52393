# What a host does at its first boot: install the agent, bring the cluster key from the platform's secret store, start. The key itself is
# never in here: user data can be read by whoever may describe the instance, and by every process on it.

locals {
  # Both are checked to hold no quotes and no blanks.
  install = templatefile("${path.module}/files/wackamole-install.tftpl", {
    install = var.install
    url     = try("'${var.install.deb.url}'", "")
    package = var.install.npm == null ? "" : "'${var.install.npm}'"
  })

  cloud_config = {
    package_update = true
    packages       = ["ca-certificates", "curl"]
    write_files = [
      {
        path        = "/etc/wackamole/wackamole.yaml"
        permissions = "0644"
        content     = var.configuration
      },
      {
        path        = "/etc/wackamole/key-source.json"
        permissions = "0644"
        content     = jsonencode({ for name, value in var.key_source : name => value if value != null })
      },
      {
        path        = "/usr/local/sbin/wackamole-fetch-key"
        permissions = "0755"
        content     = file("${path.module}/files/wackamole-fetch-key")
      },
      {
        path        = "/usr/local/sbin/wackamole-install"
        permissions = "0755"
        content     = local.install
      },
      {
        path        = "/etc/systemd/system/wackamole-key.service"
        permissions = "0644"
        content     = file("${path.module}/files/wackamole-key.service")
      },
      {
        path        = "/etc/systemd/system/wackamole.service.d/after-key.conf"
        permissions = "0644"
        content     = file("${path.module}/files/after-key.conf")
      },
    ]
    runcmd = [
      ["/usr/local/sbin/wackamole-install"],
      ["systemctl", "daemon-reload"],
      # Whoever is to put the key into the store may come later: nothing waits for that here.
      ["systemctl", "enable", "--now", "--no-block", "wackamole-key.service", "wackamole.service"],
    ]
  }
}
