/**
 * A blocking wait for small processes that do one thing and must not be late: the lab's watcher and client.
 * Never for the agent, whose thread may not block.
 */
import koffi from 'koffi';
import { type Descriptor, SystemError } from './libc.ts';

const POLLIN = 1;
const POLL_ENTRY_BYTES = 8;

const ppoll = koffi
  .load(null)
  .func('int ppoll(void *fds, uint64_t count, const void *timeout, const void *mask)');

const timespec = Buffer.alloc(16);

/**
 * Sleeps until one of the descriptors can be read (or has hung up), at most `timeout` milliseconds (fractions count).
 * Returns those that are ready, in the order given; none after the timeout or a signal.
 */
export function waitReadable(descriptors: readonly Descriptor[], timeout: number): readonly Descriptor[] {
  const entries = Buffer.alloc(descriptors.length * POLL_ENTRY_BYTES);
  for (const [index, fd] of descriptors.entries()) {
    entries.writeInt32LE(fd, index * POLL_ENTRY_BYTES);
    entries.writeInt16LE(POLLIN, index * POLL_ENTRY_BYTES + 4);
  }
  const nanoseconds = BigInt(Math.max(0, Math.round(timeout * 1e6)));
  timespec.writeBigInt64LE(nanoseconds / 1_000_000_000n, 0);
  timespec.writeBigInt64LE(nanoseconds % 1_000_000_000n, 8);
  const count: number = ppoll(entries, descriptors.length, timespec, null);
  if (count < 0) {
    const errno = koffi.errno();
    if (errno === koffi.os.errno['EINTR']) return [];
    throw new SystemError('ppoll', errno);
  }
  return descriptors.filter((_, index) => entries.readInt16LE(index * POLL_ENTRY_BYTES + 6) !== 0);
}
