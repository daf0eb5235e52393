/**
 * Which engine: `node test/bench/engines.ts [rounds] [engine…]`. Three hosts, six VIPs, real agents, and the same faults on each engine:
 * agent killed, agent stopped politely, cable pulled; what the engine costs while nothing happens; and how groups of 3 to 16 members take
 * it (`engine-scale.ts`). The engines take turns in each round, so that the machine is the same to all. Prints a line each, and at the end
 * the table of docs/engines.md. Engines: embedded, spread (the daemon that WACKAMOLE_SPREAD_DAEMON names; without one it is left
 * out), corosync (its defaults), corosync-300 (`token: 300`).
 *
 * `--sizes 3,5`: groups of those sizes alone; `--sizes none`: no groups. `--into FILE`: adds to the figures in the file, of which the
 * table then is, so that the whole can be measured in parts (`0 --sizes 16 --into FILE`: no faults, one size).
 *
 * On corosync a process that is no part of the product listens beside each agent, in a group of its own: what the daemon told it of a lost
 * host it told our agent in the same breath. `ours` is from there to the first address that is up on that host.
 */

import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { EngineFigures } from './engine-figures.ts';
import { measureScale, SIZES } from './engine-scale.ts';
import { ENGINES, type Site } from './engine-sites.ts';
import { type Column, engineTables } from './engine-tables.ts';
import { accountOf, between } from './process-account.ts';

const IDLE_MS = 10_000;
/** Agents that have settled practise takeovers for a while (docs/adr/0015-practice.md): that is not idle. */
const PRACTISED_MS = 20_000;
const ROUNDS = 3;

interface Plan {
  readonly rounds: number;
  readonly engines: readonly string[];
  readonly sizes: readonly number[];
  readonly into?: string | undefined;
}

function planOf(words: readonly string[]): Plan {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { sizes: { type: 'string' }, into: { type: 'string' } },
    allowPositionals: true,
  });
  const [rounds = ROUNDS, ...engines] = positionals;
  const { sizes, into } = values;
  return {
    rounds: Number(rounds),
    engines: engines.length > 0 ? engines : everything(),
    sizes: sizes === undefined ? SIZES : sizes === 'none' ? [] : sizes.split(',').map(Number),
    into,
  };
}

async function bench({ rounds, engines, sizes, into }: Plan): Promise<void> {
  const figures = EngineFigures.read(into);
  const columns = engines.map((name) => figures.column(name));
  for (let round = 1; round <= rounds; round += 1) {
    for (const column of columns) {
      await attempt(`${column.engine.title}, round ${round}`, () => faults(column));
      figures.keep(loadavg()[0]!);
      console.log(`round ${round}, ${column.name}: ${JSON.stringify(column.found, rounded)}`);
    }
  }
  for (const size of sizes) {
    for (const column of columns) {
      const measure = () => measureScale(column.engine, size);
      column.scale.set(size, await attempt(`${column.engine.title}, ${size} members`, measure));
      figures.keep(loadavg()[0]!);
      console.log(`${size} members, ${column.name}: ${JSON.stringify(column.scale.get(size), rounded)}`);
    }
  }
  const [least, most] = figures.loads();
  console.log(`\nload of the machine: ${least.toFixed(1)} to ${most.toFixed(1)}\n`);
  console.log(engineTables(figures.columns()));
}

/** Undefined: it could not be measured, and why was printed; what else there is to measure goes on. */
async function attempt<Value>(what: string, measure: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await measure();
  } catch (error) {
    console.log(`${what}: ${String(error)}`);
    return undefined;
  }
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value;
}

async function faults({ name, engine, found }: Column): Promise<void> {
  const sections = { balance: { enabled: false }, ...(name !== 'embedded' && { group: engine.group }) };
  const cluster = await Cluster.open({ hosts: 3, vips: 6, patience_ms: 60_000, sections });
  const site = await engine.open(cluster.observatory.lab, true);
  const note = (what: string, ...values: readonly number[]) => {
    found[what] = [...(found[what] ?? []), ...values];
  };
  try {
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    await sleep(PRACTISED_MS);
    await cost({ cluster, site, note });
    note('kill', await outage(cluster, (host) => cluster.agent(host).signal('SIGKILL'), start(cluster)));
    note('stop', await outage(cluster, (host) => cluster.agent(host).stop(), start(cluster)));
    const from = monotonicNow();
    const mend = async (host: string) => {
      note('ours', ...(await ours(cluster, site, { from, lost: host })));
      await cluster.host(host).plugCable();
    };
    note('cable', await outage(cluster, (host) => cluster.host(host).pullCable(), mend));
  } catch (error) {
    if (error instanceof Error) error.message += site.logs();
    throw error;
  } finally {
    await site.close();
    await cluster.close();
  }
}

function start(cluster: Cluster): (host: string) => void {
  return (host) => cluster.agent(host).start();
}

/** The client's worst outage; then all is as before. */
async function outage(
  cluster: Cluster,
  fault: (host: string) => unknown,
  mend: (host: string) => unknown,
): Promise<number> {
  const victim = await cluster.busiest();
  const from = monotonicNow();
  await fault(victim);
  await cluster.served([cluster.others(victim)]);
  await sleep(500);
  const { outage_ms: worst } = await cluster.observatory.sighting(from);
  await mend(victim);
  await cluster.joined();
  await cluster.served();
  // Agents fresh from a merge ask the link even about what they saw released (agent/doubts.ts).
  await sleep(3000);
  return worst;
}

/** From the daemon's word to the first address, on each host that took something over. */
async function ours(
  cluster: Cluster,
  site: Site,
  { from, lost }: { readonly from: number; readonly lost: string },
): Promise<readonly number[]> {
  const changes = await cluster.observatory.watcher.changes();
  return cluster.others(lost).flatMap((host) => {
    const told = site.told(host, from);
    const held = changes.find(
      (change) => change.host === host && change.held && told !== undefined && change.at > told,
    );
    return told === undefined || held === undefined ? [] : [held.at - told];
  });
}

interface Costing {
  readonly cluster: Cluster;
  readonly site: Site;
  readonly note: (what: string, value: number) => void;
}

async function cost({ cluster, site, note }: Costing): Promise<void> {
  const others = [...site.pids('b'), ...site.watchers('b')];
  const agent = cluster
    .host('b')
    .processes()
    .filter((pid) => !others.includes(pid));
  const pids = { agent, daemon: site.pids('b') };
  const before = { agent: accountOf(pids.agent), daemon: accountOf(pids.daemon) };
  await sleep(IDLE_MS);
  for (const who of ['agent', 'daemon'] as const) {
    const { threads, processes } = between(before[who], accountOf(pids[who]));
    if (processes.length === 0) continue;
    const cpu = threads.reduce((sum, { cpu_ms }) => sum + cpu_ms, 0);
    note(`idle ${who}`, (100 * cpu) / IDLE_MS);
    note(`memory ${who}`, Math.max(...processes.map(({ rss_mib }) => rss_mib)));
  }
}

/** Those that can be had here. */
function everything(): readonly string[] {
  const daemon = process.env['WACKAMOLE_SPREAD_DAEMON'];
  if (daemon === undefined) console.log('spread is left out: WACKAMOLE_SPREAD_DAEMON names no daemon');
  return Object.keys(ENGINES).filter((name) => name !== 'spread' || daemon !== undefined);
}

if (insideWorld()) await bench(planOf(process.argv.slice(2)));
else process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)], process.env);
