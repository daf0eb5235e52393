/**
 * How many small messages of a Spread daemon the client reads in a second of processor time: `node test/bench/spread-decode.ts`.
 * Messages of 32 bytes to one group, in pieces as a socket gives them (64 KiB); the median of several runs.
 */
import { encodeFrame } from '../../src/group/spread/frame.ts';
import { AUTH_NULL, Session } from '../../src/group/spread/session.ts';

const PIECE = 65_536;
const MESSAGES = 200_000;
const RUNS = 9;

/** As daemons answer: the methods they allow, then version and private group. */
const HANDSHAKE = Buffer.from('\x05NULL \x01\x05\x00\x01\x08#x#local', 'latin1');

const message = encodeFrame({
  type: 0x10,
  little: true,
  name: '#alice#localhost',
  groups: ['wackamole-web'],
  hint: 0,
  hintLittle: true,
  data: Buffer.alloc(32, 'small'),
});
const stream = Buffer.concat(Array.from({ length: MESSAGES }, () => message));
const rates: number[] = [];
for (let run = 0; run < RUNS; run += 1) rates.push(measure());
rates.sort((a, b) => a - b);
process.stdout.write(
  `${JSON.stringify({ messages_per_second_median: Math.round(rates[RUNS >> 1]!), worst: Math.round(rates[0]!) })}\n`,
);

function measure(): number {
  const session = new Session({
    version: [5, 0, 1],
    name: 'x',
    membership: true,
    priority: false,
    auth: [AUTH_NULL],
  });
  session.connected();
  session.receive(Buffer.from(HANDSHAKE));
  const before = process.cpuUsage();
  let read = 0;
  for (let at = 0; at < stream.length; at += PIECE) {
    read += session.receive(Buffer.from(stream.subarray(at, at + PIECE))).length;
  }
  if (read !== MESSAGES) throw new Error(`${read} of ${MESSAGES} messages were read`);
  const { user, system } = process.cpuUsage(before);
  return (MESSAGES * 1e6) / (user + system);
}
