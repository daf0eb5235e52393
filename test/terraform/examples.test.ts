/**
 * Each example, applied by the real `terraform` to a make-believe cloud: what the hosts are told is what the program takes, no key is where
 * it must not be, and whatever the agents move afterwards, no plan undoes it.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config/parse.ts';
import { moveAwsVips, moveGcpVips } from './agents.ts';
import { checkCloudConfig } from './cloud-config.ts';
import { Example, KEY } from './example.ts';
import { growthTests } from './growth.ts';
import { type Bench, startBench, TERRAFORM_VERSION } from './terraform.ts';
import { textOf } from './values.ts';

const NO_CHANGE = 0;
const CHANGES = 2;
/** An apply takes 2 s on an idle machine. */
const HOOK_TIMEOUT = 60_000;
const program = join(import.meta.dirname, '../../src/bin/wackamole.ts');

if (TERRAFORM_VERSION === undefined)
  console.warn('there is no terraform 1.11 or later here: its examples are not applied');

function wackamole(...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`wackamole ${words.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** Written where the program can read it. */
function written(bench: Bench, configuration: string): string {
  const file = join(bench.folder, 'wackamole.yaml');
  writeFileSync(file, configuration);
  return file;
}

/** What a careless plan would do: replace an interface for its VIPs, take the fence away, strip an alias. */
const LOST = {
  aws: /must be replaced/,
  hybrid: /- "wackamole:web:fence"/,
  gcp: /- alias_ip_range/,
};
const SUITES = [
  { name: 'aws', provider: 'aws', members: ['a', 'b', 'c'] },
  { name: 'gcp', provider: 'google', members: ['a', 'b', 'c'] },
  { name: 'hybrid', provider: 'aws', members: ['a', 'b', 'c', 'd'] },
] as const;

describe.skipIf(TERRAFORM_VERSION === undefined).each(SUITES)(
  'example $name',
  ({ name, provider, members }) => {
    let bench: Bench;
    let example: Example;
    let outputs: Readonly<Record<string, unknown>>;
    const cloud = () => bench[provider].cloud;

    beforeAll(async () => {
      bench = await startBench();
      example = new Example(bench, name);
      await example.apply();
      outputs = await example.outputs();
    }, HOOK_TIMEOUT);
    afterAll(() => bench.stop());

    const configurations = () => ({
      ...(outputs['configurations'] as Readonly<Record<string, string>>),
      ...((outputs['metal_configurations'] ?? {}) as Readonly<Record<string, string>>),
    });

    test('names its members, VIPs and how to look at them', () => {
      expect(outputs['members']).toEqual(members);
      expect(outputs['status_command']).toContain('wackamole status');
      const vips = Object.entries(outputs['vips'] as Readonly<Record<string, readonly string[]>>);
      expect(vips.length).toBeGreaterThan(2);
      for (const [, addresses] of vips) for (const address of addresses) expect(address).toMatch(/^[\d.]+$/);
    });

    test('gives every member a file that `config check` takes', () => {
      expect(Object.keys(configurations()).sort()).toEqual(members);
      for (const [member, configuration] of Object.entries(configurations())) {
        const parsed = parseConfig(configuration, { fileName: member, hostName: 'ip-10-0-0-1' });
        expect(parsed).toMatchObject({ ok: true, config: { member } });
        // Of VIPs that never leave the metal the hosts in the cloud are told so, rightly.
        const said = parsed.warnings.filter(({ what }) => what !== 'this host has no provider local');
        expect(said).toEqual([]);
      }
      const [one] = Object.values(configurations());
      wackamole('config', 'check', written(bench, one!));
    });

    test('tells all members the same of what they must agree on', () => {
      const agreed = Object.values(configurations()).map((text) => {
        const { cluster, vips, quorum, group } = parse(text) as Readonly<Record<string, unknown>>;
        return JSON.stringify({ cluster, vips, quorum, group });
      });
      expect(new Set(agreed).size).toBe(1);
    });

    test('allows the hosts what `providers policy` prints, to the letter', () => {
      const file = written(bench, Object.values(configurations()).at(-1)!);
      if (provider === 'aws') {
        const cloudFile = written(
          bench,
          (outputs['configurations'] as Readonly<Record<string, string>>)['c']!,
        );
        const printed = JSON.parse(wackamole('providers', 'policy', 'aws', '--config', cloudFile)) as unknown;
        const policies = cloud().of('aws_iam_role_policy');
        const moves = policies.find(({ value }) => value['name'] === 'move-vips');
        expect(JSON.parse(textOf(moves?.value['policy']))).toEqual(printed);
        return;
      }
      const printed = JSON.parse(wackamole('providers', 'policy', 'gcp', '--config', file)) as {
        readonly includedPermissions: readonly string[];
      };
      const [role] = cloud().of('google_project_iam_custom_role');
      expect([...(role!.value['permissions'] as readonly string[])].sort()).toEqual(
        printed.includedPermissions,
      );
    });

    test('brings the key to the secret store, and keeps it nowhere else', async () => {
      expect(cloud().written.map(({ value }) => value)).toEqual([KEY]);
      await example.must('plan', '-out=plan');
      expect(await example.must('show', '-json', 'plan')).not.toContain(KEY);
      for (const file of ['terraform.tfstate', 'plan']) expect(example.read(file)).not.toContain(KEY);
      for (const text of userData()) expect(text).not.toContain(KEY);
    });

    test('gives every host that is made a cloud-config with its own file', () => {
      expect(userData().length).toBe(name === 'hybrid' ? 2 : 3);
      const told = userData().map((text) => checkCloudConfig(text));
      const files = told.map(({ files: each }) => each.get('/etc/wackamole/wackamole.yaml')!.content);
      expect([...files].sort()).toEqual(
        Object.values(outputs['configurations'] as Readonly<Record<string, string>>).sort(),
      );
    });

    test('leaves alone what the agents have moved: a plan shows no change, and an apply makes none', async () => {
      const move = provider === 'aws' ? moveAwsVips : moveGcpVips;
      const moved = move(cloud());
      expect(moved.length).toBeGreaterThan(0);
      const before = JSON.stringify([...cloud().resources]);
      const plan = await example.run('plan', '-detailed-exitcode');
      expect(plan.output).toContain('No changes');
      expect(plan.status).toBe(NO_CHANGE);
      const calls = cloud().history.length;
      await example.must('apply', '-auto-approve');
      expect(cloud().history.slice(calls)).toEqual([]);
      expect(JSON.stringify([...cloud().resources])).toBe(before);
    });

    growthTests(name, () => example);

    test('and would not, without its lifecycle rules', async () => {
      const file = `modules/${provider === 'aws' ? 'aws' : 'gcp'}/main.tf`;
      const careless = new Example(bench, name, { copy: 'careless' });
      careless.edit(file, (text) => text.replaceAll(/\n {2}lifecycle \{\n[\s\S]*?\n {2}\}\n/g, '\n'));
      const state = readFileSync(join(example.place, 'terraform.tfstate'), 'utf8');
      writeFileSync(join(careless.place, 'terraform.tfstate'), state);
      await careless.must('init');
      const plan = await careless.run('plan', '-detailed-exitcode');
      expect(plan.status, plan.output).toBe(CHANGES);
      expect(plan.output).toMatch(LOST[name]);
    });

    /** Of the hosts that were made. */
    function userData(): readonly string[] {
      const aws = cloud()
        .of('aws_instance')
        .map(({ value }) => {
          const packed = Buffer.from(textOf(value['user_data_base64']), 'base64');
          expect(packed.length).toBeLessThanOrEqual(16_384);
          return gunzipSync(packed).toString();
        });
      const gcp = cloud()
        .of('google_compute_instance')
        .map(({ value }) => {
          return String((value['metadata'] as Readonly<Record<string, unknown>>)['user-data']);
        });
      return [...aws, ...gcp];
    }
  },
);
