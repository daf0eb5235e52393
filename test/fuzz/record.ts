/**
 * Records the traffic of a real cluster into `test/fixtures/traffic`: three agents without a key in the lab, seen from the interface
 * of one of them, through a start, operator's commands, a kill and a polite stop. Only inside a world of namespaces.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeLine } from '../../src/control/codec.ts';
import type { ControlRequest } from '../../src/control/messages.ts';
import { Cluster } from '../../src/lab/cluster.ts';
import {
  AF_NETLINK,
  AF_PACKET,
  bindSocket,
  closeDescriptor,
  type Descriptor,
  insideNetworkNamespace,
  openSocket,
  receiveMessage,
  SO_RCVBUFFORCE,
  SOCK_RAW,
  SOL_SOCKET,
  sendMessage,
  setSocketOption,
} from '../../src/platform/libc.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import { encodeAddressDump, encodeLinkDump } from '../../src/platform/rtnetlink-codec.ts';
import { Dissector } from './dissector.ts';
import { TRAFFIC_FOLDER, TRAFFIC_KINDS, type TrafficKind, trafficFile, writeRecords } from './traffic.ts';

const EVERY_PROTOCOL = 0x0300;
/** Links and both families' addresses (linux/rtnetlink.h). */
const ROUTE_GROUPS = 0x1 | 0x10 | 0x100;
const RECEIVE_BYTES = 8 << 20;
const RECORDS_MAX = 24;
const ALIKE_MAX = 8;
const RECORD_BYTES_MAX = 6000;

/** Keeps few of many: of each length a few that differ, lengths evenly. */
export function chosen(records: readonly Buffer[]): Buffer[] {
  const byLength = new Map<number, Map<string, Buffer>>();
  for (const record of records) {
    if (record.length === 0 || record.length > RECORD_BYTES_MAX) continue;
    const alike = byLength.get(record.length) ?? new Map<string, Buffer>();
    byLength.set(record.length, alike);
    if (alike.size < ALIKE_MAX) alike.set(record.toString('latin1'), record);
  }
  const all = [...byLength.values()]
    .flatMap((alike) => [...alike.values()])
    .sort((a, b) => a.length - b.length);
  const step = Math.max(1, all.length / RECORDS_MAX);
  return Array.from(
    { length: Math.min(all.length, RECORDS_MAX) },
    (_, index) => all[Math.floor(index * step)]!,
  );
}

export async function recordTraffic(): Promise<void> {
  const cluster = await Cluster.open({ hosts: 3, vips: 6, ipv6: 2, insecure: true });
  const heard = new Map<TrafficKind, Buffer[]>(TRAFFIC_KINDS.map((kind) => [kind, []]));
  const keep = (kind: TrafficKind, bytes: Buffer) => heard.get(kind)!.push(Buffer.from(bytes));
  const dissector = new Dissector(keep);
  const taps = openTaps(cluster);
  const listen = setInterval(() => {
    drain(taps.frames, (frame) => dissector.frame(frame));
    drain(taps.notices, (datagram) => keep('netlink', datagram));
  }, 1);
  try {
    await perform(cluster, keep);
  } finally {
    clearInterval(listen);
    closeDescriptor(taps.frames);
    closeDescriptor(taps.notices);
    await cluster.close();
  }
  mkdirSync(TRAFFIC_FOLDER, { recursive: true });
  for (const kind of TRAFFIC_KINDS) {
    const records = chosen(heard.get(kind)!);
    if (records.length === 0) throw new Error(`nothing was heard of ${kind}`);
    writeFileSync(trafficFile(kind), writeRecords(records));
    console.log(`${kind}: ${records.length} of ${heard.get(kind)!.length} records`);
  }
}

async function perform(cluster: Cluster, keep: (kind: TrafficKind, bytes: Buffer) => void): Promise<void> {
  cluster.startAll();
  await cluster.served();
  await cluster.joined();
  const socket = cluster.agent('a').socket;
  const requests: ControlRequest[] = [
    { kind: 'status' },
    { kind: 'command', command: { kind: 'move', vip: 'vip-1', to: 'b' } },
    { kind: 'command', command: { kind: 'move', vip: 'vip-2', to: 'nobody' } },
    { kind: 'command', command: { kind: 'drain', member: 'b' } },
    { kind: 'status' },
    { kind: 'command', command: { kind: 'undrain', member: 'b' } },
    { kind: 'command', command: { kind: 'rebalance' } },
    { kind: 'reload' },
    { kind: 'watch' },
  ];
  for (const request of requests) {
    const line = encodeLine(request);
    keep('control-requests', Buffer.from(line.trimEnd()));
    keep('control-responses', await answerOf(socket, line));
    await sleep(300);
  }
  cluster.agent('c').signal('SIGKILL');
  await cluster.served([['a', 'b']]);
  keep('control-responses', await answerOf(socket, encodeLine({ kind: 'status' })));
  await cluster.agent('b').stop();
  await cluster.served([['a']]);
  await sleep(500);
}

/** The first line that comes back. */
function answerOf(socket: string, line: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let bytes = Buffer.alloc(0);
    connection.once('error', reject);
    connection.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(0x0a);
      if (end < 0) return;
      connection.destroy();
      resolve(bytes.subarray(0, end));
    });
    connection.write(line);
  });
}

function openTaps(cluster: Cluster): { frames: Descriptor; notices: Descriptor } {
  return insideNetworkNamespace(cluster.host('a').netns, () => {
    const index = interfaceIndex();
    const frames = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: EVERY_PROTOCOL });
    const here = Buffer.alloc(20);
    here.writeUInt16LE(AF_PACKET, 0);
    here.writeUInt16LE(EVERY_PROTOCOL, 2);
    here.writeInt32LE(index, 4);
    bindSocket(frames, here);
    enlarge(frames);
    const notices = openSocket({ domain: AF_NETLINK, type: SOCK_RAW, protocol: 0 });
    const route = Buffer.alloc(12);
    route.writeUInt16LE(AF_NETLINK, 0);
    route.writeUInt32LE(ROUTE_GROUPS, 8);
    bindSocket(notices, route);
    for (const request of [encodeLinkDump(), encodeAddressDump()]) sendMessage(notices, request);
    return { frames, notices };
  });
}

function interfaceIndex(): number {
  const requests = openRouteRequests();
  const link = requests.links().find(({ name }) => name === 'eth0');
  requests.close();
  if (link === undefined) throw new Error('the host has no eth0');
  return link.index;
}

function enlarge(fd: Descriptor): void {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(RECEIVE_BYTES);
  setSocketOption(fd, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value });
}

const scratch = Buffer.alloc(1 << 18);

function drain(fd: Descriptor, take: (bytes: Buffer) => void): void {
  for (let count = 0; count < 1000; count += 1) {
    const length = receiveMessage(fd, scratch);
    if (length === undefined) return;
    take(scratch.subarray(0, Math.min(length, scratch.length)));
  }
}
