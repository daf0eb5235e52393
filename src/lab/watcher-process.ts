/**
 * The watcher's own process: listens to the address changes of every host from outside and tells each with its time.
 * Its one argument is JSON: `{"hosts": ["a", …]}`. It blocks in `ppoll`, so that no event loop delays a stamp.
 */

import { monotonicNow } from '../platform/clock.ts';
import {
  AF_NETLINK,
  bindSocket,
  type Descriptor,
  insideNetworkNamespace,
  openSocket,
  receiveMessage,
  SOCK_RAW,
  sendMessage,
} from '../platform/libc.ts';
import { waitReadable } from '../platform/wait.ts';
import { dumpRequest, readNotices } from './address-notice.ts';
import { beFirst, Questions, STDIN, tell } from './line-parent.ts';
import { enlargeReceiveBuffer } from './receive-buffer.ts';

const NETLINK_ROUTE = 0;
const GROUP_IPV4_IFADDR = 0x10;
const GROUP_IPV6_IFADDR = 0x100;
const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
/** Longest time that one reading counts as one instant, ms. */
const READING_MAX = 20;

interface WatchedHost {
  readonly name: string;
  readonly socket: Descriptor;
  readonly held: Set<string>;
  /** What the present reading has seen last of each address. */
  readonly read: Map<string, boolean>;
}

const buffer = Buffer.alloc(256 * 1024);

function main(argument: string): void {
  beFirst();
  const { hosts: names } = JSON.parse(argument) as { hosts: readonly string[] };
  const hosts = names.map(watch);
  const questions = new Questions();
  const descriptors = [STDIN, ...hosts.map(({ socket }) => socket)];
  for (;;) {
    const ready = waitReadable(descriptors, 10_000);
    const at = monotonicNow();
    readAll(hosts, at);
    if (!ready.includes(STDIN)) continue;
    const syncs = questions.read();
    if (syncs === undefined) return;
    readAll(hosts, monotonicNow());
    for (const number of syncs) tell({ kind: 'synced', number });
  }
}

function watch(name: string): WatchedHost {
  const socket = insideNetworkNamespace(`/run/netns/${name}`, () =>
    openSocket({ domain: AF_NETLINK, type: SOCK_RAW, protocol: NETLINK_ROUTE }),
  );
  enlargeReceiveBuffer(socket, RECEIVE_BUFFER_BYTES);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(GROUP_IPV4_IFADDR | GROUP_IPV6_IFADDR, 8);
  bindSocket(socket, address);
  sendMessage(socket, dumpRequest());
  return { name, socket, held: new Set(), read: new Map() };
}

/**
 * Reads until nothing waits anywhere. All of it carries one stamp: between sockets the order is not known, and a stamp of
 * its own for each would make a release read late look like a duplicate.
 */
function readAll(hosts: readonly WatchedHost[], at: number): void {
  let more = true;
  while (more && monotonicNow() - at < READING_MAX) {
    more = false;
    for (const host of hosts) more = readSome(host, at) || more;
  }
  for (const host of hosts) tellDifferences(host, at);
}

function readSome(host: WatchedHost, at: number): boolean {
  try {
    const length = receiveMessage(host.socket, buffer);
    if (length === undefined) return false;
    for (const { address, held } of readNotices(buffer.subarray(0, length)).notices)
      host.read.set(address, held);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOBUFS') throw error;
    tell({ kind: 'overflow', host: host.name, at });
  }
  return true;
}

/**
 * Tells the differences that one reading made in all; renewals repeat what is known, and what came and went again within
 * one reading has no length.
 */
function tellDifferences(host: WatchedHost, at: number): void {
  for (const [address, held] of host.read) {
    if (host.held.has(address) === held) continue;
    if (held) host.held.add(address);
    else host.held.delete(address);
    tell({ kind: 'change', host: host.name, at, address, held });
  }
  host.read.clear();
}

main(process.argv[2] ?? '{"hosts":[]}');
