/** Memberships in IPv6 groups, so that what is sent to them reaches this host's packet sockets. Receives nothing itself. */
import {
  AF_INET6,
  closeDescriptor,
  type Descriptor,
  IPPROTO_IPV6,
  openSocket,
  SOCK_DGRAM,
  SystemError,
  setSocketOption,
} from './libc.ts';

/** `man 7 ipv6`; Node has a door for it only on a bound socket. */
const IPV6_ADD_MEMBERSHIP = 20;
const MEMBERSHIP_BYTES = 20;
/** The memory of one socket's options is full: the next socket takes the rest. */
const SOCKET_IS_FULL: ReadonlySet<string> = new Set(['ENOBUFS', 'ENOMEM']);

/** What one asker has joined. The kernel tells switches that listen for it (MLD), and the network card. */
export class MulticastGroups {
  readonly #sockets: Descriptor[] = [];
  readonly #joined = new Set<string>();

  /**
   * Joins once; `false` where the kernel refuses (no IPv6 on the interface, no descriptors left): then groups may still
   * be heard, but nothing makes sure of it.
   * @param group 16 bytes
   */
  join(group: Uint8Array, interfaceIndex: number): boolean {
    const key = `${interfaceIndex} ${Buffer.from(group).toString('hex')}`;
    if (this.#joined.has(key)) return true;
    const membership = Buffer.alloc(MEMBERSHIP_BYTES);
    membership.set(group);
    membership.writeInt32LE(interfaceIndex, 16);
    try {
      this.#add(membership);
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
    this.#joined.add(key);
    return true;
  }

  /** Leaves them all. */
  close(): void {
    for (const socket of this.#sockets.splice(0)) closeDescriptor(socket);
    this.#joined.clear();
  }

  #add(membership: Uint8Array): void {
    const option = { level: IPPROTO_IPV6, name: IPV6_ADD_MEMBERSHIP, value: membership };
    const last = this.#sockets.at(-1);
    try {
      return setSocketOption(last ?? this.#another(), option);
    } catch (error) {
      const full = error instanceof SystemError && SOCKET_IS_FULL.has(error.code);
      if (!full || last === undefined) throw error;
    }
    setSocketOption(this.#another(), option);
  }

  #another(): Descriptor {
    const socket = openSocket({ domain: AF_INET6, type: SOCK_DGRAM, protocol: 0 });
    this.#sockets.push(socket);
    return socket;
  }
}
