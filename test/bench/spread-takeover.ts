/**
 * What we add to a takeover on Spread, from the daemon's membership message on: `node test/bench/spread-takeover.ts [takeovers]`. Three
 * hosts with a daemon each (of the double, or the real ones that `WACKAMOLE_SPREAD_DAEMON` names), real agents, and beside each agent
 * and its daemon a tap that notes what passes and when. One agent after the other is killed; whoever takes its addresses over
 * gives one row: what passed between the membership's being readable on its socket and its provider's being asked to acquire,
 * divided along the messages it waited for (`spread-records.ts`). Medians of all, ms.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { type DaemonKind, daemonKinds, nameOfKind, SpreadSite } from '../kernel/spread-site.ts';
import {
  type AgentNote,
  NOTES_EVERY,
  notesFile,
  type Parts,
  partsOf,
  sideOf,
  type TapRecord,
} from './spread-records.ts';
import { reportTakeovers } from './takeover-report.ts';

const HOSTS = ['a', 'b', 'c'];
/** What the lab calls every cluster. */
const CLUSTER = 'lab';
const TAP = fileURLToPath(new URL('spread-tap.ts', import.meta.url));
const PORT = 4803;
const GROUP = {
  engine: 'spread',
  daemon: `${PORT}@localhost`,
  members: HOSTS,
  ...{ listen: undefined, peers: undefined, profile: undefined, key_file: undefined },
};
/** The victim's successor is a member that knows nothing; after so long everybody is past that, ms. */
const SETTLED = 3000;

async function bench(kind: DaemonKind, takeovers: number): Promise<void> {
  const sections = { balance: { enabled: false }, group: GROUP };
  // Whom nobody judges by need not ask often.
  const client = { interval_ms: 1000 };
  const cluster = await Cluster.open({ hosts: 3, vips: 6, patience_ms: 60_000, sections, client });
  const site = await SpreadSite.open(cluster.observatory.lab, kind);
  try {
    for (const name of HOSTS) rmSync(tapFile(name), { force: true });
    for (const name of HOSTS) await tap(cluster, name);
    cluster.startAll();
    const rows: Parts[] = [];
    for (let round = 0; round < takeovers; round += 1) rows.push(...(await takeover(cluster)));
    reportTakeovers(nameOfKind(kind), rows, takeovers);
  } finally {
    site.close();
    await cluster.close();
  }
}

const tapFile = (name: string) => `/run/lab/spread-tap-${name}`;

async function tap(cluster: Cluster, name: string): Promise<void> {
  const argv = [process.execPath, TAP, String(PORT), tapFile(name)];
  const started = cluster.host(name).spawn(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => started.stdout!.once('data', resolve));
}

/** A row for each survivor that took something over. */
async function takeover(cluster: Cluster): Promise<Parts[]> {
  await cluster.served();
  await cluster.joined();
  await sleep(SETTLED);
  const victim = await cluster.busiest();
  const from = monotonicNow();
  cluster.agent(victim).signal('SIGKILL');
  await cluster.served([cluster.others(victim)]);
  await cluster.agent(victim).exited();
  // Until all is written down.
  await sleep(3 * NOTES_EVERY);
  const rows = rowsSince(cluster, from, victim);
  cluster.agent(victim).start();
  return rows;
}

function rowsSince(cluster: Cluster, from: number, victim: string): Parts[] {
  const sides = cluster.others(victim).flatMap((name) => {
    const records = read<TapRecord>(tapFile(name));
    const latest = records.at(-1)?.client;
    const notes = read<AgentNote>(notesFile(cluster.agent(name).pid));
    return (
      sideOf(
        records.filter(({ client }) => client === latest),
        notes,
      ) ?? []
    );
  });
  return sides.flatMap((taker) => partsOf({ sides, taker, from, cluster: CLUSTER }) ?? []);
}

function read<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // The last one may not be whole yet.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as T);
}

// The lab starts this instead of the program itself.
process.env['WACKAMOLE_PROGRAM'] = fileURLToPath(new URL('spread-agent.ts', import.meta.url));
if (insideWorld()) {
  for (const kind of daemonKinds()) await bench(kind, Number(process.argv[2] ?? 20));
} else process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)]);
