/**
 * The service manager's notification socket (`man 3 sd_notify`): one datagram of `NAME=value` lines, over AF_UNIX, which
 * Node has no datagram door for. Sends from this very process, as the manager checks who speaks. Never waits.
 */
import {
  AF_UNIX,
  closeDescriptor,
  type Descriptor,
  openSocket,
  SOCK_DGRAM,
  SystemError,
  sendMessage,
} from './libc.ts';

/** `sun_path` (`man 7 unix`). */
const PATH_BYTES_MAX = 108;
/** Bytes of a value that people read; a manager cuts or drops what is very long. */
const VALUE_LENGTH_MAX = 512;

/** Names as the manual has them, in the order they are sent. */
export type Notice = Readonly<Record<string, string | number>>;

export interface NotifySocket {
  /** `undefined` when the kernel took it, else why not (no one listens, its queue is full). Never throws. */
  send(notice: Notice): string | undefined;
  close(): void;
}

/**
 * @param name as in `NOTIFY_SOCKET`: an absolute path, or `@` and an abstract name.
 * Throws an Error for a person when it is neither, or no socket can be had.
 */
export function openNotifySocket(name: string): NotifySocket {
  const address = unixAddress(name);
  const fd = openSocket({ domain: AF_UNIX, type: SOCK_DGRAM, protocol: 0 });
  let open = true;
  return {
    send: (notice) => (open ? send(fd, { address, data: encodeNotice(notice) }) : 'it is closed'),
    close() {
      if (!open) return;
      open = false;
      closeDescriptor(fd);
    },
  };
}

function send(fd: Descriptor, { address, data }: { address: Buffer; data: Buffer }): string | undefined {
  try {
    return sendMessage(fd, data, { address }) ? undefined : 'its queue is full';
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return error.message;
  }
}

/** A value is one line: what would end it becomes a space. */
export function encodeNotice(notice: Notice): Buffer {
  const lines = Object.entries(notice).map(([name, value]) => {
    const text = String(value).replace(/\p{Cc}+/gu, ' ');
    return `${name}=${text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX - 1)}…` : text}\n`;
  });
  return Buffer.from(lines.join(''), 'utf8');
}

/** `sockaddr_un`: a path ends with a zero byte; an abstract name begins with one, and is as long as the address is. */
export function unixAddress(name: string): Buffer {
  const abstract = name.startsWith('@');
  const text = Buffer.from(abstract ? name.slice(1) : name, 'utf8');
  if (!(abstract || name.startsWith('/')) || text.length === 0 || text.includes(0)) {
    throw new Error(`not a unix socket: ${JSON.stringify(name)}; an absolute path or @name is`);
  }
  if (text.length + 1 > PATH_BYTES_MAX) {
    throw new Error(
      `${JSON.stringify(name)} is too long for a unix socket: at most ${PATH_BYTES_MAX - 1} bytes`,
    );
  }
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  const zero = Buffer.alloc(1);
  return abstract ? Buffer.concat([family, zero, text]) : Buffer.concat([family, text, zero]);
}
