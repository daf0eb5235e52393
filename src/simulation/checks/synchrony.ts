/** G4: members that go from one view to the same next one have delivered the same messages in between. */
import type { Trace } from '../world/trace.ts';
import { stretches } from '../world/trace.ts';

export function checkSynchrony(traces: readonly Trace[]): string[] {
  const faults: string[] = [];
  const seen = new Map<string, { readonly member: string; readonly messages: string }>();
  for (const trace of traces) {
    for (const { view, next, messages } of stretches(trace)) {
      if (!next) continue;
      const key = `${view.id} to ${next.id}`;
      const joined = messages.join(' ');
      const other = seen.get(key);
      if (!other) seen.set(key, { member: trace.member, messages: joined });
      else if (other.messages !== joined) {
        faults.push(`G4 ${key}: ${trace.member} delivers [${joined}], ${other.member} [${other.messages}]`);
      }
    }
  }
  return faults;
}
