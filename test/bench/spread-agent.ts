/**
 * The program, with one thing more: it notes when it reads from its daemon, when it has written to it, and when it asks a provider
 * to acquire. The notes go to a file a while after, so that they cost what is measured as little as they can.
 */
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { Operations } from '../../src/agent/operations.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { readClock } from '../../src/platform/libc.ts';
import { around } from './around.ts';
import { type AgentNote, NOTES_EVERY, notesFile } from './spread-records.ts';

/** Of clock_gettime(2): for how long this thread has had a processor. */
const CLOCK_THREAD_CPUTIME_ID = 3;

interface Kept extends Omit<AgentNote, 'bytes'> {
  readonly bytes?: Uint8Array;
}

let kept: Kept[] = [];

function keep(kind: AgentNote['kind'], bytes?: Uint8Array): void {
  const worked = readClock(CLOCK_THREAD_CPUTIME_ID);
  kept.push({ at: monotonicNow(), worked, kind, ...(bytes && { bytes }) });
}

setInterval(() => {
  const lines = kept.map(({ bytes, ...rest }) => {
    const note: AgentNote = { ...rest, bytes: Buffer.from(bytes ?? []).toString('base64') };
    return `${JSON.stringify(note)}\n`;
  });
  kept = [];
  if (lines.length > 0) appendFileSync(notesFile(process.pid), lines.join(''));
}, NOTES_EVERY).unref();

/** Of the daemon's connection alone: what else there is are the operators' sockets. */
function isDaemons(socket: unknown): boolean {
  return (socket as Socket).remotePort !== undefined;
}

// Not what the session receives: those with which the agent practises have no socket.
around(
  Socket.prototype as { emit(...all: never[]): unknown },
  'emit',
  ({ self, all: [event, bytes], call }) => {
    if (event === 'data' && isDaemons(self)) keep('read', Buffer.from(bytes as Uint8Array));
    return call();
  },
);
around(Operations.prototype, 'acquire', ({ call }) => {
  keep('acquire');
  return call();
});
around(Socket.prototype, 'write', ({ self, all: [bytes], call }) => {
  const result = call();
  if (isDaemons(self) && bytes instanceof Uint8Array) keep('written', bytes);
  return result;
});

await import('../../src/bin/wackamole.ts');
