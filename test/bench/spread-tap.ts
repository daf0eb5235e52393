/**
 * Stands between an agent and its daemon on one host and notes what the daemon says, the instant before it can be read on the
 * agent's socket. Arguments: port to listen on, port of the daemon, file.
 */
import { appendFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { monotonicNow } from '../../src/platform/clock.ts';
import { NOTES_EVERY, type TapRecord } from './spread-records.ts';

const [listenPort, daemonPort, file] = process.argv.slice(2);
let clients = 0;
let records: TapRecord[] = [];

setInterval(() => {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  records = [];
  if (text !== '') appendFileSync(file!, text);
}, NOTES_EVERY);

function pass(from: Socket, to: Socket, note: (bytes: Buffer) => void): void {
  from.setNoDelay(true);
  from.on('data', (bytes: Buffer) => {
    note(bytes);
    to.write(bytes);
  });
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}

createServer((agent) => {
  const client = clients++;
  const daemon = connect(Number(daemonPort), '127.0.0.1');
  pass(agent, daemon, () => undefined);
  pass(daemon, agent, (bytes) =>
    records.push({ at: monotonicNow(), client, bytes: bytes.toString('base64') }),
  );
}).listen(Number(listenPort), '127.0.0.1', () => process.stdout.write('listening\n'));
