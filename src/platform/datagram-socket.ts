/** UDP sockets, with and without multicast. Sends and receives bytes; knows nothing of what they mean. */
import { createSocket, type Socket } from 'node:dgram';

export interface DatagramEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface DatagramSocket {
  readonly port: number;
  /** Never throws; `failed` is told what went wrong. `host` is an IP literal of the socket's family. */
  send(bytes: Uint8Array, to: DatagramEndpoint): void;
  close(): void;
}

export interface DatagramHandlers {
  readonly datagram: (bytes: Buffer, from: DatagramEndpoint) => void;
  /** A send that failed, or an error of the socket after it was bound. */
  readonly failed: (error: NodeJS.ErrnoException) => void;
}

/** Binds; rejects with Node's error (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`). */
export async function openDatagramSocket(
  local: DatagramEndpoint,
  handlers: DatagramHandlers,
): Promise<DatagramSocket> {
  const socket = createSocket({ type: local.host.includes(':') ? 'udp6' : 'udp4' });
  await bound(socket, local);
  listen(socket, handlers);
  return doorOf(socket, handlers);
}

/** Takes over a bound descriptor, which is closed with the socket. */
export async function wrapDatagramSocket(
  socket: Socket,
  fd: number,
  handlers: DatagramHandlers,
): Promise<DatagramSocket> {
  await new Promise<void>((resolve) => {
    socket.bind({ fd }, resolve);
  });
  listen(socket, handlers);
  return doorOf(socket, handlers);
}

export interface MulticastGroup {
  readonly group: string;
  readonly port: number;
  /** IPv4: an address of the interface. IPv6: `::%eth0`. */
  readonly interface: string;
}

/** A socket that hears a multicast group on one interface; several on one host may. Rejects as `openDatagramSocket`. */
export async function openMulticastListener(
  group: MulticastGroup,
  handlers: DatagramHandlers,
): Promise<DatagramSocket> {
  const socket = createSocket({ type: group.group.includes(':') ? 'udp6' : 'udp4', reuseAddr: true });
  await bound(socket, { host: group.group, port: group.port });
  try {
    socket.addMembership(group.group, group.interface);
  } catch (error) {
    socket.close();
    throw error;
  }
  listen(socket, handlers);
  return doorOf(socket, handlers);
}

/** A socket whose multicasts leave by one interface and go no further than its link (TTL 1). */
export async function openMulticastSender(
  group: MulticastGroup,
  handlers: DatagramHandlers,
): Promise<DatagramSocket> {
  const v6 = group.group.includes(':');
  const socket = createSocket({ type: v6 ? 'udp6' : 'udp4' });
  await bound(socket, { host: v6 ? '::' : group.interface, port: 0 });
  try {
    socket.setMulticastInterface(group.interface);
    socket.setMulticastTTL(1);
    socket.setMulticastLoopback(true);
  } catch (error) {
    socket.close();
    throw error;
  }
  listen(socket, handlers);
  return doorOf(socket, handlers);
}

function bound(socket: Socket, local: DatagramEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: local.host, port: local.port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
}

function listen(socket: Socket, handlers: DatagramHandlers): void {
  socket.on('message', (bytes, from) => handlers.datagram(bytes, { host: from.address, port: from.port }));
  socket.on('error', handlers.failed);
}

function doorOf(socket: Socket, handlers: DatagramHandlers): DatagramSocket {
  let open = true;
  // A socket for both families takes IPv4 addresses in their mapped form only.
  const dual = socket.address().family === 'IPv6';
  const done = (error: Error | null): void => {
    if (error !== null && open) handlers.failed(error);
  };
  return {
    port: socket.address().port,
    send: (bytes, to) => {
      if (open)
        socket.send(bytes, to.port, dual && !to.host.includes(':') ? `::ffff:${to.host}` : to.host, done);
    },
    close: () => {
      if (!open) return;
      open = false;
      socket.close();
    },
  };
}
