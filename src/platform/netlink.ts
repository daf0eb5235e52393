/**
 * The door to rtnetlink: requests that are answered before the call returns, and notices as they come.
 * The kernel works a request off inside `sendto`, so nothing here ever blocks. Knows nothing of VIPs.
 */
import {
  AF_NETLINK,
  bindSocket,
  closeDescriptor,
  type Descriptor,
  openSocket,
  receiveMessage,
  SO_RCVBUFFORCE,
  SOCK_RAW,
  SOL_SOCKET,
  SystemError,
  sendMessage,
  setSocketOption,
} from './libc.ts';
import {
  acknowledgedErrno,
  decodeMessages,
  type NetlinkMessage,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  stampSequence,
} from './netlink-codec.ts';
import { type Watch, watchReadable } from './poll.ts';
import {
  decodeRouteNotice,
  encodeAddressDump,
  encodeLinkDump,
  type InterfaceAddress,
  type Link,
  type RouteNotice,
} from './rtnetlink-codec.ts';

const NETLINK_ROUTE = 0;
const GROUP_LINK = 0x1;
const GROUP_IPV4_ADDRESS = 0x10;
const GROUP_IPV6_ADDRESS = 0x100;

/** Acknowledgements of one send must fit the receive buffer: 200 do with the kernel's default, which we also raise. */
const CHUNK_MESSAGES_MAX = 200;
const RECEIVE_BUFFER_BYTES = 4 << 20;
const DATAGRAM_BYTES_MAX = 256 << 10;
const DUMP_ATTEMPTS_MAX = 8;
const READS_PER_WAKE_MAX = 4096;

/** Requests and dumps. Every method is synchronous; 1,000 changes take about 10 ms. */
export interface RouteRequests {
  /** The errno of each message, 0 for done, in their order. Throws SystemError when the socket itself fails. */
  request(messages: readonly Buffer[]): number[];
  /** The kernel's one answer to a question that is no dump, or the errno with which it refused. Throws as `request`. */
  ask(question: Buffer): NetlinkMessage | number;
  /**
   * Hands over what a dump brings, one by one, until `each` says `false`; then this socket is to be closed, since the kernel goes on.
   * `torn`: the list changed under the reader and may lack entries. Throws as `request`.
   */
  dump(question: Buffer, each: (message: NetlinkMessage) => boolean): 'whole' | 'torn';
  links(): Link[];
  addresses(): InterfaceAddress[];
  close(): void;
}

export function openRouteRequests(): RouteRequests {
  return new RouteRequestSocket(openRouteSocket(0));
}

export interface RouteWatchOptions {
  readonly notices: (notices: readonly RouteNotice[]) => void;
  /** Notices were dropped (we were too slow): everything known has to be asked for again. */
  readonly overrun: () => void;
}

/** Hears of every change of a link or address from now on. Does not keep the process running. */
export function watchRoutes(options: RouteWatchOptions): Watch {
  const fd = openRouteSocket(GROUP_LINK | GROUP_IPV4_ADDRESS | GROUP_IPV6_ADDRESS);
  const watch = watchReadable(fd, { keepsAlive: false, readable: () => deliver(fd, options) });
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      watch.close();
      closeDescriptor(fd);
    },
  };
}

function deliver(fd: Descriptor, options: RouteWatchOptions): void {
  const notices: RouteNotice[] = [];
  let overrun = false;
  for (let reads = 0; reads < READS_PER_WAKE_MAX; reads++) {
    try {
      const messages = receive(fd);
      if (messages === undefined) break;
      for (const message of messages) {
        const notice = decodeRouteNotice(message);
        if (notice !== undefined) notices.push(notice);
      }
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== 'ENOBUFS') throw error;
      overrun = true;
    }
  }
  if (notices.length > 0) options.notices(notices);
  if (overrun) options.overrun();
}

class RouteRequestSocket implements RouteRequests {
  readonly #fd: Descriptor;
  #sequence = 0;
  #open = true;

  constructor(fd: Descriptor) {
    this.#fd = fd;
  }

