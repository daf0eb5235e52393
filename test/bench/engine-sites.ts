/** The engines that are compared: the daemons each wants on the hosts of a lab, and what members of its groups are told. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { GroupConfig } from '../../src/config/config.ts';
import { PROFILES } from '../../src/config/profiles.ts';
import type { LabHost } from '../../src/lab/host.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { type CorosyncOptions, CorosyncSite } from '../kernel/corosync-site.ts';
import { SpreadSite, TIMES } from '../kernel/spread-site.ts';

const WITNESS = fileURLToPath(new URL('./corosync-witness.ts', import.meta.url));
const OF_EMBEDDED = { listen: undefined, peers: undefined, profile: undefined, key_file: undefined };
const PORT = 4803;
/** Longer than any of the rings takes to form, however many nodes: it is not what is measured. */
const PATIENCE = 120_000;

export interface Site {
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

export interface Engine {
  readonly title: string;
  /** Of an agent's file, beside what a lab writes there. */
  readonly group: object;
  /** Of a member without an agent. */
  member(host: LabHost, lab: Lab): GroupConfig;
  /** Daemons on all hosts. `listen`: with a process beside each that hears what it tells. */
  open(lab: Lab, listen: boolean): Promise<Site>;
}

const DAEMON = {
  connect_timeout_ms: PATIENCE,
  daemon_timeout_ms: PATIENCE,
  agent_timeout_ms: PATIENCE,
} as const;

export const ENGINES: Readonly<Record<string, Engine>> = {
  embedded: {
    title: 'embedded (`lan`)',
    group: {},
    member: ({ plan }, { hosts }) => ({
      engine: 'embedded',
      listen: { host: plan.ipv4, port: PORT },
      peers: hosts.map((peer) => ({
        name: peer.name,
        addresses: [{ host: peer.plan.ipv4, port: PORT }],
      })),
      key: Buffer.alloc(32, 'bench'),
      profile: 'lan',
      timers: PROFILES.lan,
    }),
    open: async () => NOTHING,
  },
  spread: {
    title: 'Spread',
    group: { engine: 'spread', daemon: `${PORT}@localhost`, members: ['a', 'b', 'c'], ...OF_EMBEDDED },
    member: () => ({ engine: 'spread', daemon: `${PORT}@localhost`, spread_group: 'bench', ...DAEMON }),
    open: openSpread,
  },
  corosync: corosync('corosync, its defaults', 'defaults'),
  'corosync-300': corosync('corosync, `token: 300`', { token: 300, consensus: 360 }),
};

async function openSpread(lab: Lab): Promise<Site> {
  const program = process.env['WACKAMOLE_SPREAD_DAEMON'];
  if (program === undefined) throw new Error('WACKAMOLE_SPREAD_DAEMON names no daemon');
  const site = await SpreadSite.open(lab, program as `/${string}`, { times: TIMES });
  return { ...NOTHING, pids: (host) => [site.pid(host)], logs: () => site.logs(), close: () => site.close() };
}

function corosync(title: string, times: NonNullable<CorosyncOptions['times']>): Engine {
  return {
    title,
    group: { engine: 'corosync', members: ['a', 'b', 'c'], ...OF_EMBEDDED },
    member: () => ({ engine: 'corosync', cpg_group: 'bench', primary_by: 'corosync', ...DAEMON }),
    open: async (lab, listen) => {
      const site = await CorosyncSite.open(lab, { realTime: true, times });
      const witnesses = new Map<string, Witness>();
      if (listen) for (const host of lab.hosts) witnesses.set(host.name, await witnessOn(host));
      return {
        pids: (host) => [site.pid(host)],
        watchers: (host) => (listen ? [witnesses.get(host)!.process.pid!] : []),
        logs: () => site.logs(),
        told: (host, since) => witnesses.get(host)?.told.find((at) => at >= since),
        close: async () => {
          for (const witness of witnesses.values()) witness.process.kill('SIGKILL');
          await site.close();
        },
      };
    },
  };
}

interface Witness {
  readonly process: ChildProcess;
  /** When its daemon told of a loss. */
  readonly told: readonly number[];
}

async function witnessOn(host: LabHost): Promise<Witness> {
  const process_ = host.spawn([process.execPath, WITNESS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told: number[] = [];
  await new Promise<void>((resolve) => {
    createInterface({ input: process_.stdout! }).on('line', (line) => {
      const { at, left } = JSON.parse(line) as { at?: number; left?: unknown };
      if (at !== undefined && left !== undefined) told.push(at);
      if (at === undefined) resolve();
    });
  });
  return { process: process_, told };
}
