/** A service manager's end of the notification socket: a real unix datagram socket that hears whoever knows its name. */
import {
  AF_UNIX,
  bindSocket,
  closeDescriptor,
  openSocket,
  receiveMessage,
  SOCK_DGRAM,
} from '../../../src/platform/libc.ts';
import { unixAddress } from '../../../src/platform/notify-socket.ts';
import { watchReadable } from '../../../src/platform/poll.ts';

/** What one datagram said, by name. */
export type Heard = Readonly<Record<string, string>>;

export interface NotifyListener {
  readonly heard: readonly Heard[];
  close(): void;
}

/** Binds the name as `NOTIFY_SOCKET` has it; `told` hears each datagram as it comes. */
export function listenToNotices(name: string, told: (notice: Heard) => void = () => {}): NotifyListener {
  const fd = openSocket({ domain: AF_UNIX, type: SOCK_DGRAM, protocol: 0 });
  bindSocket(fd, unixAddress(name));
  const heard: Heard[] = [];
  const buffer = Buffer.alloc(4096);
  const watch = watchReadable(fd, {
    keepsAlive: false,
    readable() {
      for (
        let length = receiveMessage(fd, buffer);
        length !== undefined;
        length = receiveMessage(fd, buffer)
      ) {
        const notice = parse(buffer.toString('utf8', 0, length));
        heard.push(notice);
        told(notice);
      }
    },
  });
  return {
    heard,
    close() {
      watch.close();
      closeDescriptor(fd);
    },
  };
}

function parse(text: string): Heard {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
