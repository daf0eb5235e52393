/**
 * The sockets probes leave by, one of each family. Opened by whoever starts the engine's thread and closed when that thread
 * is gone, for a thread that is ended, or dies, closes nothing that libuv does not know.
 */
import { freshToken } from '../platform/identity.ts';
import { closePingDescriptor, openPingDescriptor, type PingDescriptor } from '../platform/ping-socket.ts';

/** Or why there is none, for people. */
export type PingDoor = PingDescriptor | string;

export interface PingDoors {
  readonly v4: PingDoor;
  readonly v6: PingDoor;
}

/** Never throws. `localAddress`: source of what is sent in its family; absent: the kernel chooses. */
export function openPingDoors(localAddress?: string): PingDoors {
  return { v4: openDoor(4, localAddress), v6: openDoor(6, localAddress) };
}

/** Once, after the last use. */
export function closePingDoors(doors: PingDoors): void {
  for (const door of [doors.v4, doors.v6]) if (typeof door !== 'string') closePingDescriptor(door);
}

function openDoor(family: 4 | 6, localAddress: string | undefined): PingDoor {
  const fits = localAddress !== undefined && localAddress.includes(':') === (family === 6);
  try {
    const identifier = freshToken(2).readUInt16BE();
    return openPingDescriptor({ family, identifier, ...(fits ? { localAddress } : {}) });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
