/**
 * What processes have used so far, thread by thread, as proc(5) tells it: time on a processor, wake-ups, memory. Threads and
 * processes of one name are counted together.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface ThreadAccount {
  /** `<process>/<thread>`. */
  readonly name: string;
  /** Time on a processor, in user and kernel mode. */
  readonly cpu_ms: number;
  /** Times it gave up the processor by itself, to be woken again. */
  readonly wakeups: number;
}

export interface ProcessAccount {
  readonly name: string;
  readonly rss_mib: number;
  /** Memory shared with other processes counts in parts. */
  readonly pss_mib: number;
}

export interface Account {
  readonly threads: readonly ThreadAccount[];
  readonly processes: readonly ProcessAccount[];
}

/** What has ended meanwhile is left out. */
export function accountOf(pids: readonly number[]): Account {
  const names = new Map(pids.map((pid) => [pid, processName(pid)]));
  return {
    threads: byName(
      pids.flatMap((pid) => threadsOf(pid, names.get(pid)!)),
      addThreads,
    ),
    processes: byName(
      pids.map((pid) => memoryOf(pid, names.get(pid)!)),
      addProcesses,
    ),
  };
}

/** Memory as it is at the end; of the threads only what came since `before`. */
export function between(before: Account, after: Account): Account {
  const old = new Map(before.threads.map((thread) => [thread.name, thread]));
  const threads = after.threads.map(({ name, cpu_ms, wakeups }) => ({
    name,
    cpu_ms: cpu_ms - (old.get(name)?.cpu_ms ?? 0),
    wakeups: wakeups - (old.get(name)?.wakeups ?? 0),
  }));
  return { threads, processes: after.processes };
}

/** What the program was started as: the first word of its command line, without folders. */
function processName(pid: number): string {
  const [first = ''] = read(`/proc/${pid}/cmdline`).split('\0');
  return first.slice(first.lastIndexOf('/') + 1);
}

function threadsOf(pid: number, process: string): ThreadAccount[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const folder = `/proc/${pid}/task/${thread}`;
    const wakeups = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(read(`${folder}/status`))?.[1];
    // The first field of schedstat, nanoseconds.
    const cpu = read(`${folder}/schedstat`).split(' ')[0];
    const name = `${process}/${read(`${folder}/comm`).trim()}`;
    return { name, cpu_ms: Number(cpu) / 1e6, wakeups: Number(wakeups ?? 0) };
  });
}

function memoryOf(pid: number, name: string): ProcessAccount {
  const text = read(`/proc/${pid}/smaps_rollup`);
  const mib = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { name, rss_mib: mib('Rss'), pss_mib: mib('Pss') };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function byName<T extends { readonly name: string }>(all: readonly T[], add: (a: T, b: T) => T): T[] {
  const sums = new Map<string, T>();
  for (const one of all) {
    const known = sums.get(one.name);
    sums.set(one.name, known === undefined ? one : add(known, one));
  }
  return [...sums.values()];
}

function addThreads(a: ThreadAccount, b: ThreadAccount): ThreadAccount {
  return { name: a.name, cpu_ms: a.cpu_ms + b.cpu_ms, wakeups: a.wakeups + b.wakeups };
}

function addProcesses(a: ProcessAccount, b: ProcessAccount): ProcessAccount {
  return { name: a.name, rss_mib: a.rss_mib + b.rss_mib, pss_mib: a.pss_mib + b.pss_mib };
}
