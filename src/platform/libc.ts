/**
 * The few libc calls Node has no door for: raw, packet and netlink sockets, boot time, network namespaces.
 * Synchronous and non-blocking; every failure is a {@link SystemError}. Decides nothing and keeps no state.
 *
 * Only integers and byte buffers cross into C, so that no struct layout has to be kept in step.
 */
import koffi from 'koffi';

/** A number the kernel gave us for an open file or socket; to be closed with {@link closeDescriptor}. */
export type Descriptor = number & { readonly __brand?: 'Descriptor' };

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;

export const SOL_SOCKET = 1;
export const SO_BINDTODEVICE = 25;
export const SO_REUSEADDR = 2;
export const SO_REUSEPORT = 15;
export const SO_ATTACH_FILTER = 26;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_RCVBUFFORCE = 33;
export const SO_SNDBUFFORCE = 32;

/** Node offers no constant for these two flags of `send` and `recv`. */
export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;

const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const CLONE_NEWNET = 0x40000000;
const SHUT_RDWR = 2;
const F_DUPFD_CLOEXEC = 1030;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_DUMPABLE = 4;
const CAPABILITY_VERSION_3 = 0x20080522;
const O_RDONLY_CLOEXEC = 0x80000;

// `null` asks for the symbols of the running program: glibc and musl alike.
const libc = koffi.load(null);
const c = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  connect: libc.func('int connect(int fd, const void *address, uint32_t length)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
  getsockname: libc.func('int getsockname(int fd, void *address, void *length)'),
  sendto: libc.func(
    'int64_t sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
  ),
  recvfrom: libc.func(
    'int64_t recvfrom(int fd, void *buffer, size_t length, int flags, void *address, void *addressLength)',
  ),
  close: libc.func('int close(int fd)'),
  fcntl: libc.func('int fcntl(int fd, int command, int value)'),
  open: libc.func('int open(const char *path, int flags)'),
  setns: libc.func('int setns(int fd, int kind)'),
  prctl: libc.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  ),
  capset: libc.func('int capset(const void *header, const void *data)'),
  setrlimit: libc.func('int setrlimit(int resource, const void *limit)'),
  shutdown: libc.func('int shutdown(int fd, int how)'),
  _exit: libc.func('void _exit(int code)'),
  clock_gettime: libc.func('int clock_gettime(int clock, void *time)'),
};

// EWOULDBLOCK is EAGAIN's second name on Linux: the first one stays.
const ERRNO_NAMES = new Map<number, string>(
  Object.entries(koffi.os.errno)
    .filter(([name]) => name !== 'EWOULDBLOCK')
    .map(([name, value]) => [value, name]),
);

