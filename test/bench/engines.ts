/**
 * Which engine: `node test/bench/engines.ts [rounds] [engine…]`. Three hosts, six VIPs, real agents, and the same faults on each engine:
 * agent killed, agent stopped politely, cable pulled; what the engine costs while nothing happens; and how groups of 3 to 16 members take
 * it (`engine-scale.ts`). The engines take turns in each round, so that the machine is the same to all. Prints a line each, and at the end
 * the tables of docs/engines.md. Engines: embedded, spread (the daemon that WACKAMOLE_SPREAD_DAEMON names; without one it is left
 * out), corosync (its defaults), corosync-300 (`token: 300`). `SIZES=3,5` measures those sizes alone.
 *
 * On corosync a process that is no part of the product listens beside each agent, in a group of its own: what the daemon told it of a lost
 * host it told our agent in the same breath. `ours` is from there to the first address that is up on that host.
 */

import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { measureScale, type ScaleFigures, SIZES } from './engine-scale.ts';
import { ENGINES, type Engine, type Site } from './engine-sites.ts';
import { type Column, engineTables } from './engine-tables.ts';
import { accountOf, between } from './process-account.ts';

const IDLE_MS = 10_000;

async function bench(rounds: number, names: readonly string[]): Promise<void> {
  const columns = names.map((name): Column => {
    const engine = ENGINES[name];
    if (engine === undefined) throw new Error(`no engine ${name}: ${Object.keys(ENGINES).join(', ')}`);
    return { name, engine, found: {}, scale: new Map() };
  });
  const loads: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const column of columns) {
      await faults(column);
      loads.push(loadavg()[0]!);
      console.log(`round ${round}, ${column.name}: ${JSON.stringify(column.found, rounded)}`);
    }
  }
  for (const size of sizes()) {
    for (const column of columns) {
      column.scale.set(size, await scaleOf(column.engine, size));
      loads.push(loadavg()[0]!);
      console.log(`${size} members, ${column.name}: ${JSON.stringify(column.scale.get(size), rounded)}`);
    }
  }
  const sorted = loads.toSorted((a, b) => a - b);
  console.log(`\nload of the machine: ${sorted[0]!.toFixed(1)} to ${sorted.at(-1)!.toFixed(1)}\n`);
  console.log(engineTables(columns));
}

function sizes(): readonly number[] {
  const given = process.env['SIZES'];
  return given === undefined
    ? SIZES
    : given
        .split(',')
        .filter((one) => one !== '')
        .map(Number);
}

/** Undefined: it could not be measured, and why was printed. */
async function scaleOf(engine: Engine, size: number): Promise<ScaleFigures | undefined> {
  try {
    return await measureScale(engine, size);
  } catch (error) {
    console.log(`${engine.title} with ${size} members: ${String(error)}`);
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
    await sleep(3000);
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

if (insideWorld())
  await bench(Number(process.argv[2] ?? 5), process.argv.length > 3 ? process.argv.slice(3) : everything());
else process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)], process.env);