  request(messages: readonly Buffer[]): number[] {
    const errnos: number[] = [];
    for (let at = 0; at < messages.length; at += CHUNK_MESSAGES_MAX) {
      errnos.push(...this.#requestChunk(messages.slice(at, at + CHUNK_MESSAGES_MAX)));
    }
    return errnos;
  }

  ask(question: Buffer): NetlinkMessage | number {
    const sequence = this.#take(1);
    stampSequence(question, sequence);
    this.#send(question);
    for (;;) {
      const messages = receive(this.#fd);
      if (messages === undefined) throw new SystemError('netlink answer', 11);
      const answer = messages.find((message) => message.sequence === sequence);
      if (answer !== undefined) return acknowledgedErrno(answer) ?? answer;
    }
  }

  links(): Link[] {
    return this.#dump(encodeLinkDump()).flatMap((notice) => (notice.kind === 'link' ? [notice.link] : []));
  }

  addresses(): InterfaceAddress[] {
    return this.#dump(encodeAddressDump()).flatMap((notice) =>
      notice.kind === 'address' ? [notice.address] : [],
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeDescriptor(this.#fd);
  }

  #requestChunk(messages: readonly Buffer[]): number[] {
    const first = this.#take(messages.length);
    for (const [at, message] of messages.entries()) stampSequence(message, first + at);
    this.#send(Buffer.concat(messages));
    const errnos = new Array<number>(messages.length).fill(-1);
    let waiting = messages.length;
    while (waiting > 0) {
      const answers = receive(this.#fd);
      if (answers === undefined) throw new SystemError('netlink acknowledgement', 11);
      for (const answer of answers) {
        const at = answer.sequence - first;
        const errno = acknowledgedErrno(answer);
        if (errno === undefined || errnos[at] !== -1) continue;
        errnos[at] = errno;
        waiting--;
      }
    }
    return errnos;
  }

  dump(question: Buffer, each: (message: NetlinkMessage) => boolean): 'whole' | 'torn' {
    const sequence = this.#take(1);
    stampSequence(question, sequence);
    this.#send(question);
    let result: 'whole' | 'torn' = 'whole';
    for (;;) {
      const messages = receive(this.#fd);
      if (messages === undefined) throw new SystemError('netlink dump', 11);
      for (const message of messages) {
        if (message.sequence !== sequence) continue;
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) result = 'torn';
        if (message.type === NLMSG_DONE) return result;
        const errno = acknowledgedErrno(message);
        if (errno !== undefined) throw new SystemError('netlink dump', errno);
        if (!each(message)) return result;
      }
    }
  }

  #dump(request: Buffer): RouteNotice[] {
    for (let attempt = 1; ; attempt++) {
      const { notices, torn } = this.#dumpOnce(request);
      // A list that changed under the reader may lack entries; after some tries it is the best there is.
      if (!torn || attempt === DUMP_ATTEMPTS_MAX) return notices;
    }
  }

  #dumpOnce(request: Buffer): { notices: RouteNotice[]; torn: boolean } {
    const notices: RouteNotice[] = [];
    const result = this.dump(request, (message) => {
      const notice = decodeRouteNotice(message);
      if (notice !== undefined) notices.push(notice);
      return true;
    });
    return { notices, torn: result === 'torn' };
  }

  /** The first of `count` unused sequence numbers; never 0, which notices carry. */
  #take(count: number): number {
    if (this.#sequence + count > 0xfffffff0) this.#sequence = 0;
    const first = this.#sequence + 1;
    this.#sequence += count;
    return first;
  }

  #send(datagram: Buffer): void {
    if (!sendMessage(this.#fd, datagram)) throw new SystemError('netlink send', 105);
  }
}

function openRouteSocket(groups: number): Descriptor {
  const fd = openSocket({ domain: AF_NETLINK, type: SOCK_RAW, protocol: NETLINK_ROUTE });
  try {
    raiseReceiveBuffer(fd);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups, 8);
    bindSocket(fd, address);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function raiseReceiveBuffer(fd: Descriptor): void {
  try {
    setSocketOption(fd, { level: SOL_SOCKET, name: SO_RCVBUFFORCE, value: RECEIVE_BUFFER_BYTES });
  } catch (error) {
    // Without CAP_NET_ADMIN (a rehearsal by an ordinary user) the default has to do.
    if (!(error instanceof SystemError) || error.code !== 'EPERM') throw error;
  }
}

const scratch = Buffer.alloc(DATAGRAM_BYTES_MAX);

/** The messages of the next datagram, or `undefined` when none waits. Copied out: the scratch buffer is used again. */
function receive(fd: Descriptor): NetlinkMessage[] | undefined {
  const length = receiveMessage(fd, scratch);
  if (length === undefined) return undefined;
  return decodeMessages(Buffer.from(scratch.subarray(0, length)));
}
