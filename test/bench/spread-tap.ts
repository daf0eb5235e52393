/**
 * Notes on one host what a daemon says to its clients, at the instants that the kernel put on it: reads the loopback interface beside
 * them and stands in nobody's way. It reads now and then what the kernel kept, so that it is not awake while something is measured.
 * Arguments: port of the daemon, file.
 */
import { appendFileSync } from 'node:fs';
import { monotonicNow } from '../../src/platform/clock.ts';
import {
  AF_PACKET,
  bindSocket,
  MSG_TRUNC,
  openSocket,
  readClock,
  receiveMessage,
  SO_RCVBUFFORCE,
  SOCK_RAW,
  SOL_SOCKET,
  setSocketOption,
} from '../../src/platform/libc.ts';
import { openRouteRequests } from '../../src/platform/netlink.ts';
import { readStamp } from './frame-stamp.ts';
import { NOTES_EVERY, type TapRecord } from './spread-records.ts';

/** `man 7 packet`: a `sockaddr_ll` is as long, and has the direction at this place. */
const [ADDRESS_BYTES, DIRECTION] = [20, 10];
const PACKET_OUTGOING = 4;
/** Of clock_gettime(2). */
const CLOCK_REALTIME = 0;
const ETHERTYPE_IP = 0x0800;
/** Of loopback, one more than its MTU has. */
const FRAME_BYTES_MAX = 1 << 17;
const KEPT_BYTES = 64 << 20;

/** What one client was told so far. */
interface Stream {
  readonly client: number;
  /** Of the next byte. */
  next: number;
}

const [port, file] = process.argv.slice(2);
const streams = new Map<number, Stream>();
let clients = 0;
let lines: string[] = [];

const fd = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: 0 });
setSocketOption(fd, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value: KEPT_BYTES });
const requests = openRouteRequests();
bindSocket(fd, loopbackAddress(requests.links().find(({ name }) => name === 'lo')!.index));
requests.close();
// From the first question on the kernel puts an instant on each frame.
readStamp(fd);

const frame = Buffer.alloc(FRAME_BYTES_MAX);
const address = Buffer.alloc(ADDRESS_BYTES);
setInterval(drain, NOTES_EVERY);
process.stdout.write('listening\n');

function loopbackAddress(index: number): Buffer {
  const bytes = Buffer.alloc(ADDRESS_BYTES);
  bytes.writeUInt16LE(AF_PACKET, 0);
  bytes.writeUInt16BE(ETHERTYPE_IP, 2);
  bytes.writeInt32LE(index, 4);
  return bytes;
}

function drain(): void {
  // Stamps are of the other clock; it is not set while we measure.
  const behind = readClock(CLOCK_REALTIME) - monotonicNow();
  for (;;) {
    const length = receiveMessage(fd, frame, { flags: MSG_TRUNC, address });
    if (length === undefined) break;
    if (length > FRAME_BYTES_MAX) throw new Error(`a frame of ${length} bytes`);
    // Loopback shows each frame on its way out and in again.
    if (address[DIRECTION] !== PACKET_OUTGOING) take(frame.subarray(0, length), readStamp(fd)! - behind);
  }
  const text = lines.join('');
  lines = [];
  if (text !== '') appendFileSync(file!, text);
}

/** TCP from the daemon over IPv4 (RFC 9293, RFC 791). */
function take(bytes: Buffer, at: number): void {
  const ip = bytes.subarray(14);
  if (ip[9] !== 6) return;
  const tcp = ip.subarray((ip[0]! & 15) * 4, ip.readUInt16BE(2));
  if (tcp.readUInt16BE(0) !== Number(port)) return;
  const [to, sequence, isFirst] = [tcp.readUInt16BE(2), tcp.readUInt32BE(4), (tcp[13]! & 2) !== 0];
  if (isFirst) streams.set(to, { client: clients++, next: (sequence + 1) >>> 0 });
  const data = tcp.subarray((tcp[12]! >> 4) * 4);
  const stream = streams.get(to);
  if (stream === undefined || data.length === 0) return;
  // Said twice: a probe, or what the other end was slow to take.
  if (((sequence - stream.next) | 0) < 0) return;
  if (sequence !== stream.next)
    throw new Error(`${sequence - stream.next} bytes for client ${stream.client} were missed`);
  stream.next = (sequence + data.length) >>> 0;
  const record: TapRecord = { at, client: stream.client, bytes: data.toString('base64') };
  lines.push(`${JSON.stringify(record)}\n`);
}
