variables {
  configuration = "cluster: web\n"
  install       = { npm = "wackamole@0.1.0" }
  key_source    = { store = "gcp-secretmanager", secret = "projects/p/secrets/s", endpoint = "https://secretmanager.googleapis.com" }
}

run "takes_npm" {
  command = plan

  assert {
    condition     = strcontains(output.user_data, "npm install --global --no-audit --no-fund 'wackamole@0.1.0'")
    error_message = "the package is not installed"
  }

  assert {
    condition     = !strcontains(output.user_data, "sha256sum") && !strcontains(output.user_data, "%%{")
    error_message = "something of the other way, or of the template, is left"
  }
}

run "refuses_a_configuration_that_is_none" {
  command = plan
  variables { configuration = "web" }
  expect_failures = [var.configuration]
}

run "refuses_another_place_for_the_key" {
  command = plan
  variables { configuration = "cluster: web\ngroup: { key_file: /tmp/key }\n" }
  expect_failures = [var.configuration]
}

run "refuses_no_package" {
  command = plan
  variables { install = {} }
  expect_failures = [var.install]
}

run "refuses_two_packages" {
  command = plan
  variables {
    install = { npm = "wackamole@0.1.0", deb = { url = "https://example.com/w.deb", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" } }
  }
  expect_failures = [var.install]
}

run "refuses_a_package_without_a_version" {
  command = plan
  variables { install = { npm = "wackamole" } }
  expect_failures = [var.install]
}

run "refuses_words_of_a_shell_in_a_url" {
  command = plan
  variables {
    install = { deb = { url = "https://example.com/'; reboot; '", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" } }
  }
  expect_failures = [var.install]
}

run "refuses_a_digest_that_is_none" {
  command = plan
  variables { install = { deb = { url = "https://example.com/w.deb", sha256 = "00" } } }
  expect_failures = [var.install]
}

run "refuses_an_unknown_store" {
  command = plan
  variables { key_source = { store = "vault", secret = "s", endpoint = "https://example.com" } }
  expect_failures = [var.key_source]
}

run "refuses_aws_without_a_region" {
  command = plan
  variables { key_source = { store = "aws-secretsmanager", secret = "s", endpoint = "https://example.com" } }
  expect_failures = [var.key_source]
}
