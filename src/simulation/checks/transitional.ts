/**
 * G5: one transitional signal before each view but the first, and nobody is surprised: what a member delivered before
 * the signal has reached every member that goes on with it, and what was known stable is never behind the signal.
 */
import type { Trace } from '../world/trace.ts';
import { stretches } from '../world/trace.ts';

export function checkTransitional(traces: readonly Trace[]): string[] {
  const faults: string[] = [];
  const early = new Map<string, string[]>();
  for (const trace of traces) {
    for (const { view, next, messages, before, transitionals } of stretches(trace)) {
      const expected = next ? 1 : 0;
      if (transitionals !== expected && (next || trace.alive)) {
        faults.push(`G5 ${trace.member}: ${transitionals} transitional signals at the end of ${view.id}`);
      }
      if (!next) continue;
      const key = `${view.id} to ${next.id}`;
      const longest = early.get(key) ?? [];
      if (before !== undefined && before > longest.length) early.set(key, messages.slice(0, before));
    }
  }
  for (const trace of traces) {
    for (const { view, next, messages } of stretches(trace)) {
      const longest = next ? (early.get(`${view.id} to ${next.id}`) ?? []) : [];
      const all = new Set(messages);
      const missing = longest.filter((message) => !all.has(message));
      if (missing.length > 0)
        faults.push(`G5 ${trace.member} in ${view.id} never delivers ${missing.join(' ')}`);
    }
  }
  return faults;
}
