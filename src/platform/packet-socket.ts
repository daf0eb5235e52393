/** Ethernet frames out of and into an interface (`man 7 packet`). Needs CAP_NET_RAW. Knows no protocol. */
import {
  AF_PACKET,
  attachFilter,
  bindSocket,
  closeDescriptor,
  type Descriptor,
  openSocket,
  receiveMessage,
  SO_RCVBUFFORCE,
  SO_SNDBUFFORCE,
  SOCK_RAW,
  SOL_SOCKET,
  SystemError,
  sendMessage,
  setSocketOption,
} from './libc.ts';
import { type Watch, watchReadable } from './poll.ts';

export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;

const BUFFER_BYTES = 8 << 20;
const SOCKET_ADDRESS_BYTES = 20;
const FRAME_BYTES_MAX = 2048;

export interface FrameSender {
  /** `sent`; `full` when the frame should be tried again a little later; `down` when the kernel does not send it now. */
  send(frame: Uint8Array, interfaceIndex: number): 'sent' | 'full' | 'down';
  close(): void;
}

/** Sends whole frames on any interface; receives nothing. */
export function openFrameSender(): FrameSender {
  const fd = openPacketSocket(SO_SNDBUFFORCE);
  let to = { interfaceIndex: 0, address: packetAddress(0, 0) };
  return {
    send(frame, interfaceIndex) {
      if (to.interfaceIndex !== interfaceIndex)
        to = { interfaceIndex, address: packetAddress(interfaceIndex, 0) };
      try {
        return sendMessage(fd, frame, to) ? 'sent' : 'full';
      } catch (error) {
        if (isOurFault(error)) throw error;
        return 'down';
      }
    },
    close: closeOnce(fd),
  };
}

export interface FrameReceiver {
  /** The next waiting frame (at most its first 2048 bytes), copied; `undefined` when none waits. */
  next(): Buffer | undefined;
  /** Calls back while frames wait; does not keep the process running. */
  watch(readable: () => void): Watch;
  close(): void;
}

export interface FrameReceiverOptions {
  readonly interfaceIndex: number;
  readonly ethertype: number;
  /** Only frames that have these bytes; the kernel drops all others before they cost us anything. */
  readonly match?: readonly FrameByte[];
  /** Instead: a program for the kernel's filter (`classic-bpf.ts`) that says which frames come in. */
  readonly filter?: Buffer;
  /** Room for frames that wait, as the kernel counts it; 8 MiB unless given. What does not fit is dropped. */
  readonly bufferBytes?: number;
}

/** The byte at `offset` is `value`, or `or` where that is given. */
export interface FrameByte {
  readonly offset: number;
  readonly value: number;
  readonly or?: number;
}

/**
 * Frames of one ethertype that come in on one interface; not what this host sends itself. Throws SystemError: `ENODEV` when
 * the interface is gone, `EMFILE`, `ENOBUFS` and the like where the kernel has no room.
 */
export function openFrameReceiver(options: FrameReceiverOptions): FrameReceiver {
  // Protocol 0 until bound: otherwise frames of all interfaces come in between the two calls.
  const fd = openPacketSocket(SO_RCVBUFFORCE, options.bufferBytes);
  const { match, filter = match && matchProgram(match) } = options;
  try {
    if (filter !== undefined) attachFilter(fd, filter);
    bindSocket(fd, packetAddress(options.interfaceIndex, options.ethertype));
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  return {
    next: () => nextFrame(fd),
    watch: (readable) => watchReadable(fd, { keepsAlive: false, readable }),
    close: closeOnce(fd),
  };
}

/** A socket that is none, or closed. All else is the world's: interfaces go down and away, memory runs short. */
function isOurFault(error: unknown): boolean {
  return !(error instanceof SystemError) || error.code === 'EBADF' || error.code === 'ENOTSOCK';
}

const scratch = Buffer.alloc(FRAME_BYTES_MAX);

function nextFrame(fd: Descriptor): Buffer | undefined {
  try {
    const length = receiveMessage(fd, scratch);
    return length === undefined ? undefined : Buffer.from(scratch.subarray(0, length));
  } catch (error) {
    if (isOurFault(error)) throw error;
    // The interface went down or away: told once by the kernel; nothing waits then.
    return undefined;
  }
}

/** Of protocol 0: nothing comes in before it is bound. */
function openPacketSocket(bufferOption: number, bufferBytes = BUFFER_BYTES): Descriptor {
  const fd = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: 0 });
  try {
    setSocketOption(fd, { level: SOL_SOCKET, name: bufferOption, value: bufferBytes });
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EPERM') {
      closeDescriptor(fd);
      throw error;
    }
  }
  return fd;
}

const BPF_LOAD_BYTE = 0x30;
const BPF_JUMP_EQUAL = 0x15;
const BPF_RETURN = 0x06;

/** Classic BPF: load and compare each byte, keep the frame if all are as wanted. */
export function matchProgram(match: readonly FrameByte[]): Buffer {
  const total = match.reduce((sum, { or }) => sum + (or === undefined ? 2 : 3), 2);
  const instructions: (readonly number[])[] = [];
  for (const { offset, value, or } of match) {
    instructions.push([BPF_LOAD_BYTE, 0, 0, offset]);
    // Equal: over the other comparison.
    if (or !== undefined) instructions.push([BPF_JUMP_EQUAL, 1, 0, value]);
    // Unequal: on to the last instruction.
    instructions.push([BPF_JUMP_EQUAL, 0, total - instructions.length - 2, or ?? value]);
  }
  instructions.push([BPF_RETURN, 0, 0, FRAME_BYTES_MAX], [BPF_RETURN, 0, 0, 0]);
  const program = Buffer.alloc(instructions.length * 8);
  for (const [at, [code = 0, ifTrue = 0, ifFalse = 0, k = 0]] of instructions.entries()) {
    program.writeUInt16LE(code, at * 8);
    program[at * 8 + 2] = ifTrue;
    program[at * 8 + 3] = ifFalse;
    program.writeUInt32LE(k, at * 8 + 4);
  }
  return program;
}

function packetAddress(interfaceIndex: number, ethertype: number): Buffer {
  const address = Buffer.alloc(SOCKET_ADDRESS_BYTES);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ethertype, 2);
  address.writeInt32LE(interfaceIndex, 4);
  return address;
}

function closeOnce(fd: Descriptor): () => void {
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    closeDescriptor(fd);
  };
}
