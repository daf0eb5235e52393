/** What runs on a host of the lab, and how much it takes: read from `/proc` (`man 5 proc`). */
import { readdirSync, readFileSync } from 'node:fs';
import type { AgentProcess } from '../../src/lab/agent-process.ts';
import type { Sample } from './timeline.ts';

/** The guardian is a shell; helpers it starts for a moment are none. */
const GUARDIAN = 'bash';

export function guardiansOf({ host }: AgentProcess): readonly number[] {
  return host.processes().filter((pid) => textOf(pid, 'comm').trim() === GUARDIAN);
}

/** Of the agent and its guardian, as they are now. */
export function samplesOf(agent: AgentProcess, at: number): readonly Sample[] {
  const processes = [
    ...(agent.running ? [{ pid: agent.pid, role: 'agent' as const }] : []),
    ...guardiansOf(agent).map((pid) => ({ pid, role: 'guardian' as const })),
  ];
  return processes.flatMap(({ pid, role }) => {
    const sizes = textOf(pid, 'smaps_rollup');
    const [rss, pss] = [kibibytes(sizes, 'Rss'), kibibytes(sizes, 'Pss')];
    if (rss === undefined || pss === undefined) return [];
    const threads = Number(/^Threads:\s+(\d+)/m.exec(textOf(pid, 'status'))?.[1] ?? 0);
    return [{ at, host: agent.host.name, pid, role, rss, pss, fds: descriptors(pid), threads }];
  });
}

function kibibytes(rollup: string, field: string): number | undefined {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1];
  return found === undefined ? undefined : Number(found);
}

function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
