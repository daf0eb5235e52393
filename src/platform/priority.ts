/** The share of the processor this process gets when the machine is busy. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * Gives every thread of this process the nice value (−20 to 19, lower is more); threads started later inherit it. On Linux
 * the value belongs to a thread, and one raised alone would wait for the runtime's own helpers (setpriority(2), notes).
 * Returns why it could not be done, for the log; undefined when it was.
 */
export function raisePriority(nice: number): string | undefined {
  try {
    for (const thread of readdirSync('/proc/self/task')) setPriority(Number(thread), nice);
    if (leadsItsSession()) raiseSession('self', nice);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Gives a session that this process has just started, named by its leader's process id, the nice value of this process among
 * the sessions. Where it is not possible nothing changes.
 */
export function shareSessionPriority(leader: number): void {
  try {
    raiseSession(String(leader), getPriority(0));
  } catch {
    // It is gone already, or sessions have no priority here.
  }
}

/**
 * Where the kernel groups processes by session (sched(7), "The autogroup feature") nice values count inside a session only, and
 * sessions share the processor evenly, however busy one of them is. A process in a control group that has the controller `cpu`, as a service
 * of systemd can have, is not concerned, and the value does no harm there.
 */
function raiseSession(process: string, nice: number): void {
  try {
    writeFileSync(`/proc/${process}/autogroup`, String(nice));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A session that somebody else leads is not ours to raise. */
function leadsItsSession(): boolean {
  // proc_pid_stat(5): behind the name, which may contain anything, come state, parent, process group and session.
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[3]) === process.pid;
}

/**
 * Gives the calling thread alone this nice value, for work that must not delay the others'. Anybody may raise the value; to lower it takes
 * CAP_SYS_NICE. Where it is not possible nothing changes.
 */
export function setThreadPriority(nice: number): void {
  try {
    setPriority(0, nice);
  } catch {
    // Then it competes with the others as before.
  }
}
