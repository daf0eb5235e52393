/**
 * Byte streams between two hosts: TCP, and over it TLS 1.3 with a pre-shared key (RFC 8446, 4.2.11) where there is a key.
 * Says how a stream ended in words one can act on. Knows nothing of what the bytes mean.
 */
import { constants, randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import { bpfProgram, PASS_ESTABLISHED, passShare, passSources } from './classic-bpf.ts';
import {
  AF_INET,
  AF_INET6,
  attachFilter,
  bindSocket,
  closeDescriptor,
  type Descriptor,
  openSocket,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  setSocketOption,
} from './libc.ts';
import { plainAddress } from './name-lookup.ts';
import { socketAddressBytes } from './socket-address.ts';

/** How long a stream we end may take to hand over what is queued. */
const END_WITHIN_MS = 500;
/** Of the TLS 1.3 suites the one whose hash fits a 32-byte key and that all processors of today do in hardware. */
const SUITE = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const;

export interface SharedKey {
  /** 32 bytes, the same at both ends. */
  readonly key: Uint8Array;
  /** Which group it opens, and which of that group's keys it is; the dialling end sends both in clear. */
  readonly group: string;
  readonly name: string;
}

/** Asked at every handshake, so that keys may change while we listen. The first one dials, all are accepted. */
export type SharedKeys = () => readonly [SharedKey, ...SharedKey[]];

export type StreamEndCode =
  /** We ended it. */
  | 'ours'
  /** The other end closed it. */
  | 'closed'
  | 'reset'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'wrong-key'
  /** The other end means another key than ours: another group. */
  | 'wrong-group'
  /** What came was no TLS. */
  | 'not-tls'
  | 'error';

export interface StreamEnd {
  readonly code: StreamEndCode;
  readonly text: string;
}

export interface StreamHandlers {
  /** Dialling only: the other kernel has answered. */
  readonly connected?: () => void;
  /** Both ends have proved that they know the key; from now on bytes may be written. */
  readonly ready: () => void;
  readonly data: (bytes: Buffer) => void;
  /** Called once; nothing comes after it. */
  readonly ended: (end: StreamEnd) => void;
}

export interface StreamSocket {
  readonly remoteAddress: string;
  /** Bytes written and not yet taken by the kernel. */
  readonly queuedBytes: number;
  /** 32 bytes that nobody but the two ends of this very stream knows (RFC 8446, 7.5); absent where there is no key or not yet a proof. */
  binding(): Buffer | undefined;
  write(bytes: Uint8Array): void;
  /** Writes between the two go out together. */
  cork(): void;
  uncork(): void;
  /** Hands over what is queued, then closes. Bounded: half a second. */
  end(): void;
  destroy(): void;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Source address; absent: the kernel chooses by route. */
  readonly localAddress?: string;
  readonly sharedKeys?: SharedKeys;
}

/** Dials at once; `ready` or `ended` tells how it went. Whoever calls bounds the time. */
export function dialStream(target: DialTarget, handlers: StreamHandlers): StreamSocket {
  const { host, port, localAddress, sharedKeys } = target;
  const raw = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }), noDelay: true });
  raw.once('connect', () => handlers.connected?.());
  if (sharedKeys === undefined) {
    raw.once('connect', handlers.ready);
    return doorOf(raw, { raw, remoteAddress: host, handlers });
  }
  const secured = connectTls({
    socket: raw,
    ...SUITE,
    pskCallback: () => {
      const [own] = sharedKeys();
      return { psk: Buffer.from(own.key), identity: `${own.group}-${own.name}` };
    },
    // Both ends prove the key; there is no certificate that could carry a name.
    checkServerIdentity: () => undefined,
  });
  secured.once('secureConnect', handlers.ready);
  return doorOf(secured, { raw, remoteAddress: host, handlers });
}

export interface ListenTarget {
  /** An address of this host, or a wildcard. */
  readonly host: string;
  readonly port: number;
  readonly sharedKeys?: SharedKeys;
}

/** Decides about one incoming connection before any byte of it is read: its handlers, or nothing to drop it. */
export type Admit = (remoteAddress: string, open: (handlers: StreamHandlers) => StreamSocket) => void;

export interface StreamListener {
  readonly port: number;
  /**
   * The kernel drops all but a share of the requests for new connections, at random, before we hear of them; not those from
   * the addresses given (IP literals). 0 < share ≤ 1; everything unless said. Open streams are not touched.
   */
  letThrough(share: number, exempt: readonly string[]): void;
  /** No new connections; those that are open stay. Resolves when the port is free. */
  close(): void;
}

/** Listens; rejects with Node's error (`EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`). */
export function listenStreams(target: ListenTarget, admit: Admit): Promise<StreamListener> {
  // A ticket would open a stream to whoever once had a key, after that key was removed.
  const context = createSecureContext({ ...SUITE, secureOptions: constants.SSL_OP_NO_TICKET });
  const server = createServer({ noDelay: true }, (raw) => {
    // Until somebody has looked at it a reset must not be an uncaught error.
    const ignore = (): void => undefined;
    raw.on('error', ignore);
    const remoteAddress = plainAddress(raw.remoteAddress ?? '');
    let taken = false;
    admit(remoteAddress, (handlers) => {
      taken = true;
      raw.off('error', ignore);
      return acceptStream(raw, { target, context, remoteAddress, handlers });
    });
    if (!taken) raw.resetAndDestroy();
  });
  return listening(server, target);
}

/** Exempt addresses beyond these are not: the kernel takes no program of more than 4,096 steps. */
const EXEMPT_MAX = 400;

