/** The modules and examples as `terraform` itself judges them: formatted, valid against the providers' schemas, and their own tests pass. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bench, ROOT, startBench, TERRAFORM_VERSION, terraform } from './terraform.ts';

const folders = (kind: 'modules' | 'examples') =>
  readdirSync(join(ROOT, kind)).map((name) => `${kind}/${name}`);
const MODULES = folders('modules');
const PROVIDERS = `terraform {
  required_providers {
    aws    = { source = "hashicorp/aws" }
    google = { source = "hashicorp/google" }
  }
}
`;
const PLACES = [...MODULES, ...folders('examples')];

if (TERRAFORM_VERSION === undefined)
  console.warn(
    'there is no terraform 1.11 or later here: modules are parsed (structure.test.ts), not validated and not tested',
  );

describe.skipIf(TERRAFORM_VERSION === undefined)(`terraform ${TERRAFORM_VERSION}`, () => {
  let bench: Bench;
  let tree: string;
  beforeAll(async () => {
    bench = await startBench();
    tree = join(bench.folder, 'tree');
    cpSync(ROOT, tree, { recursive: true });
    const wrong = join(bench.folder, 'wrong');
    mkdirSync(wrong);
    writeFileSync(join(wrong, 'versions.tf'), PROVIDERS);
    await bench.run(['init'], { in: wrong });
  }, 60_000);
  afterAll(() => bench.stop());

  /** Both providers are known there. */
  async function validated(text: string): Promise<{ readonly status: number; readonly output: string }> {
    writeFileSync(join(bench.folder, 'wrong', 'main.tf'), text);
    const { status, output } = await bench.run(['validate', '-no-color'], {
      in: join(bench.folder, 'wrong'),
    });
    // As it is for people, it has a frame and breaks lines.
    return { status, output: output.replaceAll(/\s*\n?[╷│╵]?\s+/g, ' ') };
  }

  test('finds all files formatted', async () => {
    const { status, output } = await terraform(['fmt', '-check', '-recursive', '-diff', ROOT]);
    expect(status, output).toBe(0);
  });

  test.each(PLACES)('finds %s valid', async (place) => {
    const at = join(tree, place);
    const init = await bench.run(['init', '-no-color'], { in: at });
    expect(init.status, init.output).toBe(0);
    const { status, output } = await bench.run(['validate', '-no-color'], { in: at });
    expect(status, output).toBe(0);
    expect(output).not.toContain('Warning');
  });

  test('takes the use of a module that the documentation shows, and would say what is wrong with it', async () => {
    const page = readFileSync(join(ROOT, '../docs/terraform.md'), 'utf8');
    const shown = [...page.matchAll(/^( *)```hcl\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', text = '']) =>
      text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    );
    expect(shown).toHaveLength(1);
    const at = join(tree, 'examples/documented');
    mkdirSync(at);
    const key = 'variable "cluster_key" {\n  type      = string\n  ephemeral = true\n}\n';
    const judged = async (text: string) => {
      writeFileSync(join(at, 'main.tf'), text + key);
      expect((await terraform(['fmt', '-check', '-diff', at])).output, 'formatted').toBe('');
      await bench.run(['init', '-no-color'], { in: at });
      return bench.run(['validate', '-no-color'], { in: at });
    };
    const { status, output } = await judged(shown[0]!);
    expect(status, output).toBe(0);
    expect((await judged(shown[0]!.replace('vips = {', 'vipz = {'))).output).toContain('"vipz"');
  });

  test.each(MODULES)('passes the tests of %s', async (place) => {
    const { status, output } = await bench.run(['test', '-no-color'], { in: join(tree, place) });
    expect(status, output).toBe(0);
    expect(output).toMatch(/Success! (1\d|[2-9]\d) passed, 0 failed/);
  });

  const mistakes: readonly (readonly [what: string, text: string, error: RegExp])[] = [
    [
      'an unknown argument',
      'resource "aws_eip" "x" {\n  nic = "eni-1"\n}',
      /An argument named "nic" is not expected here/,
    ],
    [
      'an unknown block',
      'resource "aws_eip" "x" {\n  nic {}\n}',
      /Blocks of type "nic" are not expected here/,
    ],
    ['a missing argument', 'resource "aws_network_interface" "x" {}', /argument "subnet_id" is required/],
    [
      'a missing block',
      'resource "google_compute_instance" "x" {\n  name = "x"\n  machine_type = "y"\n  boot_disk {}\n}',
      /At least 1 "network_interface" blocks are required/,
    ],
    [
      'a value of another type',
      'resource "aws_eip" "x" {\n  tags = "web"\n}',
      /Inappropriate value for attribute "tags"/,
    ],
    [
      'an argument that is only shown',
      'resource "aws_eip" "x" {\n  public_ip = "198.51.100.1"\n}',
      /Can't configure a value for "public_ip"/,
    ],
    [
      'an unknown attribute in a reference',
      'resource "aws_eip" "x" {}\noutput "y" {\n  value = aws_eip.x.address_of\n}',
      /has no argument, nested block, or exported attribute named "address_of"/,
    ],
    [
      'a key that would be kept',
      'variable "key" {\n  ephemeral = true\n}\nresource "aws_secretsmanager_secret_version" "x" {\n  secret_id = "s"\n  secret_string = var.key\n}',
      /Ephemeral values are not valid for "secret_string"/,
    ],
    [
      'an unknown type',
      'resource "aws_elastic_ip" "x" {}',
      /does not support resource type "aws_elastic_ip"/,
    ],
  ];

  test.each(mistakes)('refuses %s, as with the real provider', async (_what, text, error) => {
    const { status, output } = await validated(text);
    expect(output).toMatch(error);
    expect(status).toBe(1);
  });
});
