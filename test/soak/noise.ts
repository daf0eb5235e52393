/** Noise at the agents' ports from a host without the key: mutated datagrams, and streams that begin with anything. Runs in its own process. */
import { createSocket } from 'node:dgram';
import { createConnection } from 'node:net';
import fc from 'fast-check';
import { nearly } from '../fuzz/bytes.ts';
import { recorded } from '../fuzz/traffic.ts';

const PORT = 4873;
const DATAGRAMS_AT_ONCE = 5;
const INTERVAL_MS = 25;

/** `hosts`: addresses; never ends by itself. */
function makeNoise(hosts: readonly string[], seed: number): void {
  const socket = createSocket('udp4');
  const datagrams = nearly(recorded('datagrams'));
  const beginnings = nearly(recorded('stream-frames'));
  let round = seed;
  setInterval(() => {
    round = (round + 1) | 0;
    for (const bytes of fc.sample(datagrams, { seed: round, numRuns: DATAGRAMS_AT_ONCE }))
      for (const host of hosts) socket.send(bytes, PORT, host, () => undefined);
    const [beginning] = fc.sample(beginnings, { seed: round, numRuns: 1 });
    const host = hosts[Math.abs(round) % hosts.length]!;
    const connection = createConnection({ host, port: PORT });
    connection.on('error', () => undefined);
    connection.setTimeout(1000, () => connection.destroy());
    connection.end(beginning!);
  }, INTERVAL_MS);
}

makeNoise((process.argv[2] ?? '').split(','), Number(process.argv[3] ?? 1));
