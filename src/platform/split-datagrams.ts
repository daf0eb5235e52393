/**
 * Two datagram sockets on one address and port: datagrams the kernel is told to prefer have a queue of their own (socket(7),
 * SO_ATTACH_REUSEPORT_CBPF), so that a flood of others cannot push them out; and of the others the kernel can be told to let
 * only a share through. The queue is read when somebody asks for it, and wakes nobody. Where the kernel knows none of this
 * there is one socket, and nobody is preferred.
 */
import { createSocket } from 'node:dgram';
import { bpfProgram, JUMP_IF_EQUAL, LOAD, passShare, RETURN, type Step } from './classic-bpf.ts';
import {
  type DatagramEndpoint,
  type DatagramHandlers,
  type DatagramSocket,
  openDatagramSocket,
  wrapDatagramSocket,
} from './datagram-socket.ts';
import {
  AF_INET,
  AF_INET6,
  attachFilter,
  bindSocket,
  closeDescriptor,
  type Descriptor,
  openSocket,
  receiveMessage,
  SO_ATTACH_REUSEPORT_CBPF,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOL_SOCKET,
  sendMessage,
  setSocketOption,
  socketAddress,
} from './libc.ts';
import { socketAddressBytes } from './socket-address.ts';

const OPEN = 0;
const PREFERRED = 1;

/** Bytes at a place of the datagram, as a number (big endian). */
export interface Sample {
  readonly at: number;
  readonly bytes: 1 | 2 | 4;
  readonly is: number;
}

/** Preferred is what has all of `fixed`, and at `mark.at` one of the marks, four bytes each. */
export interface Preference {
  readonly fixed: readonly Sample[];
  readonly mark: { readonly at: number; readonly values: readonly number[] };
}

export interface SplitDatagrams extends DatagramSocket {
  /** From now on; replaces what was said before. */
  prefer(preference: Preference): void;
  /** The kernel drops the rest of what is not preferred, at random. 0 < share ≤ 1; everything unless said. */
  letThrough(share: number): void;
  /** Hands over what waits in the queue of the preferred. */
  readPreferred(): void;
}

export interface SplitEndpoint extends DatagramEndpoint {
  /** Where the preferred shall wait; absent: there is one socket. Stays the caller's. */
  readonly queue?: Descriptor;
}

export interface SplitHandlers extends DatagramHandlers {
  /** From within `readPreferred`. */
  readonly preferred: (bytes: Buffer) => void;
}

/** Longer ones are cut; what we prefer is shorter. */
const PREFERRED_BYTES_MAX = 2048;
/** Read at once, so that nobody can hold the thread. */
const PREFERRED_AT_ONCE_MAX = 512;

/**
 * A socket for the preferred, not bound yet, for an address of this kind. It belongs to the process: a thread that is ended
 * by force would not close it, so whoever starts the thread opens it and closes it (`closeDescriptor`) afterwards.
 */
export function openDatagramQueue(host: string): Descriptor {
  return openSocket({ domain: domainOf(host), type: SOCK_DGRAM, protocol: 0 });
}

function domainOf(host: string): number {
  return host.includes(':') ? AF_INET6 : AF_INET;
}

/** Binds; rejects with an error that has a `code`, as `openDatagramSocket` does. */
export async function openSplitDatagrams(
  local: SplitEndpoint,
  handlers: SplitHandlers,
): Promise<SplitDatagrams> {
  const { host, queue } = local;
  const fd = queue === undefined ? undefined : openBeside(queue, local);
  if (queue === undefined || fd === undefined) return unsplit(await openDatagramSocket(local, handlers));
  // Not `isIPv6`: its pattern takes 10 ms to compile, in the middle of a start.
  const type = host.includes(':') ? 'udp6' : 'udp4';
  const socket = await wrapDatagramSocket(createSocket({ type }), fd, handlers);
  const buffer = Buffer.alloc(PREFERRED_BYTES_MAX);
  let open = true;
  return {
    port: socket.port,
    send: (bytes, to) => {
      if (open) sendFrom(fd, { bytes, to, mapped: type === 'udp6' }, handlers);
    },
    prefer: (preference) => attachFilter(fd, preferring(preference), SO_ATTACH_REUSEPORT_CBPF),
    letThrough: (share) => attachFilter(fd, bpfProgram(passShare(share))),
    readPreferred: () => {
      if (open) readAll(queue, buffer, handlers);
    },
    close: () => {
      open = false;
      socket.close();
    },
  };
}

interface Sending {
  readonly bytes: Uint8Array;
  readonly to: DatagramEndpoint;
  /** The socket takes IPv4 addresses in their mapped form only. */
  readonly mapped: boolean;
}

/** One system call, and done: what Node's own socket does around it costs an idle agent more than the datagram. */
function sendFrom(fd: Descriptor, { bytes, to, mapped }: Sending, handlers: DatagramHandlers): void {
  const host = mapped && !to.host.includes(':') ? `::ffff:${to.host}` : to.host;
  try {
    sendMessage(fd, bytes, { address: socketAddressBytes(host, to.port) });
  } catch (error) {
    handlers.failed(error as NodeJS.ErrnoException);
  }
}

function readAll(queue: Descriptor, buffer: Buffer, handlers: SplitHandlers): void {
  for (let count = 0; count < PREFERRED_AT_ONCE_MAX; count += 1) {
    let length: number | undefined;
    try {
      length = receiveMessage(queue, buffer);
    } catch (error) {
      return handlers.failed(error as NodeJS.ErrnoException);
    }
    if (length === undefined) return;
    handlers.preferred(Buffer.from(buffer.subarray(0, length)));
  }
}

/** The open socket's descriptor, bound before the queue's: the kernel numbers them in this order. Absent: it knows no split. */
function openBeside(queue: Descriptor, local: DatagramEndpoint): Descriptor | undefined {
  const open = openDatagramQueue(local.host);
  const bind = (fd: Descriptor, port: number): void => {
    setSocketOption(fd, { level: SOL_SOCKET, name: SO_REUSEPORT, value: 1 });
    bindSocket(fd, socketAddressBytes(local.host, port));
  };
  try {
    bind(open, local.port);
    // `sa_data` begins with the port in both families.
    bind(queue, socketAddress(open).readUInt16BE(2));
    attachFilter(open, bpfProgram([[RETURN, 0, 0, OPEN]]), SO_ATTACH_REUSEPORT_CBPF);
    return open;
  } catch (error) {
    closeDescriptor(open);
    if ((error as NodeJS.ErrnoException).code === 'ENOPROTOOPT') return undefined;
    throw error;
  }
}

function unsplit(socket: DatagramSocket): SplitDatagrams {
  return { ...socket, prefer: () => undefined, letThrough: () => undefined, readPreferred: () => undefined };
}

/** The program sees the datagram without its headers; reading beyond its end is 0, the open socket. */
function preferring({ fixed, mark }: Preference): Buffer {
  const otherwise: Step = [RETURN, 0, 0, OPEN];
  const steps: Step[] = fixed.flatMap(({ at, bytes, is }): Step[] => [
    [LOAD[bytes], 0, 0, at],
    [JUMP_IF_EQUAL, 1, 0, is],
    otherwise,
  ]);
  const marks = mark.values.flatMap((value): Step[] => [
    [JUMP_IF_EQUAL, 0, 1, value],
    [RETURN, 0, 0, PREFERRED],
  ]);
  return bpfProgram([...steps, [LOAD[4], 0, 0, mark.at], ...marks, otherwise]);
}
