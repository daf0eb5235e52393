/** What an idle agent costs: processor and memory of everything of it on one host; and how soon it speaks after its start. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost } from '../../src/lab/host.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { AF_PACKET, closeDescriptor, openSocket, receiveMessage, SOCK_RAW } from '../../src/platform/libc.ts';
import { watchReadable } from '../../src/platform/poll.ts';
import { withCluster } from './faults.ts';
import type { SubjectKind } from './subject.ts';

const GROUP_PORT = 4873;

export interface CostRun {
  /** Per cent of one core, all processes of the host together. */
  readonly cpu_percent: number;
  readonly pss_mib: number;
  readonly rss_mib: number;
  readonly processes: number;
}

/** Watches the idle cluster that long and reports of the host that holds most. */
export async function runCost(kind: SubjectKind, seconds: number): Promise<CostRun> {
  return withCluster(kind, { vips: 10, interval_ms: 1000 }, async ({ victim }) => {
    await sleep(3000);
    const before = cpuTime(victim);
    const from = monotonicNow();
    await sleep(seconds * 1000);
    const elapsed = monotonicNow() - from;
    const used = cpuTime(victim) - before;
    return { cpu_percent: (100 * used) / elapsed, ...memory(victim) };
  });
}

/** Start of the process → its first datagram to a peer leaves the host, ms. Only for us: keepalived's first advert waits on purpose. */
export async function runFirstWord(kind: SubjectKind): Promise<number> {
  return withCluster(kind, { vips: 10, interval_ms: 1000 }, async ({ subject, victim }) => {
    await subject.stop(victim);
    await sleep(500);
    const heard = firstDatagramFrom(victim);
    const from = monotonicNow();
    subject.start(victim);
    return (await heard) - from;
  });
}

/** Time on a processor of all threads of all processes of the host, ms: first field of proc(5) schedstat, in ns. */
function cpuTime(host: LabHost): number {
  let nanoseconds = 0;
  for (const pid of host.processes()) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return nanoseconds / 1e6;
}

function memory(host: LabHost): Omit<CostRun, 'cpu_percent'> {
  let [pss, rss] = [0, 0];
  const pids = host.processes();
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    pss += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    rss += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }
  return { pss_mib: pss / 1024, rss_mib: rss / 1024, processes: pids.length };
}

/** Listens at the host's switch port. */
function firstDatagramFrom(host: LabHost): Promise<number> {
  // ETH_P_ALL in network order: a bridge takes frames from its ports before any listener to one protocol sees them.
  const socket = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: 0x0300 });
  const frame = Buffer.alloc(2048);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no datagram of ${host.name} within 10 s`)), 10_000);
    const watch = watchReadable(socket, {
      readable: () => {
        for (;;) {
          const length = receiveMessage(socket, frame);
          if (length === undefined) return;
          if (!isGroupDatagram(frame, host)) continue;
          clearTimeout(late);
          watch.close();
          closeDescriptor(socket);
          resolve(monotonicNow());
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
