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
  SO_RCVBUFFORCE,
  SOCK_RAW,
  SOL_SOCKET,
  sendMessage,
  setSocketOption,
} from '../platform/libc.ts';
import { waitReadable } from '../platform/wait.ts';
import { dumpRequest, readNotices } from './address-notice.ts';
import { beFirst, Questions, STDIN, tell } from './line-parent.ts';

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
  setSocketOption(socket, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value: RECEIVE_BUFFER_BYTES });
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  address.writeUInt32LE(GROUP_IPV4_IFADDR | GROUP_IPV6_IFADDR, 8);
  bindSocket(socket, address);
  sendMessage(socket, dumpRequest());
  return { name, socket, held: new Set() };
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
}

function readSome(host: WatchedHost, at: number): boolean {
  try {
    const length = receiveMessage(host.socket, buffer);
    if (length === undefined) return false;
    for (const { address, held } of readNotices(buffer.subarray(0, length)).notices)
      note(host, { at, address, held });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOBUFS') throw error;
    tell({ kind: 'overflow', host: host.name, at });
  }
  return true;
}

/** Renewals repeat what is known; only differences are told. */
function note(host: WatchedHost, change: { at: number; address: string; held: boolean }): void {
  if (host.held.has(change.address) === change.held) return;
  if (change.held) host.held.add(change.address);
  else host.held.delete(change.address);
  tell({ kind: 'change', host: host.name, ...change });
}

main(process.argv[2] ?? '{"hosts":[]}');