/** `ENODEV` for 19; `E19` where the platform names none. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `E${errno}`;
}

/** A call the kernel refused. `code` is the errno's name, as in Node's own errors. */
export class SystemError extends Error {
  readonly call: string;
  readonly errno: number;
  readonly code: string;

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)} (errno ${errno})`);
    this.name = 'SystemError';
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi.errno());
  return result;
}

export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  /** In the byte order the family wants (packet sockets: network order). */
  readonly protocol: number;
}

/**
 * A new non-blocking, close-on-exec socket.
 * Throws `EPERM`/`EACCES` where a capability is missing.
 */
export function openSocket(kind: SocketKind): Descriptor {
  return check('socket', c.socket(kind.domain, kind.type | SOCK_NONBLOCK | SOCK_CLOEXEC, kind.protocol));
}

/** `address` is a whole `sockaddr_*` as bytes. */
export function bindSocket(fd: Descriptor, address: Uint8Array): void {
  check('bind', c.bind(fd, address, address.length));
}

/** Fixes the far end; datagram sockets then receive from it alone. */
export function connectSocket(fd: Descriptor, address: Uint8Array): void {
  check('connect', c.connect(fd, address, address.length));
}

export interface SocketOption {
  readonly level: number;
  readonly name: number;
  /** A number stands for a C `int`. */
  readonly value: number | Uint8Array;
}

export function setSocketOption(fd: Descriptor, option: SocketOption): void {
  const value = typeof option.value === 'number' ? intBytes(option.value) : option.value;
  check(
    `setsockopt ${option.level}/${option.name}`,
    c.setsockopt(fd, option.level, option.name, value, value.length),
  );
}

/**
 * A classic BPF program (`linux/filter.h`), 8 bytes an instruction: the kernel drops what it returns 0 for. As
 * `SO_ATTACH_REUSEPORT_CBPF` it returns which socket of those that share the port shall have it.
 */
export function attachFilter(fd: Descriptor, program: Buffer, option = SO_ATTACH_FILTER): void {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt16LE(program.length / 8, 0);
  descriptor.writeBigUInt64LE(koffi.address(program), 8);
  setSocketOption(fd, { level: SOL_SOCKET, name: option, value: descriptor });
}

/** The socket's own address, a whole `sockaddr_*` as bytes. */
export function socketAddress(fd: Descriptor): Buffer {
  const address = Buffer.alloc(128);
  const length = intBytes(address.length);
  check('getsockname', c.getsockname(fd, address, length));
  return address.subarray(0, Math.min(length.readUInt32LE(), address.length));
}

export interface SendOptions {
  readonly flags?: number;
  /** A whole `sockaddr_*` as bytes; absent on a connected socket. */
  readonly address?: Uint8Array;
}

/** Sends one message; `false` when the kernel's buffer is full (`EAGAIN`, `ENOBUFS`) and nothing was sent. */
export function sendMessage(fd: Descriptor, data: Uint8Array, options: SendOptions = {}): boolean {
  const address = options.address ?? null;
  for (;;) {
    const sent: number = c.sendto(fd, data, data.length, options.flags ?? 0, address, address?.length ?? 0);
    if (sent >= 0) return true;
    const errno = koffi.errno();
    const code = errnoName(errno);
    if (code === 'EINTR') continue;
    if (code === 'EAGAIN' || code === 'ENOBUFS') return false;
    throw new SystemError('sendto', errno);
  }
}

export interface ReceiveOptions {
  readonly flags?: number;
  /** Filled with the sender's `sockaddr_*`. */
  readonly address?: Uint8Array;
}

/**
 * Takes one waiting message into `buffer`; its length, or `undefined` when none waits.
 * With flag `MSG_TRUNC` the length may exceed the buffer: then the message was cut.
 */
export function receiveMessage(
  fd: Descriptor,
  buffer: Uint8Array,
  options: ReceiveOptions = {},
): number | undefined {
  const address = options.address ?? null;
  const length = address === null ? null : intBytes(address.length);
  for (;;) {
    const got: number = c.recvfrom(fd, buffer, buffer.length, options.flags ?? 0, address, length);
    if (got >= 0) return got;
    const errno = koffi.errno();
    const code = errnoName(errno);
    if (code === 'EINTR') continue;
    if (code === 'EAGAIN') return undefined;
    throw new SystemError('recvfrom', errno);
  }
}

/** `man 2 prctl`, PR_SET_DUMPABLE: what follows is in `core-dumps.ts`. */
export function forbidDumps(): void {
  check('prctl', c.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

/**
 * Takes all capabilities from the calling thread, and with them from what it starts as an ordinary user (`man 2 capset`, `man 7
 * capabilities`: the ambient ones go with the inheritable). The other threads keep theirs. There is no way back.
 */
export function dropCapabilities(): void {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION_3);
  check('capset', c.capset(header, Buffer.alloc(24)));
}

/** Soft and hard limit of a resource (`man 2 setrlimit`), for this process and its children. */
export function limitResource(resource: number, most: number): void {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(BigInt(most), 0);
  limit.writeBigUInt64LE(BigInt(most), 8);
  check('setrlimit', c.setrlimit(resource, limit));
}

export function closeDescriptor(fd: Descriptor): void {
  check('close', c.close(fd));
}

/** Both ways, whoever reads or waits there (`man 2 shutdown`); it stays open. Without an error where it is closed already. */
export function shutDownSocket(fd: Descriptor): void {
  c.shutdown(fd, SHUT_RDWR);
}

/** A second number for the same open file, to be closed by itself. */
export function duplicateDescriptor(fd: Descriptor): Descriptor {
  return check('fcntl', c.fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/** At once, whatever threads do (`man 2 _exit`): nothing is flushed, and nobody is told. */
export function endProcess(code: number): void {
  c._exit(code);
}

/** No program that is started from now on has it. */
export function closeOnExec(fd: Descriptor): void {
  check('fcntl', c.fcntl(fd, F_SETFD, FD_CLOEXEC));
}

/** Milliseconds on one of the kernel's clocks (`man 2 clock_gettime`). */
export function readClock(clock: number): number {
  check('clock_gettime', c.clock_gettime(clock, timespec));
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6;
}

/**
 * Runs `body` with this thread inside another network namespace (`/run/netns/x`, `/proc/<pid>/ns/net`), and returns
 * before any await could run elsewhere: sockets opened by `body` belong to that namespace for good.
 * For tests and the lab. Needs CAP_SYS_ADMIN.
 */
export function insideNetworkNamespace<T>(path: string, body: () => T): T {
  const home = openPath('/proc/thread-self/ns/net');
  try {
    const there = openPath(path);
    try {
      check(`setns ${path}`, c.setns(there, CLONE_NEWNET));
    } finally {
      closeDescriptor(there);
    }
    try {
      return body();
    } finally {
      check('setns home', c.setns(home, CLONE_NEWNET));
    }
  } finally {
    closeDescriptor(home);
  }
}

/** This thread is in another network namespace from here on; libuv's helpers and other threads are not. For tests. Needs CAP_SYS_ADMIN. */
export function enterNetworkNamespace(path: string): void {
  const there = openPath(path);
  try {
    check(`setns ${path}`, c.setns(there, CLONE_NEWNET));
  } finally {
    closeDescriptor(there);
  }
}

function openPath(path: string): Descriptor {
  return check(`open ${path}`, c.open(path, O_RDONLY_CLOEXEC));
}

const timespec = Buffer.alloc(16);

function intBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
