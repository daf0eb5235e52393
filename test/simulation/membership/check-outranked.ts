/**
 * Where hosts stay reachable only in part: views are cliques and come to rest, and of two views of which one hears the
 * other, the lower one's hearing member is outranked; nobody is outranked without hearing a better view.
 */
import { compareMembers } from '../../../src/model/member.ts';
import type { View } from '../../../src/model/view.ts';
import type { Process, World } from './world.ts';

export function checkOutranked(world: World, quiet: { readonly since: number }): string[] {
  const faults: string[] = [];
  const running = world.hosts.flatMap((host) => (host.process ? [host.process] : []));
  for (const process of running) {
    const { view, at } = lastView(process);
    if (at > quiet.since)
      faults.push(`G6 ${process.member} installs ${view.id} at ${at.toFixed(0)}, after it was quiet`);
    for (const other of running) {
      if (view.members.includes(other.member) && !reaches(world, process, other)) {
        faults.push(`G6 ${process.member} shares ${view.id} with ${other.member}, which it cannot reach`);
      }
    }
    const above = running.some(
      (other) => world.passes(other.host, process.host) && ranks(lastView(other).view, view),
    );
    const outranked = process.trace.events.findLast((event) => event.kind === 'outranked');
    const told = outranked?.kind === 'outranked' && outranked.by !== undefined;
    if (told !== above)
      faults.push(`G6 ${process.member} in ${view.id}: outranked is ${told}, should be ${above}`);
  }
  return faults;
}

function reaches(world: World, a: Process, b: Process): boolean {
  return world.passes(a.host, b.host) && world.passes(b.host, a.host);
}

function ranks(a: View, b: View): boolean {
  if (a.id === b.id) return false;
  if (a.members.length !== b.members.length) return a.members.length > b.members.length;
  if (a.epoch !== b.epoch) return a.epoch < b.epoch;
  return compareMembers(a.members[0]!, b.members[0]!) < 0;
}

function lastView(process: Process): { readonly view: View; readonly at: number } {
  const last = process.trace.events.findLast((event) => event.kind === 'view');
  if (last?.kind !== 'view') throw new Error(`${process.member} never had a view`);
  return last;
}
