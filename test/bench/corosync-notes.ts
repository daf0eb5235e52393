/**
 * Preloaded into an agent (`node --import`), in each of its threads: notes what the thread that speaks with corosync is told and what it sends,
 * and when a provider is asked to acquire. The notes go to a file a while after, so that they cost what is measured as little as they can.
 */
import { appendFileSync, openSync, readSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { Operations } from '../../src/agent/operations.ts';
import { ChangePractice } from '../../src/group/corosync/practice.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { Cpg } from '../../src/platform/corosync-library.ts';
import { readClock } from '../../src/platform/libc.ts';
import { around, type Called } from './around.ts';
import { type CpgNote, cpgNotesFile, noteText } from './corosync-records.ts';
import { NOTES_EVERY } from './spread-records.ts';

/** Of clock_gettime(2): for how long this thread, and all of this process, has had a processor. */
const [CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID] = [2, 3];

let kept: CpgNote[] = [];

function keep(note: Pick<CpgNote, 'kind' | 'events' | 'bytes'>): CpgNote {
  const done = monotonicNow();
  const had = { own: readClock(CLOCK_THREAD_CPUTIME_ID), waited: waited() };
  const worked = readClock(CLOCK_PROCESS_CPUTIME_ID);
  // What begins begins when it is noted, so that the note is not a part of it.
  const whole = { ...note, ...had, worked, at: note.kind === 'told' ? monotonicNow() : done };
  kept.push(whole);
  return whole;
}

/** `schedstat` of proc(5): for how long this thread was to run and had no processor, ms. Of the thread that opened it. */
const schedstat = openSync('/proc/thread-self/schedstat', 'r');
const line = Buffer.alloc(64);

function waited(): number {
  const length = readSync(schedstat, line, 0, line.length, 0);
  return Number(line.toString('latin1', 0, length).split(' ')[1]) / 1e6;
}

setInterval(() => {
  const text = kept.map(noteText).join('');
  kept = [];
  if (text !== '') appendFileSync(cpgNotesFile(process.pid, threadId), text);
}, NOTES_EVERY).unref();

around(Cpg.prototype, 'dispatch', ({ call }) => {
  // As it was before, and what it told.
  const note = keep({ kind: 'told' });
  const answer = call() as ReturnType<Cpg['dispatch']>;
  Object.assign(note, { events: answer.value });
  // When all of it is done.
  setImmediate(() => keep({ kind: 'idle' }));
  return answer;
});
around(Cpg.prototype, 'multicast', ({ all: [bytes], call }) => {
  const code = call();
  keep({ kind: 'sent', bytes: bytes as Uint8Array });
  return code;
});
// What the thread does meanwhile, each quarter of a second, is not to be counted as waking up.
around(Cpg.prototype, 'localNode', noteAfterwards);
around(ChangePractice.prototype, 'turn', noteAfterwards);

function noteAfterwards({ call }: Called): unknown {
  const answer = call();
  keep({ kind: 'idle' });
  return answer;
}
around(Operations.prototype, 'acquire', ({ call }) => {
  keep({ kind: 'acquire' });
  return call();
});
