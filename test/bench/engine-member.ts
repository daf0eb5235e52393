/**
 * A process that is one member of a group of any engine, and nothing else: prints each view as a JSON line. `flood MS BYTES WINDOW` on its
 * standard input makes it send, so many messages on their way at a time, and print how many it was delivered meanwhile, its own and others'.
 */
import { createInterface } from 'node:readline';
import type { GroupConfig } from '../../src/config/config.ts';
import { createCorosyncGroup } from '../../src/group/corosync/corosync-group.ts';
import { CorosyncThread } from '../../src/group/corosync/thread.ts';
import { createEmbeddedGroup } from '../../src/group/embedded.ts';
import type { GroupCommunication } from '../../src/group/group.ts';
import { createSpreadGroup } from '../../src/group/spread/spread-group.ts';
import { monotonicNow } from '../../src/platform/clock.ts';

const { member, group: config } = JSON.parse(process.argv[2] ?? '') as { member: string; group: GroupConfig };
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function create(): GroupCommunication {
  const cluster = 'bench';
  if (config.engine === 'spread') return createSpreadGroup({ cluster, member, group: config }, { log });
  if (config.engine === 'corosync')
    return createCorosyncGroup({ cluster, member, group: config }, { log, thread: new CorosyncThread() });
  return createEmbeddedGroup({ cluster, member, group: config }, { log });
}

const group = create();
let delivered = 0;
let send: (() => void) | undefined;
await group.join((event) => {
  if (event.kind === 'view') print({ at: monotonicNow(), members: event.view.members.length });
  if (event.kind === 'detached') print({ detached: event.reason });
  if (event.kind !== 'message') return;
  delivered += 1;
  if (event.sender === group.self) send?.();
});
setInterval(() => group.tick(), 100);

createInterface({ input: process.stdin }).on('line', (line) => {
  const [time = 0, bytes = 0, window = 0] = line.split(' ').slice(1).map(Number);
  const [from, before] = [monotonicNow(), delivered];
  send = () => group.multicast(new Uint8Array(bytes));
  for (let sent = 0; sent < window; sent += 1) send();
  setTimeout(() => {
    send = undefined;
    print({ delivered: delivered - before, took: monotonicNow() - from });
  }, time);
});