async function listening(server: Server, target: ListenTarget): Promise<StreamListener> {
  const fd = boundSocket(target);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      server.off('error', reject);
      // Running out of file descriptors must not end the thread: the connection is lost, the next may do.
      server.on('error', () => undefined);
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : target.port,
        letThrough: (share, exempt) => {
          const addresses = exempt.filter((address) => !address.includes('%')).slice(0, EXEMPT_MAX);
          attachFilter(fd, bpfProgram([...PASS_ESTABLISHED, ...passSources(addresses), ...passShare(share)]));
        },
        close: () => void server.close(),
      });
    });
  });
}

/** A socket of our own, so that its descriptor is known. Throws with a `code` as Node does when it cannot be had. */
function boundSocket({ host, port }: ListenTarget): Descriptor {
  const domain = host.includes(':') ? AF_INET6 : AF_INET;
  const fd = openSocket({ domain, type: SOCK_STREAM, protocol: 0 });
  try {
    setSocketOption(fd, { level: SOL_SOCKET, name: SO_REUSEADDR, value: 1 });
    bindSocket(fd, socketAddressBytes(host, port));
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

interface Accepted {
  readonly target: ListenTarget;
  readonly context: ReturnType<typeof createSecureContext>;
  readonly remoteAddress: string;
  readonly handlers: StreamHandlers;
}

function acceptStream(raw: Socket, { target, context, remoteAddress, handlers }: Accepted): StreamSocket {
  const { sharedKeys } = target;
  if (sharedKeys === undefined) {
    queueMicrotask(handlers.ready);
    return doorOf(raw, { raw, remoteAddress, handlers });
  }
  let foreignIdentity = false;
  const options = {
    isServer: true,
    secureContext: context,
    ...SUITE,
    pskCallback: (_socket: TLSSocket, identity: string) => {
      const keys = sharedKeys();
      foreignIdentity = !identity.startsWith(`${keys[0].group}-`);
      if (foreignIdentity) return null;
      const meant = keys.find(({ group, name }) => identity === `${group}-${name}`);
      // One of ours with a key we do not have: what it proves fails against these bytes, and both ends say so.
      return meant === undefined ? randomBytes(32) : Buffer.from(meant.key);
    },
  };
  const secured = new TLSSocket(raw, options);
  secured.once('secure', handlers.ready);
  return doorOf(secured, {
    raw,
    remoteAddress,
    handlers: {
      ...handlers,
      ended: (end) => handlers.ended(foreignIdentity && end.code !== 'ours' ? FOREIGN_IDENTITY : end),
    },
  });
}

const FOREIGN_IDENTITY: StreamEnd = {
  code: 'wrong-group',
  text: 'it dialled us as a member of another cluster',
};

interface DoorParts {
  readonly raw: Socket;
  readonly remoteAddress: string;
  readonly handlers: StreamHandlers;
}

function doorOf(socket: Socket, { raw, remoteAddress, handlers }: DoorParts): StreamSocket {
  let ours = false;
  let failure: StreamEnd | undefined;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    handlers.ended(ours ? OURS : (failure ?? CLOSED));
  };
  socket.on('data', (bytes: Buffer) => {
    if (!ours) handlers.data(bytes);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= explain(error);
  });
  if (raw !== socket) raw.on('error', (error: NodeJS.ErrnoException) => (failure ??= explain(error)));
  socket.on('end', () => socket.destroy());
  socket.on('close', end);
  return {
    remoteAddress,
    binding: () => (socket instanceof TLSSocket ? bindingOf(socket) : undefined),
    get queuedBytes() {
      return socket.writableLength;
    },
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    cork: () => socket.cork(),
    uncork: () => socket.uncork(),
    end: () => {
      ours = true;
      socket.end();
      setTimeout(() => socket.destroy(), END_WITHIN_MS).unref();
    },
    destroy: () => {
      ours = true;
      socket.destroy();
      raw.destroy();
    },
  };
}

/** Throws nothing: before the handshake is complete there is none. */
function bindingOf(secured: TLSSocket): Buffer | undefined {
  try {
    return secured.exportKeyingMaterial(32, 'EXPORTER-wackamole-keys-1', Buffer.alloc(0));
  } catch {
    return undefined;
  }
}

const OURS: StreamEnd = { code: 'ours', text: 'we closed it' };
const CLOSED: StreamEnd = { code: 'closed', text: 'the other end closed the connection' };

const BY_CODE: Readonly<Record<string, StreamEnd>> = {
  ECONNRESET: { code: 'reset', text: 'the other end reset the connection' },
  EPIPE: { code: 'reset', text: 'the other end reset the connection' },
  ECONNREFUSED: { code: 'refused', text: 'nothing listens there (connection refused)' },
  EHOSTUNREACH: { code: 'unreachable', text: 'no route to the host, or it does not answer on the link' },
  ENETUNREACH: { code: 'unreachable', text: 'no route to its network' },
  ETIMEDOUT: { code: 'timeout', text: 'no answer from the host' },
  // Seen by the accepting end: the proof of the key is false.
  ERR_SSL_BINDER_DOES_NOT_VERIFY: { code: 'wrong-key', text: 'its cluster key is not ours' },
  // Seen by the dialling end, alert 51 and alert 40.
  ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR: {
    code: 'wrong-key',
    text: 'it refused our cluster key: the two keys differ',
  },
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': {
    code: 'wrong-group',
    text: 'it refused our cluster name: it is a member of another cluster',
  },
};

function explain(error: NodeJS.ErrnoException): StreamEnd {
  const code = error.code ?? '';
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (code.startsWith('ERR_SSL_')) {
    const detail = code.slice('ERR_SSL_'.length).toLowerCase().replaceAll('_', ' ');
    return {
      code: 'not-tls',
      text: `what came is not TLS as members with a cluster key speak it (${detail})`,
    };
  }
  return { code: 'error', text: error.message };
}
