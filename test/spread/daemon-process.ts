/**
 * One Spread daemon of the double, a process on its host: clients connect to it, its ring's token passes over its host's network.
 * When it dies, stops or is cut off, so does what it stands for. What groups and members there are `ring-keeper.ts` knows.
 * Argument: JSON with `name`, `sites` and the path of the keeper's socket.
 */
import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import {
  type FromDaemon,
  listen,
  type OnTheRing,
  RING_PORT,
  type Sites,
  say,
  type ToDaemon,
} from './ring-words.ts';

interface Task {
  readonly name: string;
  readonly sites: Sites;
  readonly keeper: string;
}

const { name, sites, keeper: keeperPath } = JSON.parse(process.argv[2]!) as Task;
const keeper = connect(keeperPath);
const network = createSocket('udp4');
const clients = new Map<number, Socket>();
let clientsSoFar = 0;

function tell(word: FromDaemon): void {
  say(keeper, word);
}

function send(peer: string, word: OnTheRing): void {
  // A host that is cut off has no route, and that is all there is to it.
  network.send(JSON.stringify(word), RING_PORT, sites[peer], () => undefined);
}

/** The token has been at this host: on to the next, and from the last one back to the first. */
function passOn({ serial, route, at }: Extract<OnTheRing, { kind: 'token' }>): void {
  if (at === route.length) return tell({ kind: 'token', serial });
  const next = at + 1;
  if (route.length === 1) return tell({ kind: 'token', serial });
  send(route[next % route.length]!, { kind: 'token', serial, route, at: next });
}

function probe(): void {
  for (const peer of Object.keys(sites)) if (peer !== name) send(peer, { kind: 'probe', from: name });
}

function write({ client, bytes }: Extract<ToDaemon, { kind: 'write' }>): void {
  clients.get(client)?.write(Buffer.from(bytes, 'base64'));
}

listen<ToDaemon>(keeper, (word) => {
  if (word.kind === 'token') passOn({ ...word, at: 0 });
  else if (word.kind === 'probe') probe();
  else if (word.kind === 'write') write(word);
  else clients.get(word.client)?.end();
});
keeper.on('close', () => process.exit(1));

network.on('error', () => undefined);
network.on('message', (bytes: Buffer) => {
  const word = JSON.parse(bytes.toString()) as OnTheRing;
  if (word.kind === 'token') passOn(word);
  else if (word.kind === 'probe') send(word.from, { kind: 'answer', from: name });
  else tell({ kind: 'heard', peer: word.from });
});

const server = createServer((socket) => {
  const client = clientsSoFar++;
  socket.setNoDelay(true);
  clients.set(client, socket);
  tell({ kind: 'open', client });
  socket.on('data', (bytes: Buffer) => {
    tell({ kind: 'data', client, bytes: bytes.toString('base64') });
  });
  socket.on('error', () => undefined);
  const ended = () => {
    if (clients.delete(client)) tell({ kind: 'end', client });
  };
  socket.on('end', ended);
  socket.on('close', ended);
});

network.bind(RING_PORT, sites[name], () => {
  server.listen(4803, '0.0.0.0', () => {
    tell({ kind: 'up', name });
    process.stdout.write('listening\n');
  });
});
