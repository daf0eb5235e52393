/**
 * G6: once faults have stopped for the bound, members that all reach each other are in one view of exactly themselves,
 * nobody is outranked or detached, and no view follows any more.
 */
import type { World } from './world.ts';

export interface Quiet {
  /** Instant after which no view may come. */
  readonly since: number;
}

export function checkConvergence(world: World, quiet: Quiet): string[] {
  const faults: string[] = [];
  const running = world.hosts.flatMap((host) => (host.process ? [host.process] : []));
  const expected = running.map((process) => process.member as string).sort();
  for (const { member, trace, engine } of running) {
    const views = trace.events.filter((event) => event.kind === 'view');
    const last = views.at(-1);
    const members = last ? [...last.view.members].map(String).sort() : [];
    if (members.join() !== expected.join()) {
      faults.push(
        `G6 ${member} ends in ${last?.view.id} [${members.join(' ')}], expected [${expected.join(' ')}]`,
      );
    }
    if (last && last.at > quiet.since)
      faults.push(`G6 ${member} installs ${last.view.id} at ${last.at.toFixed(0)}, after it was quiet`);
    if (engine.status().state !== 'operational')
      faults.push(`G6 ${member} ends in state ${engine.status().state}`);
    const outranked = trace.events.findLast((event) => event.kind === 'outranked');
    if (outranked?.kind === 'outranked' && outranked.by !== undefined)
      faults.push(`G6 ${member} ends outranked by ${outranked.by}`);
  }
  for (const trace of world.traces) {
    if (trace.events.some((event) => event.kind === 'detached'))
      faults.push(`G7 ${trace.member} was detached without need`);
  }
  return faults;
}
