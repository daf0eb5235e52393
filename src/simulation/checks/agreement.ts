/**
 * G2: one id, one member list; no member installs an id twice; epochs rise. Also: members that go from one view to
 * the same next one are told the same about who came, who went and how.
 */
import type { Trace } from '../world/trace.ts';
import { stretches } from '../world/trace.ts';

export function checkAgreement(traces: readonly Trace[]): string[] {
  const faults: string[] = [];
  const lists = new Map<string, string>();
  const stories = new Map<string, string>();
  for (const trace of traces) {
    let epoch = 0;
    for (const { view, next } of stretches(trace)) {
      const list = view.members.join(' ');
      if ((lists.get(view.id) ?? list) !== list) {
        faults.push(`G2 ${view.id} is ${list} for ${trace.member} but ${lists.get(view.id)} for another`);
      }
      lists.set(view.id, list);
      if (view.epoch <= epoch) faults.push(`G2 ${trace.member}: epoch ${view.epoch} follows ${epoch}`);
      epoch = view.epoch;
      if (view.id !== `${view.epoch}.${view.members[0]}`)
        faults.push(`G2 ${view.id} does not name its epoch and first member`);
      if (!next) continue;
      const key = `${view.id} to ${next.id}`;
      const story = JSON.stringify([next.cause, next.joined, next.departed]);
      if ((stories.get(key) ?? story) !== story) {
        faults.push(`G2 ${key}: ${trace.member} is told ${story}, another ${stories.get(key)}`);
      }
      stories.set(key, story);
      faults.push(...checkDifference(trace.member, view.members, next));
    }
  }
  return faults;
}

function checkDifference(
  member: string,
  before: readonly string[],
  next: {
    readonly id: string;
    readonly members: readonly string[];
    readonly joined: readonly string[];
    readonly departed: readonly { readonly member: string }[];
  },
): string[] {
  const joined = next.members.filter((m) => !before.includes(m));
  const departed = before.filter((m) => !next.members.includes(m)).sort();
  const told = next.departed.map((d) => d.member).sort();
  const same = joined.join() === next.joined.join() && departed.join() === told.join();
  return same ? [] : [`G2 ${member} ${next.id}: joined or departed do not match the difference of the views`];
}
