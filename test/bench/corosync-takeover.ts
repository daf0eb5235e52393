/**
 * What we add to a takeover on corosync, from the daemon's membership message on: `node test/bench/corosync-takeover.ts [takeovers]`. Three hosts
 * with a corosync each (knet) and real agents that note what they are told and what they do (`corosync-notes.ts`). One agent after the
 * other is killed; whoever takes its addresses over gives one row, divided as on Spread (`spread-takeover.ts`). Medians of all, ms.
 *
 * `--alone`: agents, and after them all else that takes part, are scheduled before what else the machine has to do.
 *
 * The daemons share the processors with everybody. `--real-time`: they are scheduled before everything else, as corosync is by default; three
 * of them on one machine of two cores then keep all agents waiting, which daemons with a host of their own do not.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { CorosyncSite } from '../kernel/corosync-site.ts';
import { type CpgNote, cpgNotesFile, noteOf, sideOnCorosync } from './corosync-records.ts';
import { NOTES_EVERY, type Parts, partsOf, type Side } from './spread-records.ts';
import { reportTakeovers } from './takeover-report.ts';

const HOSTS = ['a', 'b', 'c'];
/** What the lab calls every cluster. */
const CLUSTER = 'lab';
const GROUP = {
  engine: 'corosync',
  members: HOSTS,
  ...{ listen: undefined, peers: undefined, profile: undefined, key_file: undefined },
};
const [WORD] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const ALONE = process.argv.includes('--alone');
const NOTED = [
  ...scheduled(2),
  'env',
  `NODE_OPTIONS=--import=${fileURLToPath(new URL('corosync-notes.ts', import.meta.url))}`,
];
/** Agents that have settled practise takeovers for a while (docs/adr/0015-practice.md). */
const PRACTISED = 25_000;
/** The victim's successor is a member that knows nothing; after so long everybody is past that, ms. */
const SETTLED = 20_000;

async function bench(takeovers: number): Promise<void> {
  const sections = { balance: { enabled: false }, group: GROUP };
  // Whom nobody judges by need not ask often.
  const client = { interval_ms: 1000 };
  const cluster = await Cluster.open({ hosts: 3, vips: 6, patience_ms: 60_000, sections, client });
  const site = await CorosyncSite.open(cluster.observatory.lab, {
    transport: 'knet',
    realTime: process.argv.includes('--real-time'),
    times: 'defaults',
  });
  try {
    for (const file of readdirSync('/run/lab'))
      if (file.startsWith('corosync-notes-')) rmSync(`/run/lab/${file}`);
    for (const { host } of cluster.agents) cluster.agent(host.name).start(NOTED);
    await cluster.served();
    await cluster.joined();
    await sleep(PRACTISED);
    const rows: Parts[] = [];
    for (let round = 0; round < takeovers; round += 1) rows.push(...(await takeover(cluster)));
    reportTakeovers('corosync', rows, takeovers);
  } finally {
    await site.close();
    await cluster.close();
  }
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
  const sides = cluster.others(victim).map((name) => sideOf(cluster, name));
  const rows = sides.flatMap((taker) => partsOf({ sides, taker, from, cluster: CLUSTER }) ?? []);
  cluster.agent(victim).start(NOTED);
  return rows;
}

function sideOf(cluster: Cluster, name: string): Side {
  const { pid } = cluster.agent(name);
  const threads = readdirSync('/run/lab').flatMap((file) => {
    const [, thread] = new RegExp(`^corosync-notes-${pid}-(\\d+)$`).exec(file) ?? [];
    return thread === undefined ? [] : [Number(thread)];
  });
  const spoken = threads
    .filter((thread) => thread !== 0)
    .flatMap((thread) => read(cpgNotesFile(pid, thread)));
  const node = HOSTS.indexOf(name) + 1;
  return sideOnCorosync({
    node,
    pid,
    cpgGroup: `wackamole-${CLUSTER}`,
    spoken,
    done: read(cpgNotesFile(pid, 0)),
  });
}

function read(file: string): readonly CpgNote[] {
  if (!existsSync(file)) return [];
  // The last one may not be whole yet.
  return readFileSync(file, 'utf8').split('\n').slice(0, -1).map(noteOf);
}

/** Before everything of the machine that has a lower priority or none. */
function scheduled(priority: number): readonly string[] {
  return ALONE ? ['chrt', '--rr', String(priority)] : [];
}

if (process.env['WACKAMOLE_PROGRAM'] !== undefined) {
  console.error(
    'WACKAMOLE_PROGRAM is set: agents take their notes in the sources alone, so this measures no other program; unset it',
  );
  process.exitCode = 2;
} else if (insideWorld()) await bench(Number(WORD ?? 20));
else process.exitCode = await enterWorld([...scheduled(1), process.execPath, ...process.argv.slice(1)]);
