/**
 * G3: in a view everybody delivers a prefix of one sequence; the messages of a sender come in the order it sent them
 * and none comes twice in a view; a message a member that goes on to run has sent comes back to it.
 */
import type { Trace } from '../world/trace.ts';
import { stretches } from '../world/trace.ts';

export function checkOrder(traces: readonly Trace[]): string[] {
  const faults: string[] = [];
  const sequences = new Map<string, readonly string[]>();
  for (const trace of traces) {
    for (const { view, messages } of stretches(trace)) {
      const known = sequences.get(view.id) ?? [];
      const common = Math.min(known.length, messages.length);
      for (let i = 0; i < common; i++) {
        if (known[i] === messages[i]) continue;
        faults.push(
          `G3 ${view.id}: ${trace.member} delivers ${messages[i]} where another delivers ${known[i]}`,
        );
        break;
      }
      if (messages.length > known.length) sequences.set(view.id, messages);
    }
    faults.push(...checkFifo(trace));
    faults.push(...checkOwn(trace));
  }
  return faults;
}

/** Across views the start may be repeated (see docs/protocol.md, "What is not promised"), but never with a hole. */
function checkFifo(trace: Trace): string[] {
  const faults: string[] = [];
  for (const { view, messages } of stretches(trace)) {
    const last = new Map<string, number>();
    for (const message of messages) {
      const colon = message.lastIndexOf(':');
      const sender = message.slice(0, colon);
      const number = Number(message.slice(colon + 1));
      const before = last.get(sender);
      if (before !== undefined && number !== before + 1) {
        faults.push(`G3 ${trace.member} in ${view.id}: ${number} of ${sender} follows ${before}`);
      }
      last.set(sender, number);
    }
  }
  return faults;
}

function checkOwn(trace: Trace): string[] {
  let last = 0;
  for (const event of trace.events) {
    if (event.kind !== 'message' || event.sender !== trace.member) continue;
    if (event.number !== last + 1)
      return [`G3 ${trace.member}: its own message ${event.number} follows ${last}`];
    last = event.number;
  }
  if (trace.alive && last !== trace.sent)
    return [`G3 ${trace.member} sent ${trace.sent} messages, ${last} came back`];
  return [];
}
