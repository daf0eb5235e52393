/**
 * Asks a host's kernel whether it is there, often, as a process in another host's network, until its standard input closes. Then prints
 * the longest time, in ms, from a question that was answered late or never to the next answer, or for which it was not run itself.
 * Arguments: our address, its address.
 */
import { setPriority } from 'node:os';
import { monotonicNow } from '../../src/platform/clock.ts';
import { openPingDescriptor, pingSocketOver } from '../../src/platform/ping-socket.ts';

const EVERY_MS = 10;
const [localAddress = '', target = ''] = process.argv.slice(2);

let number = 0;
let unansweredSince: number | undefined;
let longest = 0;
const socket = pingSocketOver(
  openPingDescriptor({ family: 4, localAddress, identifier: process.pid & 0xffff }),
  () => settle(),
);

function settle(): void {
  longest = Math.max(longest, silence());
  unansweredSince = undefined;
}

function silence(): number {
  return unansweredSince === undefined ? 0 : monotonicNow() - unansweredSince;
}

// As an agent.
setPriority(-20);
let askedAt = monotonicNow();
const asking = setInterval(() => {
  const now = monotonicNow();
  socket.drain();
  // An agent that is not run is as silent.
  longest = Math.max(longest, now - askedAt - EVERY_MS);
  askedAt = now;
  unansweredSince ??= now;
  number = (number + 1) & 0xffff;
  socket.send(target, number, Buffer.alloc(8));
}, EVERY_MS);

process.stdin.resume().on('end', () => {
  clearInterval(asking);
  process.stdout.write(`${JSON.stringify({ longest: Math.max(longest, silence()) })}\n`, () =>
    process.exit(0),
  );
});
