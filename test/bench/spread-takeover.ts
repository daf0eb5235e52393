/**
 * How long a takeover takes on Spread from the daemon's word on: `node test/bench/spread-takeover.ts [rounds]`. Three hosts, a daemon of
 * the double on each, real agents; one agent is killed, and whoever takes its addresses over asks the link first. The daemons
 * note when they told a survivor of the new membership, when it announced itself, and when they told it the last announcement; the
 * watcher sees its first new address. Prints each part, medians of all takeovers, ms.
 */
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { SpreadSite } from '../kernel/spread-site.ts';
import { summarize, summaryText } from './statistics.ts';

const TRACE = '/run/lab/spread-trace';
const ANNOUNCE = 0;
const GROUP = {
  engine: 'spread',
  daemon: '4803@localhost',
  members: ['a', 'b', 'c'],
  ...{ listen: undefined, peers: undefined, profile: undefined, key_file: undefined },
};

interface Note {
  readonly at: number;
  readonly name: string;
  readonly way: 'to' | 'from';
  readonly word: 'membership' | number;
}

interface Parts {
  /** We read the membership and announce ourselves. */
  readonly announce: number;
  /** The daemons order the announcements of all. */
  readonly order: number;
  /** View, decision, question to the link where it must be, and the kernel's address. */
  readonly acquire: number;
  readonly all: number;
}

async function bench(rounds: number): Promise<void> {
  const parts: Parts[] = [];
  for (let round = 0; round < rounds; round += 1) parts.push(...(await takeover()));
  for (const part of ['announce', 'order', 'acquire', 'all'] as const) {
    const summary = summarize(parts.map((one) => one[part]));
    console.log(`${part.padEnd(8)} ${summaryText(summary)} ms, ${parts.length} takeovers`);
  }
}

/** What each survivor that took something over needed. */
async function takeover(): Promise<Parts[]> {
  rmSync(TRACE, { force: true });
  const sections = { balance: { enabled: false }, group: GROUP };
  const cluster = await Cluster.open({ hosts: 3, vips: 6, patience_ms: 60_000, sections });
  const site = await SpreadSite.open(cluster.observatory.lab, 'double', { trace: TRACE });
  try {
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    // Agents fresh from a merge ask the link even about what they saw released (agent/doubts.ts).
    await sleep(3000);
    const victim = await cluster.busiest();
    const from = monotonicNow();
    cluster.agent(victim).signal('SIGKILL');
    await cluster.served([cluster.others(victim)]);
    return await partsSince(cluster, from, victim);
  } finally {
    site.close();
    await cluster.close();
  }
}

async function partsSince(cluster: Cluster, from: number, victim: string): Promise<Parts[]> {
  const notes = readFileSync(TRACE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Note);
  const changes = await cluster.observatory.watcher.changes();
  return cluster.others(victim).flatMap((host) => {
    const at = (way: Note['way'], word: Note['word'], since: number) =>
      notes.find((note) => note.name === host && note.way === way && note.word === word && note.at >= since)
        ?.at;
    const told = at('to', 'membership', from);
    const held = changes.find((change) => change.host === host && change.held && change.at > from)?.at;
    if (told === undefined || held === undefined) return [];
    const announced = at('from', ANNOUNCE, told);
    const heard = notes.filter(
      ({ name, way, word, at: when }) =>
        name === host && way === 'to' && word === ANNOUNCE && when >= told && when < held,
    );
    const last = heard.at(-1)?.at;
    if (announced === undefined || last === undefined) return [];
    return [{ announce: announced - told, order: last - announced, acquire: held - last, all: held - told }];
  });
}

if (insideWorld()) await bench(Number(process.argv[2] ?? 10));
else process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)]);
