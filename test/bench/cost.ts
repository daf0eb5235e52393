/** What an idle agent costs: processor and memory of everything of it on one host; and how soon it speaks after its start. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost } from '../../src/lab/host.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { NODE_FLAGS } from '../../src/platform/layout.ts';
import {
  AF_PACKET,
  closeDescriptor,
  openSocket,
  readClock,
  receiveMessage,
  SOCK_RAW,
} from '../../src/platform/libc.ts';
import { watchReadable } from '../../src/platform/poll.ts';
import { type Scene, withCluster } from './faults.ts';
import { readStamp } from './frame-stamp.ts';
import { type Account, accountOf, between } from './process-account.ts';
import type { SubjectKind } from './subject.ts';

const GROUP_PORT = 4873;
/** Of clock_gettime(2). */
const CLOCK_REALTIME = 0;
/** Until what is done often is compiled, and what the start needed is given back. */
const SETTLING_MS = 60_000;

/** Per cent of one core, MiB, and wake-ups a second of everything of the host together, then of each part by its name. */
export interface CostRun {
  readonly cpu_percent: number;
  readonly pss_mib: number;
  readonly rss_mib: number;
  readonly wakeups_per_s: number;
  readonly processes: number;
  readonly [part: string]: number;
}

/** Watches the idle cluster that long and reports of the host that holds most. */
export async function runCost(kind: SubjectKind, seconds: number): Promise<CostRun> {
  return withCluster(kind, { vips: 10, interval_ms: 1000 }, async ({ victim }) => {
    await sleep(SETTLING_MS);
    const before = accountOf(victim.processes());
    const from = monotonicNow();
    await sleep(seconds * 1000);
    const elapsed = monotonicNow() - from;
    return costOf(between(before, accountOf(victim.processes())), elapsed);
  });
}

function costOf(account: Account, elapsed: number): CostRun {
  const { threads, processes } = account;
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    cpu_percent: (100 * sum(threads.map(({ cpu_ms }) => cpu_ms))) / elapsed,
    pss_mib: sum(processes.map(({ pss_mib }) => pss_mib)),
    rss_mib: sum(processes.map(({ rss_mib }) => rss_mib)),
    wakeups_per_s: (1000 * sum(threads.map(({ wakeups }) => wakeups))) / elapsed,
    processes: processes.length,
    ...Object.fromEntries(
      processes.flatMap(({ name, rss_mib, pss_mib }) => [
        [`rss_mib of ${name}`, rss_mib],
        [`pss_mib of ${name}`, pss_mib],
      ]),
    ),
    ...Object.fromEntries(
      threads
        .filter(({ wakeups }) => wakeups > 0)
        .flatMap(({ name, cpu_ms, wakeups }) => [
          [`cpu_percent of ${name}`, (100 * cpu_ms) / elapsed],
          [`wakeups_per_s of ${name}`, (1000 * wakeups) / elapsed],
        ]),
    ),
  };
}

/** Start of a process → its first word, ms. */
export interface StartRun {
  /** Of the agent: its first datagram to a peer leaves the host. */
  readonly start_ms: number;
  /** The same while the agents of the other hosts, which share the processors here, do not run. */
  readonly alone_ms: number;
  /** Of the runtime alone: an empty thread of an empty program runs. Less no agent can take whose group has a thread of its own. */
  readonly empty_ms: number;
}

/**
 * So many starts of one agent whose cluster goes on, then of one whose cluster is down, each after one that is not counted: it leaves behind what
 * a start finds on a host where the agent has run before. Only for us: keepalived's first advert waits on purpose.
 */
export async function runStarts(kind: SubjectKind, runs: number): Promise<readonly StartRun[]> {
  return withCluster(kind, { vips: 10, interval_ms: 1000 }, async ({ observatory, subject, victim }) => {
    const starts = await startAgain(runs, { subject, victim });
    for (const host of observatory.lab.hosts) if (host !== victim) await subject.stop(host);
    const alone = await startAgain(runs, { subject, victim });
    return starts.map((start, run) => ({ ...start, alone_ms: alone[run]!.start_ms }));
  });
}

async function startAgain(
  runs: number,
  { subject, victim }: Pick<Scene, 'subject' | 'victim'>,
): Promise<readonly Omit<StartRun, 'alone_ms'>[]> {
  const starts: Omit<StartRun, 'alone_ms'>[] = [];
  for (let run = 0; run <= runs; run += 1) {
    await subject.stop(victim);
    await sleep(500);
    const heard = firstDatagramFrom(victim);
    const from = monotonicNow();
    subject.start(victim);
    const start_ms = (await heard) - from;
    await sleep(1500);
    starts.push({ start_ms, empty_ms: await emptyStart(victim) });
  }
  return starts.slice(1);
}

const EMPTY =
  'new (require("node:worker_threads").Worker)(\'require("node:fs").writeSync(1, "!")\', { eval: true })';

function emptyStart(host: LabHost): Promise<number> {
  const from = monotonicNow();
  const argv = [process.execPath, ...NODE_FLAGS, '--eval', EMPTY];
  const child = host.spawn(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve(monotonicNow() - from));
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the empty program said nothing')));
  });
}

/**
 * Listens at the host's switch port. When the datagram came the kernel says: the agent, which starts on all processors and is preferred there, keeps
 * its observer waiting.
 */
function firstDatagramFrom(host: LabHost): Promise<number> {
  // ETH_P_ALL in network order: a bridge takes frames from its ports before any listener to one protocol sees them.
  const socket = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: 0x0300 });
  // From the first question on the kernel puts an instant on each frame.
  readStamp(socket);
  const frame = Buffer.alloc(2048);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no datagram of ${host.name} within 10 s`)), 10_000);
    const watch = watchReadable(socket, {
      readable: () => {
        for (;;) {
          const length = receiveMessage(socket, frame);
          if (length === undefined) return;
          if (!isGroupDatagram(frame, host)) continue;
          const late_ms = Math.max(0, readClock(CLOCK_REALTIME) - readStamp(socket)!);
          const at = monotonicNow() - late_ms;
          clearTimeout(late);
          watch.close();
          closeDescriptor(socket);
          resolve(at);
          return;
        }
      },
    });
  });
}

function isGroupDatagram(frame: Buffer, host: LabHost): boolean {
  const fromHost = [...frame.subarray(26, 30)].join('.') === host.plan.ipv4;
  return fromHost && frame[23] === 17 && frame.readUInt16BE(36) === GROUP_PORT;
}
