/** Takes frames of an interface apart: what our protocols are made of, each layer for itself. Reads what a cluster without key says. */

import {
  FRAME_KIND,
  type FrameKindCode,
  FrameReader,
  frameBytes,
  STREAM_FRAME_BYTES_MAX,
} from '../../src/group/stream-frames.ts';
import { decodeFrame, decodeHeartbeat } from '../../src/membership/codec.ts';
import type { TrafficKind } from './traffic.ts';

const GROUP_PORT = 4873;
const ETHERNET_BYTES = 14;
/** What the fuzz target takes for its own echoes: the lab client's. */
const ECHO_IDENTIFIER = 0x5743;

interface Flow {
  readonly reader: FrameReader;
  next: number;
}

export class Dissector {
  readonly #keep: (kind: TrafficKind, bytes: Buffer) => void;
  readonly #flows = new Map<string, Flow>();

  constructor(keep: (kind: TrafficKind, bytes: Buffer) => void) {
    this.#keep = keep;
  }

  frame(frame: Buffer): void {
    if (frame.length < ETHERNET_BYTES + 20) return;
    const ethertype = frame.readUInt16BE(12);
    if (ethertype === 0x0806) this.#keep('arp', frame);
    if (ethertype === 0x0800) this.#ipv4(frame);
    if (ethertype === 0x86dd && frame.length >= ETHERNET_BYTES + 48 && frame[20] === 58) this.#icmpv6(frame);
  }

  #icmpv6(frame: Buffer): void {
    const type = frame[ETHERNET_BYTES + 40];
    if (type === 135 || type === 136) this.#keep('neighbour-discovery', frame);
    if (type === 129) this.#keep('echo-replies', renamed(frame.subarray(ETHERNET_BYTES + 40), 0));
    if (type === 129) this.#keep('echo-replies', renamed(frame, ETHERNET_BYTES + 40));
  }

  #ipv4(frame: Buffer): void {
    const packet = frame.subarray(ETHERNET_BYTES, ETHERNET_BYTES + frame.readUInt16BE(16));
    const start = (packet[0]! & 15) * 4;
    if (packet.length < start + 8) return;
    const protocol = packet[9];
    if (protocol === 1 && packet[start] === 0) {
      this.#keep('echo-replies', renamed(packet, start));
      this.#keep('echo-replies', renamed(frame, ETHERNET_BYTES + start));
    }
    if (protocol === 17 && packet.readUInt16BE(start + 2) === GROUP_PORT)
      this.#datagram(packet.subarray(start + 8));
    if (protocol === 6 && packet.length >= start + 20) this.#segment(packet, start);
  }

  #datagram(payload: Buffer): void {
    this.#keep('datagrams', payload);
    const body = payload.subarray(27 + (payload[26] ?? 0), -16);
    if (decodeHeartbeat(body).ok) this.#keep('heartbeats', body);
  }

  #segment(packet: Buffer, start: number): void {
    const ports = [packet.readUInt16BE(start), packet.readUInt16BE(start + 2)];
    if (!ports.includes(GROUP_PORT)) return;
    const key = `${packet.toString('hex', 12, 20)} ${ports.join(' ')}`;
    const sequence = packet.readUInt32BE(start + 4);
    const flags = packet[start + 13]!;
    if ((flags & 2) !== 0)
      this.#flows.set(key, { reader: new FrameReader(STREAM_FRAME_BYTES_MAX), next: (sequence + 1) >>> 0 });
    const flow = this.#flows.get(key);
    const payload = packet.subarray(start + (packet[start + 12]! >> 4) * 4);
    if (flow === undefined || payload.length === 0 || sequence !== flow.next) return;
    flow.next = (sequence + payload.length) >>> 0;
    flow.reader.push(Buffer.from(payload));
    for (let result = flow.reader.next(); result.kind === 'frame'; result = flow.reader.next()) {
      this.#streamFrame(result.frame.kind, result.frame.body);
    }
  }

  #streamFrame(kind: number, body: Buffer): void {
    this.#keep('stream-frames', frameBytes(kind as FrameKindCode, body));
    if (kind === FRAME_KIND.hello) this.#keep('hellos', body);
    if (kind !== FRAME_KIND.data) return;
    const decoded = decodeFrame(body);
    if (!decoded.ok) return;
    this.#keep('frames', body);
    if (decoded.value.kind === 'ordered') this.#keep('agent-messages', Buffer.from(decoded.value.bytes));
  }
}

/** The echo with the client's identifier. */
function renamed(bytes: Buffer, start: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(ECHO_IDENTIFIER, start + 4);
  return copy;
}
