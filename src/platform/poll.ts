/**
 * Calls back when a descriptor can be read: libuv's own poll, reached through koffi.
 * The one place that uses koffi's poll door, whose shape its authors call unsettled.
 */
import koffi from 'koffi';
import type { Descriptor } from './libc.ts';

export interface Watch {
  /** Ends it; `readable` is not called again. To be called before the descriptor is closed. Idempotent. */
  close(): void;
}

export interface WatchOptions {
  /** Whether the watch keeps the process running; true unless said. */
  readonly keepsAlive?: boolean;
  readonly readable: () => void;
}

// A handle nobody refers to is garbage-collected and the watch silently ends: keep them here until closed.
const open = new Set<object>();

/**
 * Watches a non-blocking descriptor. Level-triggered: `readable` is called again until everything waiting has been read,
 * or until an error or hang-up was taken from the socket.
 *
 * `readable` runs in the check phase that follows the poll in the same turn of the loop, as an ordinary Node callback:
 * called straight from koffi's callback, an exception would vanish and end the watch, and promises would not go on.
 */
export function watchReadable(fd: Descriptor, options: WatchOptions): Watch {
  let called = false;
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    if (called) return;
    called = true;
    setImmediate(() => {
      called = false;
      if (open.has(handle)) options.readable();
    });
  });
  if (options.keepsAlive === false) handle.unref();
  return keep(handle);
}

/** Calls back once, when the other end of a stream socket is closed; what can be read wakes nobody. Does not keep the process running. */
export function watchHangUp(fd: Descriptor, hungUp: () => void): Watch {
  const handle = koffi.node.poll(fd, { disconnect: true }, () => {
    handle.stop();
    setImmediate(() => {
      if (open.has(handle)) hungUp();
    });
  });
  handle.unref();
  return keep(handle);
}

function keep(handle: ReturnType<typeof koffi.node.poll>): Watch {
  open.add(handle);
  return {
    close() {
      if (!open.delete(handle)) return;
      handle.stop();
      handle.close();
    },
  };
}
