/**
 * ICMP and ICMPv6 echo (RFC 792, RFC 4443): asks another host's kernel whether it is there. A raw socket where we may have
 * one, else the kernel's unprivileged ping socket (`man 7 icmp`, ping_group_range). Judges nothing.
 *
 * It wakes nobody: whoever asks also comes for the answers (`drain`). koffi's poll handles must not be used on a worker
 * thread: one that is open when the thread ends (exit of the process, an uncaught error) crashes the whole process.
 * Descriptors belong to the process, not to a thread, and a thread that is ended closes none of ours: who opens a ping
 * descriptor outlives its users and closes it after them.
 */
import koffi from 'koffi';
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  closeDescriptor,
  type Descriptor,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  openSocket,
  receiveMessage,
  SO_ATTACH_FILTER,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
  sendMessage,
  setSocketOption,
  socketAddress,
} from './libc.ts';
import { socketAddressBytes } from './socket-address.ts';

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const ECHO_HEADER_BYTES = 8;
/** Replies longer than this are not ours. */
const REPLY_BYTES_MAX = 256;
/** Replies taken at once, so that a flood cannot hold the thread. */
const REPLIES_AT_ONCE_MAX = 512;

export interface PingSocketSettings {
  readonly family: 4 | 6;
  /** Source address; absent: the kernel chooses by route. */
  readonly localAddress?: string;
  /** 0–65535, tells our echoes from another program's; a ping socket gets its own from the kernel. */
  readonly identifier: number;
}

export interface EchoReply {
  readonly sequence: number;
  /** Valid during the call only. */
  readonly payload: Buffer;
}

/** An open socket as plain data, so that it can be handed to another thread. */
export interface PingDescriptor {
  readonly family: 4 | 6;
  readonly fd: Descriptor;
  readonly identifier: number;
  /** An IPv4 raw socket hands over the IP header too. */
  readonly withIpHeader: boolean;
}

/** Opens without waiting; throws `SystemError` (`EPERM`, `EACCES`) when neither kind of socket is allowed. */
export function openPingDescriptor(settings: PingSocketSettings): PingDescriptor {
  try {
    return openRaw(settings);
  } catch (refused) {
    try {
      return openUnprivileged(settings);
    } catch {
      throw refused;
    }
  }
}

/** To be called once, when nobody uses it any more: the kernel gives the number to the next file that is opened. */
export function closePingDescriptor(descriptor: PingDescriptor): void {
  closeDescriptor(descriptor.fd);
}

export interface PingSocket {
  /** Asks; `sequence` 0–65535. False when it could not even be sent (no route, buffer full). */
  send(address: string, sequence: number, payload: Uint8Array): boolean;
  /** Hands over every reply that waits, now. */
  drain(): void;
}

/** Uses an open descriptor; does not own it. */
export function pingSocketOver(descriptor: PingDescriptor, onReply: (reply: EchoReply) => void): PingSocket {
  const reader = new ReplyReader(descriptor, onReply);
  return {
    send: (address, sequence, payload) => sendEcho(descriptor, { address, sequence, payload }),
    drain: () => reader.drain(),
  };
}

function openRaw(settings: PingSocketSettings): PingDescriptor {
  const { family } = settings;
  const fd = openSocket({ ...domainOf(family), type: SOCK_RAW });
  return orClose(fd, () => {
    attachFilter(fd, settings);
    if (settings.localAddress !== undefined) bindSocket(fd, socketAddressBytes(settings.localAddress, 0));
    return { family, fd, identifier: settings.identifier, withIpHeader: family === 4 };
  });
}

function openUnprivileged(settings: PingSocketSettings): PingDescriptor {
  const { family } = settings;
  const fd = openSocket({ ...domainOf(family), type: SOCK_DGRAM });
  return orClose(fd, () => {
    bindSocket(fd, socketAddressBytes(settings.localAddress ?? (family === 4 ? '0.0.0.0' : '::'), 0));
    return { family, fd, identifier: socketAddress(fd).readUInt16BE(2), withIpHeader: false };
  });
}

function domainOf(family: 4 | 6): { domain: number; protocol: number } {
  return family === 4
    ? { domain: AF_INET, protocol: IPPROTO_ICMP }
    : { domain: AF_INET6, protocol: IPPROTO_ICMPV6 };
}

