/** When the kernel took the frame that was read last from a packet socket: `ioctl(2)` with SIOCGSTAMPNS of `man 7 socket`. */
import koffi from 'koffi';
import type { Descriptor } from '../../src/platform/libc.ts';

const SIOCGSTAMPNS = 0x8907;
const ioctl = koffi.load(null).func('int ioctl(int fd, unsigned long request, void *time)');
const time = Buffer.alloc(16);

/** Milliseconds since 1970; undefined while nothing was read. */
export function readStamp(fd: Descriptor): number | undefined {
  if (ioctl(fd, SIOCGSTAMPNS, time) !== 0) return undefined;
  return Number(time.readBigInt64LE(0)) * 1000 + Number(time.readBigInt64LE(8)) / 1e6;
}
