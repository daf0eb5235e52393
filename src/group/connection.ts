/**
 * One connection between two transports, from the first byte to the last: handshake, frames, bounds and how it ended.
 * Decides nothing about the pair; the mesh does.
 */
import type { Instant } from '../model/time.ts';
import type { StreamEnd, StreamHandlers, StreamSocket } from '../platform/stream-socket.ts';
import { decodeHello, encodeHello, encodeReason, encodeRefusal, type Hello, type Refusal } from './hello.ts';
import {
  FIRST_FRAME_BYTES_MAX,
  FRAME_KIND,
  type FrameKindCode,
  FrameReader,
  frameBytes,
  STREAM_FRAME_BYTES_MAX,
  type StreamFrame,
} from './stream-frames.ts';

/** From the first packet to the other end's hello. */
export const HANDSHAKE_MS_MAX = 2000;
/** From the hello to the pair's decision which stream it uses; covers a check of an older stream. */
const DECISION_MS_MAX = 4000;
/** A peer that lets more than this wait cannot keep up. */
export const QUEUE_BYTES_MAX = 32 * 1024 * 1024;

export type ConnectionPhase = 'connecting' | 'securing' | 'greeted' | 'open' | 'closed';

export type ConnectionEndCode =
  | StreamEnd['code']
  /** What came is no frame, or not the one that was due. */
  | 'malformed'
  | 'handshake-timeout'
  | 'overflow';

export interface ConnectionEnd {
  readonly code: ConnectionEndCode;
  readonly text: string;
}

export interface ConnectionHandlers {
  /** The other end's hello is here (its content is not judged yet). */
  readonly greeted: (connection: Connection, hello: Hello) => void;
  /** Any frame after the hello. */
  readonly frame: (connection: Connection, frame: StreamFrame) => void;
  /** Called once. */
  readonly ended: (connection: Connection, end: ConnectionEnd) => void;
}

export interface ConnectionSettings {
  /** We dialled it. */
  readonly outgoing: boolean;
  /** The other end as we reach or see it, for people. */
  readonly address: string;
  readonly hello: Hello;
  /** Bound of connecting and TLS and hello together. */
  readonly connectWithin: number;
  readonly startedAt: Instant;
}

export class Connection {
  readonly settings: ConnectionSettings;
  readonly #handlers: ConnectionHandlers;
  readonly #reader = new FrameReader(FIRST_FRAME_BYTES_MAX);
  #socket: StreamSocket | undefined;
  #phase: ConnectionPhase = 'connecting';
  #deadline: NodeJS.Timeout | undefined;
  #ending: ConnectionEnd | undefined;
  #theirs: Hello | undefined;
  #corked = false;

  constructor(settings: ConnectionSettings, handlers: ConnectionHandlers) {
    this.settings = settings;
    this.#handlers = handlers;
  }

  get phase(): ConnectionPhase {
    return this.#phase;
  }

  /** The other end's hello, once it came. */
  get theirs(): Hello | undefined {
    return this.#theirs;
  }

  get remoteAddress(): string {
    return this.#socket?.remoteAddress ?? '';
  }

  /** Which end of the stream we are, and what only its two ends know (absent without a key, and before the handshake). */
  get ends(): { readonly dialled: boolean; readonly binding: Buffer | undefined } {
    return { dialled: this.settings.outgoing, binding: this.#socket?.binding() };
  }

  /** `open` starts the socket with the handlers it is given. */
  start(open: (handlers: StreamHandlers) => StreamSocket): void {
    this.#allow(this.settings.connectWithin, 'the host does not answer');
    this.#socket = open({
      connected: () => this.#securing(),
      ready: () => this.#ready(),
      data: (bytes) => this.#data(bytes),
      ended: (end) => this.#ended(end),
    });
  }

  send(kind: FrameKindCode, body?: Uint8Array): void {
    this.sendFramed(frameBytes(kind, body));
  }

  /** A whole frame, which nobody changes afterwards. */
  sendFramed(frame: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined || this.#phase === 'closed' || this.#ending !== undefined) return;
    if (!this.#corked) this.#cork(socket);
    socket.write(frame);
    if (socket.queuedBytes > QUEUE_BYTES_MAX) {
      this.#fail('overflow', `it takes too long to read: over ${QUEUE_BYTES_MAX >> 20} MiB wait for it`);
    }
  }

  /** The pair uses this one: no deadline any more. */
  opened(): void {
    clearTimeout(this.#deadline);
    this.#phase = 'open';
  }

  refuse(refusal: Refusal): void {
    this.send(FRAME_KIND.refuse, encodeRefusal(refusal));
    this.#socket?.end();
  }

  /** Says why, hands over what is queued, closes. */
  bye(reason: string): void {
    this.send(FRAME_KIND.bye, encodeReason(reason));
    this.#socket?.end();
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  /** Ends it for the other end's fault. */
  reject(text: string): void {
    this.#fail('malformed', text);
  }

  /** Frames written in one turn of the loop leave in one packet. */
  #cork(socket: StreamSocket): void {
    this.#corked = true;
    socket.cork();
    queueMicrotask(() => {
      this.#corked = false;
      socket.uncork();
    });
  }

  #securing(): void {
    if (this.#phase !== 'connecting') return;
    this.#phase = 'securing';
    this.#allow(HANDSHAKE_MS_MAX, 'the host answers, but no member says hello there');
  }

  #ready(): void {
    this.#securing();
    this.send(FRAME_KIND.hello, encodeHello(this.settings.hello));
  }

  #data(bytes: Buffer): void {
    this.#reader.push(bytes);
    while (this.#phase !== 'closed' && this.#ending === undefined) {
      const result = this.#reader.next();
      if (result.kind === 'wait') return;
      if (result.kind === 'malformed') return this.#fail('malformed', result.error);
      this.#frame(result.frame);
    }
  }

  #frame(frame: StreamFrame): void {
    if (this.#theirs !== undefined) return this.#handlers.frame(this, frame);
    if (frame.kind !== FRAME_KIND.hello)
      return this.#fail('malformed', `frame ${frame.kind} before the hello`);
    const hello = decodeHello(frame.body);
    if (!hello.ok) return this.#fail('malformed', hello.error);
    this.#theirs = hello.value;
    this.#phase = 'greeted';
    this.#reader.raiseLimit(STREAM_FRAME_BYTES_MAX);
    this.#allow(DECISION_MS_MAX, 'the pair did not agree on a stream in time');
    this.#handlers.greeted(this, hello.value);
  }

  #allow(within: number, otherwise: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#fail('handshake-timeout', otherwise), within);
  }

  #fail(code: ConnectionEndCode, text: string): void {
    this.#ending ??= { code, text };
    this.#socket?.destroy();
  }

  #ended(end: StreamEnd): void {
    clearTimeout(this.#deadline);
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#handlers.ended(this, this.#ending ?? end);
  }
}
