/**
 * What must be true of the Terraform files whether `terraform` is here or not: they parse, everything is described, nothing of theirs says
 * where a VIP is, the permissions are the program's own, and the READMEs tell what there is.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expression, readFolder } from './hcl.ts';
import { kept, POLICIES } from './policies.ts';
import { freshReadme, MODULES, readmeOf } from './readme.ts';
import { ROOT } from './terraform.ts';

const folders = (kind: 'modules' | 'examples') =>
  readdirSync(join(ROOT, kind)).map((name) => `${kind}/${name}`);
const PLACES = [...folders('modules'), ...folders('examples')];

describe.each(PLACES)('%s', (place) => {
  test('parses, and says which versions it takes', async () => {
    const { terraform } = await readFolder(join(ROOT, place));
    expect(terraform.length).toBe(1);
    expect(expression(terraform[0]!['required_version'])).toBe('">= 1.11.0, < 2.0.0"');
  });

  test('describes every variable, with its type, and every output', async () => {
    const { variables, outputs } = await readFolder(join(ROOT, place));
    for (const [name, [body]] of Object.entries(variables)) {
      expect(body, name).toHaveProperty('type');
      expect(String(body!['description']).length, name).toBeGreaterThan(10);
    }
    for (const [name, [body]] of Object.entries(outputs))
      expect(String(body!['description']).length, name).toBeGreaterThan(10);
  });

  test('has nothing that leads a VIP to a host', async () => {
    const { resources } = await readFolder(join(ROOT, place));
    const binding = [
      'aws_eip_association',
      'aws_network_interface_attachment',
      'aws_network_interface_permission',
      'google_compute_route',
      'google_compute_instance_group',
    ];
    expect(Object.keys(resources).filter((type) => binding.includes(type))).toEqual([]);
    if (place.startsWith('modules/')) expect(Object.keys(resources)).not.toContain('aws_route');
    for (const [body] of Object.values(resources['aws_route_table'] ?? {}))
      expect(body).not.toHaveProperty('route');
    for (const [body] of Object.values(resources['aws_eip'] ?? {}).filter(
      ([each]) => !managesItself(each!),
    )) {
      expect(body).not.toHaveProperty('network_interface');
      expect(body).not.toHaveProperty('instance');
    }
  });
});

/** The way out of a host is no VIP; it lacks the tag by which agents go. */
function managesItself(body: Readonly<Record<string, unknown>>): boolean {
  return !String(body['tags']).includes('local.tags');
}

describe('modules', () => {
  const MUST_IGNORE = [
    {
      module: 'aws',
      resource: ['aws_network_interface', 'member'],
      what: ['private_ips', 'private_ips_count', 'private_ip_list', 'ipv6_addresses', 'tags', 'tags_all'],
    },
    {
      module: 'aws',
      resource: ['aws_eip', 'vip'],
      what: ['instance', 'network_interface', 'associate_with_private_ip'],
    },
    {
      module: 'aws',
      resource: ['aws_instance', 'member'],
      what: ['secondary_private_ips', 'user_data_base64', 'ami'],
    },
    {
      module: 'gcp',
      resource: ['google_compute_instance', 'member'],
      what: ['network_interface[0].alias_ip_range', 'network_interface[0].access_config'],
    },
  ] as const;

  test.each(MUST_IGNORE)('$module: $resource ignores what the agents change', async (row) => {
    const { resources } = await readFolder(join(ROOT, 'modules', row.module));
    const [type, name] = row.resource;
    const [lifecycle] = resources[type]![name]![0]!['lifecycle'] as readonly {
      ignore_changes: readonly string[];
    }[];
    expect(lifecycle!.ignore_changes.map(expression)).toEqual(expect.arrayContaining([...row.what]));
  });

  test.each(POLICIES)('$file is what the program prints (npm run terraform:write)', ({ file, text }) => {
    expect(kept(file)).toBe(text);
  });

  test.each(MODULES)(
    'README.md of %s tells its inputs and outputs (npm run terraform:write)',
    async (module) => {
      expect(readmeOf(module)).toBe(await freshReadme(module));
    },
  );
});
