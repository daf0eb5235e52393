/**
 * Which engine: `node test/bench/engines.ts [rounds] [engine…]`. Three hosts, six VIPs, real agents, and the same faults on each engine:
 * agent killed, agent stopped politely, cable pulled; and what the engine costs while nothing happens. Prints a line each. Engines:
 * embedded, spread (the daemon that WACKAMOLE_SPREAD_DAEMON names, at its defaults), corosync (its defaults), corosync-300 (`token: 300`).
 *
 * On corosync a process that is no part of the product listens beside each agent, in a group of its own: what the daemon told it of a lost
 * host it told our agent in the same breath. `ours` is from there to the first address that is up on that host.
 */

import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { CorosyncSite } from '../kernel/corosync-site.ts';
import { SpreadSite, TIMES } from '../kernel/spread-site.ts';
import { accountOf, between } from './process-account.ts';
import { summarize, summaryText } from './statistics.ts';

const WITNESS = fileURLToPath(new URL('./corosync-witness.ts', import.meta.url));
const OF_EMBEDDED = { listen: undefined, peers: undefined, profile: undefined, key_file: undefined };
const IDLE_MS = 20_000;

interface Site {
  /** The daemon of a host; and what only watches there. */
  pids(host: string): readonly number[];
  watchers(host: string): readonly number[];
  logs(): string;
  /** When the daemon of the host told of the last loss since. */
  told(host: string, since: number): number | undefined;
  close(): Promise<void> | void;
}

const NOTHING: Site = {
  pids: () => [],
  watchers: () => [],
  logs: () => '',
  told: () => undefined,
  close: () => undefined,
};

interface Engine {
  readonly group: object;
  open(cluster: Cluster): Promise<Site>;
}

const ENGINES: Readonly<Record<string, Engine>> = {
  embedded: {
    group: {},
    open: async () => NOTHING,
  },
  spread: {
    group: { engine: 'spread', daemon: '4803@localhost', members: ['a', 'b', 'c'], ...OF_EMBEDDED },
    open: openSpread,
  },
  corosync: corosync('defaults'),
  'corosync-300': corosync({ token: 300, consensus: 360 }),
};

async function openSpread(cluster: Cluster): Promise<Site> {
  const program = process.env['WACKAMOLE_SPREAD_DAEMON'];
  if (program === undefined) throw new Error('WACKAMOLE_SPREAD_DAEMON names no daemon');
  const site = await SpreadSite.open(cluster.observatory.lab, program as `/${string}`, { times: TIMES });
  return { ...NOTHING, pids: (host) => [site.pid(host)], logs: () => site.logs(), close: () => site.close() };
}

function corosync(times: NonNullable<Parameters<typeof CorosyncSite.open>[1]>['times']): Engine {
  return {
    group: { engine: 'corosync', members: ['a', 'b', 'c'], ...OF_EMBEDDED },
    open: async (cluster) => {
      const { lab } = cluster.observatory;
      const site = await CorosyncSite.open(lab, { realTime: true, ...(times !== undefined && { times }) });
      const losses = new Map<string, number[]>();
      const witnesses = new Map<string, ChildProcess>();
      for (const host of lab.hosts) {
        const witness = host.spawn([process.execPath, WITNESS], { stdio: ['ignore', 'pipe', 'inherit'] });
        witnesses.set(host.name, witness);
        const told: number[] = [];
        losses.set(host.name, told);
        await new Promise<void>((resolve) => {
          createInterface({ input: witness.stdout! }).on('line', (line) => {
            const { at } = JSON.parse(line) as { at?: number };
            if (at === undefined) resolve();
            else told.push(at);
          });
        });
      }
      return {
        pids: (host) => [site.pid(host)],
        watchers: (host) => [witnesses.get(host)!.pid!],
        logs: () => site.logs(),
        told: (host, since) => losses.get(host)?.find((at) => at >= since),
        close: async () => {
          for (const witness of witnesses.values()) witness.kill('SIGKILL');
          await site.close();
        },
      };
    },
  };
}

async function bench(rounds: number, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const engine = ENGINES[name];
    if (engine === undefined) throw new Error(`no engine ${name}: ${Object.keys(ENGINES).join(', ')}`);
    await measure(name, engine, rounds);
  }
}

async function measure(name: string, engine: Engine, rounds: number): Promise<void> {
  const sections = { balance: { enabled: false }, ...(name !== 'embedded' && { group: engine.group }) };
  const cluster = await Cluster.open({ hosts: 3, vips: 6, patience_ms: 60_000, sections });
  const site = await engine.open(cluster);
  try {
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    await sleep(3000);
    await cost(name, cluster, site);
    const found = { kill: [] as number[], stop: [] as number[], cable: [] as number[], ours: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      found.kill.push(await outage(cluster, (host) => cluster.agent(host).signal('SIGKILL'), start(cluster)));
      found.stop.push(await outage(cluster, (host) => cluster.agent(host).stop(), start(cluster)));
      const from = monotonicNow();
      found.cable.push(
        await outage(
          cluster,
          (host) => cluster.host(host).pullCable(),
          async (host) => {
            found.ours.push(...(await ours(cluster, site, { from, lost: host })));
            await cluster.host(host).plugCable();
          },
        ),
      );
      console.log(
        `${name} round ${round + 1}: ${JSON.stringify(found, (_, value: unknown) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value))}`,
      );
    }
    for (const [what, values] of Object.entries(found))
      if (values.length > 0)
        console.log(`${name} ${what}: ${summaryText(summarize(values))} ms, ${values.length} times`);
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

async function cost(name: string, cluster: Cluster, site: Site): Promise<void> {
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
    const names = processes.map((one) => `${one.name} ${one.rss_mib.toFixed(0)} MiB`).join(', ');
    console.log(`${name} idle, ${who}: ${((100 * cpu) / IDLE_MS).toFixed(2)} % of a core; ${names}`);
  }
}

if (insideWorld())
  await bench(
    Number(process.argv[2] ?? 5),
    process.argv.length > 3 ? process.argv.slice(3) : Object.keys(ENGINES),
  );
else process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)], process.env);
