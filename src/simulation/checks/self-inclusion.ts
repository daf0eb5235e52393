/** G1: a member is in every view it installs, and the first thing it hears is a view. */
import type { Trace } from '../world/trace.ts';

export function checkSelfInclusion(traces: readonly Trace[]): string[] {
  const faults: string[] = [];
  for (const trace of traces) {
    const first = trace.events[0];
    if (first && first.kind !== 'view') faults.push(`G1 ${trace.member}: its first event is ${first.kind}`);
    for (const event of trace.events) {
      if (event.kind === 'view' && !event.view.members.includes(trace.member)) {
        faults.push(`G1 ${trace.member} installs ${event.view.id} without itself`);
      }
    }
  }
  return faults;
}
