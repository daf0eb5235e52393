/** An attacker on the link without the key sends as fast as it can: the members keep their view, and clients notice nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { Flood } from './flooder.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  NO_WORLD,
  STILL,
  withAgents,
} from './vocabulary.ts';

const FLOODER = new URL('./flooder.ts', import.meta.url).pathname;
const PORT = 4873;
const MEMBERS = ['a', 'b', 'c'];
const ATTACKER = 'd';
const FLOOD_MS = 12_000;
/** Sent at least in that time, or it was no flood. */
const DATAGRAMS_MIN = 300_000;
const CONNECTIONS_MIN = 2_000;
/** No VIP moves, so there should be none at all; a frame that the busy machine dropped or kept counts as one of some 50 ms. */
const OUTAGE_MAX = 500;

/** One attacking process on the attacker's host. */
class Flooder {
  readonly #child: ChildProcess;
  sent = 0;

  constructor(cluster: Cluster, flood: Omit<Flood, 'targets' | 'port' | 'cluster'>) {
    const targets = MEMBERS.map((name) => cluster.host(name).plan.ipv4);
    const given: Flood = { ...flood, targets, port: PORT, cluster: 'lab' };
    const argv = [`--net=${cluster.host(ATTACKER).netns}`, process.execPath, FLOODER, JSON.stringify(given)];
    this.#child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.sent = (JSON.parse(line) as { sent: number }).sent;
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin!.end();
    await closed;
  }
}

describe.skipIf(NO_WORLD !== undefined)('an attacker without the key', () => {
  it('sends datagrams and opens connections at full speed: no view changes, nobody loses a VIP', async () => {
    const peers = { d: undefined };
    await withAgents({ hosts: 4, vips: 6, sections: { ...STILL, group: { peers } } }, async (cluster) => {
      for (const name of MEMBERS) cluster.agent(name).start();
      await cluster.served([MEMBERS]);
      await cluster.joined(MEMBERS);
      await cluster.balanced(MEMBERS);
      const holders = await cluster.observatory.holders();
      const views = await viewsOf(cluster);
      const flooders: Flooder[] = [];
      const sighting = await during(cluster, async () => {
        flooders.push(
          new Flooder(cluster, { kind: 'datagrams' }),
          new Flooder(cluster, {
            kind: 'datagrams',
            sources: MEMBERS.map((name) => cluster.host(name).plan.ipv4),
          }),
          new Flooder(cluster, { kind: 'connections', atOnce: 400 }),
          new Flooder(cluster, { kind: 'connects', atOnce: 200 }),
        );
        await sleep(FLOOD_MS);
        await Promise.all(flooders.map((flooder) => flooder.stop()));
      });
      expect(flooders[0]!.sent + flooders[1]!.sent).toBeGreaterThan(DATAGRAMS_MIN);
      expect(flooders[2]!.sent + flooders[3]!.sent).toBeGreaterThan(CONNECTIONS_MIN);
      expect(await viewsOf(cluster), opinionsOf(cluster)).toEqual(views);
      expect(await cluster.observatory.holders()).toEqual(holders);
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, OUTAGE_MAX);
      await eventually('the flood is over for everybody', async () => {
        const statuses = await Promise.all(MEMBERS.map((name) => cluster.agent(name).status()));
        return statuses.every((status) => (status?.counters['refused_too_many_from_source'] ?? 0) > 0);
      });
      for (const name of MEMBERS) {
        const { counters } = (await cluster.agent(name).status())!;
        const looked =
          counters['datagrams_malformed']! +
          counters['datagrams_wrong_key']! +
          counters['datagrams_stale_pair']!;
        expect(looked, `datagrams ${name} looked at`).toBeLessThan(DATAGRAMS_MIN / 3);
        expect(counters['datagram_floods'], `floods ${name} noticed`).toBeGreaterThan(0);
        expect(cluster.agent(name).logTail(10_000)).toMatch(/somebody floods the group port/);
      }
    });
  });
});

async function viewsOf(cluster: Cluster): Promise<readonly unknown[]> {
  const statuses = await Promise.all(MEMBERS.map((name) => cluster.agent(name).status()));
  return statuses.map((status) => status?.view?.id);
}

/** What the members thought of each other, for the message of a failure. */
function opinionsOf(cluster: Cluster): string {
  const lines = MEMBERS.flatMap((name) => cluster.agent(name).logTail(10_000).split('\n'));
  const told = lines.filter((line) => /does not hear|late by|excluded|stall|stream closed/.test(line));
  return `the kernel's queue dropped ${backlogDrops()} packets so far\n${told.join('\n')}`;
}

/** Of all processors since the start: what came faster than the kernel passed it on (second column, hexadecimal). */
function backlogDrops(): number {
  const rows = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n');
  return rows.reduce((sum, row) => sum + Number.parseInt(row.split(' ')[1] ?? '0', 16), 0);
}
