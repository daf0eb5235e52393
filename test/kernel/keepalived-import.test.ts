/** From keepalived to ours on the real kernel: what keepalived takes is imported, and what is imported serves. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { ip } from '../../src/lab/iproute.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  HANDOFF_MAX,
  heldBy,
  NO_WORLD,
  withAgents,
} from './vocabulary.ts';

const FIXTURES = new URL('../fixtures/keepalived/', import.meta.url).pathname;
const KEEPALIVED = ['/usr/sbin/keepalived', '/sbin/keepalived'].find(existsSync);
const NAMES = ['a', 'b', 'c'];
/** Three agents, one after the other, on a busy machine, ms. */
const STARTED_MAX = 90_000;

/** Two instances, each first on another host, tied to a second interface. */
function fileOf(cluster: Cluster, name: string, at: number): string {
  const address = (one: string) => cluster.host(one).plan.ipv4;
  const instance = (number: number) => `vrrp_instance VI_${number} {
    state ${at === number ? 'MASTER' : 'BACKUP'}
    interface eth0
    virtual_router_id ${number + 1}
    priority ${100 - ((at - number + 3) % 3) * 10}
    unicast_src_ip ${address(name)}
    unicast_peer { ${NAMES.filter((one) => one !== name)
      .map(address)
      .join('\n')} }
    virtual_ipaddress { 10.77.0.10${number + 1}/32 }
    track_interface { eth9 }
}
`;
  return `global_defs { router_id ${name} }\n${instance(0)}${instance(1)}`;
}

/** Imports the files on one host and puts the result on all, with what the lab has elsewhere. */
async function configure(cluster: Cluster): Promise<void> {
  const files = NAMES.map((name, at) => {
    const file = `${cluster.host(name).folder}/keepalived.conf`;
    writeFileSync(file, fileOf(cluster, name, at));
    return file;
  });
  const imported = await cluster.agent('a').run(['config', 'import', ...files]);
  expect(imported, imported.stderr).toMatchObject({ code: 0 });
  for (const name of NAMES) {
    const agent = cluster.agent(name);
    const text = imported.stdout.replace(/key_file: .*/, 'key_file: /run/lab/cluster.key');
    writeFileSync(
      agent.configFile,
      `${text}member: ${name}\ncontrol: { socket: ${agent.socket} }\nagent: { maturity: 1s }\nbalance: { interval: 1s, hold_down: 1s }\n`,
    );
    await ip(
      ['link add eth9 type veth peer name eth9-peer', 'link set eth9 up', 'link set eth9-peer up'],
      name,
    );
    agent.start();
  }
}

describe.skipIf(NO_WORLD !== undefined)('imported from keepalived', () => {
  it('three hosts serve as their priorities say, and a tracked interface that goes down moves what it carries', async () => {
    await withAgents({ hosts: 3, vips: 2 }, async (cluster) => {
      await configure(cluster);
      await cluster.served([NAMES], STARTED_MAX);
      await cluster.joined(NAMES, STARTED_MAX);
      await eventually('each instance is where its priority is highest', async () => {
        const [a, b] = [await heldBy(cluster, 'a'), await heldBy(cluster, 'b')];
        return a.join() === '10.77.0.101' && b.join() === '10.77.0.102';
      });
      const moved = await during(cluster, async () => {
        await ip(['link set eth9 down'], 'a');
        await eventually(
          'the next by priority has it',
          async () => (await heldBy(cluster, 'b')).length === 2,
        );
      });
      expectNeverTwo(moved);
      expectOutageBelow(moved, HANDOFF_MAX);
      const status = await cluster.agent('c').status();
      expect(status?.members.find(({ name }) => name === 'a')?.problems).toEqual([
        'check link-eth9: eth9 is down',
      ]);
      expect(status?.vips[0]?.reason).toContain('a: check link-eth9: eth9 is down; b is preferred');
      for (const name of ['b', 'c']) await ip(['link set eth9 down'], name);
      await eventually('nobody is better off, and the status says so', async () => {
        const warnings = (await cluster.agent('b').status())?.warnings ?? [];
        return warnings.some((text) => text.includes('nobody is better off'));
      });
      await cluster.served();
    });
  });

  it.skipIf(KEEPALIVED === undefined)('keepalived itself takes the files that the tests import', () => {
    execFileSync('ip', ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1'], { stdio: 'pipe' });
    for (const device of ['eth0', 'eth1'])
      execFileSync('ip', ['link', 'set', device, 'up'], { stdio: 'pipe' });
    const wrong = readdirSync(FIXTURES)
      .filter((name) => name.endsWith('.conf'))
      .flatMap((name) => {
        const said = complaintsOf(name);
        return said === '' ? [] : [`${name}: ${said}`];
      });
    execFileSync('ip', ['link', 'delete', 'eth0'], { stdio: 'pipe' });
    expect(wrong).toEqual([]);
  });
});

/** Lines in which keepalived finds fault with a line of the file. Scripts that are not here are none, nor is what is old. */
function complaintsOf(name: string): string {
  let said = '';
  try {
    execFileSync(KEEPALIVED!, ['-t', '-i', 'main', '-f', FIXTURES + name], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    said = `${stdout}${stderr}`;
  }
  return said
    .split('\n')
    .filter((line) => /Line \d+\)|missing '}'|Unknown keyword/.test(line))
    .filter((line) => !/deprecated|Please use/.test(line))
    .join('; ');
}