function orClose<T>(fd: Descriptor, body: () => T): T {
  try {
    return body();
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/** One step of a classic BPF program: code, jump if true, jump if false, constant (linux/filter.h). */
type FilterStep = readonly [code: number, whenTrue: number, whenFalse: number, constant: number];

/** Lets pass echo replies with our identifier only, so that another program's pings never fill the buffer. */
function attachFilter(fd: Descriptor, settings: PingSocketSettings): void {
  const steps = filterSteps(settings.family, settings.identifier);
  const program = Buffer.alloc(steps.length * 8);
  steps.forEach(([code, whenTrue, whenFalse, constant], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(whenTrue, index * 8 + 2);
    program.writeUInt8(whenFalse, index * 8 + 3);
    program.writeUInt32LE(constant, index * 8 + 4);
  });
  const header = Buffer.alloc(16);
  header.writeUInt16LE(steps.length, 0);
  header.writeBigUInt64LE(koffi.address(program), 8);
  setSocketOption(fd, { level: SOL_SOCKET, name: SO_ATTACH_FILTER, value: header });
}

/** For IPv4 the filter sees the packet from its IP header on, for IPv6 from the ICMPv6 header on. */
function filterSteps(family: 4 | 6, identifier: number): readonly FilterStep[] {
  const LOAD_HEADER_LENGTH = 0xb1;
  const LOAD_BYTE = family === 4 ? 0x50 : 0x30;
  const LOAD_HALF = family === 4 ? 0x48 : 0x28;
  const JUMP_EQUAL = 0x15;
  const RETURN = 0x06;
  const checks: FilterStep[] = [
    [LOAD_BYTE, 0, 0, 0],
    [JUMP_EQUAL, 0, 3, ECHO_REPLY[family]],
    [LOAD_HALF, 0, 0, 4],
    [JUMP_EQUAL, 0, 1, identifier],
    [RETURN, 0, 0, 0xffff],
    [RETURN, 0, 0, 0],
  ];
  return family === 4 ? [[LOAD_HEADER_LENGTH, 0, 0, 0], ...checks] : checks;
}

interface Echo {
  readonly address: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

function sendEcho(socket: PingDescriptor, echo: Echo): boolean {
  const { family } = socket;
  const packet = Buffer.allocUnsafe(ECHO_HEADER_BYTES + echo.payload.length);
  packet.writeUInt16BE(ECHO_REQUEST[family] << 8, 0);
  packet.writeUInt16BE(0, 2);
  packet.writeUInt16BE(socket.identifier, 4);
  packet.writeUInt16BE(echo.sequence & 0xffff, 6);
  packet.set(echo.payload, ECHO_HEADER_BYTES);
  // ICMPv6 checksums cover the addresses and are filled in by the kernel.
  if (family === 4) packet.writeUInt16BE(internetChecksum(packet), 2);
  try {
    return sendMessage(socket.fd, packet, { address: socketAddressBytes(echo.address, 0) });
  } catch {
    return false;
  }
}

/** RFC 1071 over whole bytes, with the checksum field still zero. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

class ReplyReader {
  readonly #socket: PingDescriptor;
  readonly #onReply: (reply: EchoReply) => void;
  readonly #buffer = Buffer.alloc(REPLY_BYTES_MAX);

  constructor(socket: PingDescriptor, onReply: (reply: EchoReply) => void) {
    this.#socket = socket;
    this.#onReply = onReply;
  }

  drain(): void {
    for (let count = 0; count < REPLIES_AT_ONCE_MAX; count += 1) {
      const length = this.#take();
      if (length === undefined) return;
      if (length > 0) this.#read(this.#buffer.subarray(0, length));
    }
  }

  /** Length of the next message; 0 when the socket told of an unreachable host instead. */
  #take(): number | undefined {
    try {
      return receiveMessage(this.#socket.fd, this.#buffer);
    } catch {
      return 0;
    }
  }

  #read(message: Buffer): void {
    const reply = readEchoReply(message, this.#socket);
    if (reply !== undefined) this.#onReply(reply);
  }
}

/** The reply in what the socket handed over; `undefined` for anything else. The payload is a view on the message. Never throws. */
export function readEchoReply(
  message: Buffer,
  socket: Pick<PingDescriptor, 'family' | 'identifier' | 'withIpHeader'>,
): EchoReply | undefined {
  const start = socket.withIpHeader ? ((message[0] ?? 0) & 0x0f) * 4 : 0;
  const echo = message.subarray(start);
  if (echo.length < ECHO_HEADER_BYTES || echo[0] !== ECHO_REPLY[socket.family]) return undefined;
  if (echo.readUInt16BE(4) !== socket.identifier) return undefined;
  return { sequence: echo.readUInt16BE(6), payload: echo.subarray(ECHO_HEADER_BYTES) };
}
