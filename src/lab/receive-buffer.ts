/** A receive buffer that a burst does not overflow. */
import {
  type Descriptor,
  SO_RCVBUFFORCE,
  SOL_SOCKET,
  type SystemError,
  setSocketOption,
} from '../platform/libc.ts';

const SO_RCVBUF = 8;

/** As large as asked where we have rights over the machine; in a user namespace as large as the machine allows everybody. */
export function enlargeReceiveBuffer(socket: Descriptor, bytes: number): void {
  try {
    setSocketOption(socket, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value: bytes });
  } catch (error) {
    if ((error as SystemError).code !== 'EPERM') throw error;
    setSocketOption(socket, { level: SOL_SOCKET, name: SO_RCVBUF, value: bytes });
  }
}
