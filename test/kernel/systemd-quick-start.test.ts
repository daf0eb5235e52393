/**
 * docs/quick-start.md, taken at its word: its commands are given on two hosts that a real systemd runs, in their order, with its files, and
 * what it says of the outcome is so. Other than there are only the addresses, and that files go from host to host without ssh.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { BootedHost } from './booted-host.ts';
import { active, debContent, debFile, PATIENCE, packagedProblem, withBareHosts } from './packaged-hosts.ts';
import { answered, during, eventually, expectNeverTwo, heldBy, TAKEOVER_MAX } from './vocabulary.ts';

const why = packagedProblem === undefined ? '' : ` (skipped: ${packagedProblem})`;
const PAGE = readFileSync(new URL('../../docs/quick-start.md', import.meta.url), 'utf8');
/** Where who follows the page is logged in. */
const HOME = '/root';

interface Block {
  readonly language: string;
  readonly text: string;
}

/** What stands in the step with this number, in order. */
function blocksOf(step: number): readonly Block[] {
  const [, from = ''] = PAGE.split(`\n**${step}. `);
  const text = from.split(/\n\*\*\d\. /)[0]!;
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }));
}

const commandsOf = ({ text }: Block): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');

/** The page's addresses stand for the lab's. */
function here(text: string, cluster: Cluster): string {
  const { hosts } = cluster.observatory.lab;
  const real = new Map<string, string>([
    ...hosts.map(({ plan }, index) => [`10.0.0.${index + 1}`, plan.ipv4] as const),
    ...cluster.observatory.addresses.map((address, index) => [`10.0.0.10${index}`, address] as const),
  ]);
  return text.replaceAll(/\b10\.0\.0\.\d+\b/g, (address) => {
    const found = real.get(address);
    if (found === undefined)
      throw new Error(`docs/quick-start.md has an address that stands for none: ${address}`);
    return found;
  });
}

/** In a shell, as who is logged in there gives them. */
const given = (host: BootedHost, command: string): Promise<string> =>
  host.must(['sh', '-c', `cd ${HOME} && ${command}`]);

describe.skipIf(why !== '')(`docs/quick-start.md${why}`, () => {
  it('leads from nothing to a cluster that outlives the end of an agent', async () => {
    await withBareHosts({ hosts: 2, vips: 2, patience_ms: PATIENCE }, async (cluster, hosts) => {
      await copied(hosts);
      for (const command of commandsOf(blocksOf(2)[0]!))
        for (const host of hosts) expect(await given(host, command)).toContain('nothing was started');
      await configured(cluster, hosts);
      await keyed(cluster, hosts);
      for (const command of commandsOf(blocksOf(5)[0]!))
        await Promise.all(hosts.map((host) => given(host, command)));
      await cluster.served();
      await answered(cluster);
      await seen(cluster, hosts);
      await killed(cluster, hosts);
    });
  }, 300_000);
});

/** Step 1: what it builds is what the tests were given, under the name that it says. */
async function copied(hosts: readonly BootedHost[]): Promise<void> {
  const [build, ...copies] = commandsOf(blocksOf(1)[0]!);
  expect(build).toBe('npm run package');
  const name = basename(debFile());
  expect(copies).toHaveLength(hosts.length);
  for (const [index, copy] of copies.entries()) {
    expect(copy.replace('_amd64', name.slice(name.lastIndexOf('_'), -'.deb'.length))).toBe(
      `scp dist/package/${name} root@10.0.0.${index + 1}:`,
    );
    await hosts[index]!.write(`${HOME}/${/(\S+\.deb)/.exec(basename(copy))![1]}`, debContent());
  }
}

async function configured(cluster: Cluster, hosts: readonly BootedHost[]): Promise<void> {
  const [, file] = /Write the configuration\*\*, the same file on both, `([^`]+)`/.exec(PAGE)!;
  const [block] = blocksOf(3);
  expect(block!.language).toBe('yaml');
  for (const host of hosts) await host.write(file!, here(block!.text, cluster));
}

/** Those that say so are given on the first host alone; the others where they make sense. */
async function keyed(cluster: Cluster, hosts: readonly BootedHost[]): Promise<void> {
  const [a, b] = hosts as [BootedHost, BootedHost];
  const [make, copy, ...rest] = commandsOf(blocksOf(4)[0]!);
  await given(a, make!);
  const [, file, host, folder] = /^scp -p (\S+) root@(\S+):(\S+)$/.exec(copy!)!;
  expect(here(host!, cluster)).toBe(b.host.plan.ipv4);
  const mode = (await a.must(['stat', '-c', '%a', file!])).trim();
  await b.write(`${folder}${basename(file!)}`, await a.must(['cat', file!]), mode);
  const check = 'wackamole config check --host';
  for (const each of hosts)
    expect(await given(each, check)).toContain(`cannot read it; run: chown wackamole: ${file}`);
  for (const command of rest) for (const each of hosts) await given(each, command);
  for (const each of hosts) {
    expect(await given(each, check)).toMatch(/^pass +cluster key: /m);
    expect(await given(each, `wackamole key fingerprint ${file}`), 'root may look at it').toMatch(/\w/);
  }
}

/** Each host holds one address, and it says why. */
async function seen(cluster: Cluster, hosts: readonly BootedHost[]): Promise<void> {
  const [block] = blocksOf(6);
  for (const host of hosts) {
    const { name } = host.host;
    await eventually('each holds one', async () => (await heldBy(cluster, name)).length === 1, PATIENCE);
    const said = await given(host, commandsOf(block!).join(' && '));
    expect(said).toMatch(/web-1 .*\n.*web-2 /);
    expect(said).not.toMatch(/\bWARNINGS\b/);
  }
}

/** The other one serves what it held; when it is back, nothing moves. */
async function killed(cluster: Cluster, hosts: readonly BootedHost[]): Promise<void> {
  const [first] = cluster.observatory.addresses;
  const holders = await Promise.all(hosts.map(({ host }) => heldBy(cluster, host.name)));
  const holder = hosts[holders.findIndex((held) => held.includes(first!))]!;
  const other = hosts.find((host) => host !== holder)!;
  const sighting = await during(cluster, async () => {
    for (const command of commandsOf(blocksOf(6)[1]!)) await given(holder, command);
    await eventually(
      'the other one serves it',
      async () => (await heldBy(cluster, other.host.name)).includes(first!),
      TAKEOVER_MAX,
    );
    await eventually('it is back', async () => (await holder.property('NRestarts')) === '1', PATIENCE);
    await eventually('and ready', async () => (await active(holder)) === 'active', PATIENCE);
  });
  expectNeverTwo(sighting);
  expect(await heldBy(cluster, holder.host.name), 'nothing moves').toEqual([]);
}
