/** Asks other hosts' kernels whether they are there: keeps what was asked with which secret, and matches the answers. */
import type { MemberId } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import { freshToken } from '../platform/identity.ts';
import { type EchoReply, type PingSocket, pingSocketOver } from '../platform/ping-socket.ts';
import type { Counters } from './counters.ts';
import type { PingDoor, PingDoors } from './ping-doors.ts';

const NONCE_BYTES = 8;
const SEQUENCES = 1 << 16;
/** Questions kept; older ones are answered too late for anybody to care. */
const ASKED_MAX = 4096;
const POOL_BYTES = 4096;
/**
 * Where a first answer is awaited, or the last one is missing, answers are fetched so long after asking, then after twice
 * that, and so on up to the last. A member that answers as always is looked at when the next question goes out: each wake-up
 * of an idle process costs more than the question.
 */
const FETCH_FIRST_MS = 1;
const FETCH_LAST_MS = 64;
/** What was read so lately need not be read again: the questions of one round follow each other. */
const READ_LATELY_MS = 2;

interface Asked {
  readonly member: MemberId;
  readonly probe: number;
  readonly nonce: Buffer;
}

export interface ProberCollaborators {
  readonly counters: Counters;
  readonly clock: () => Instant;
  readonly answered: (member: MemberId, probe: number) => void;
}

export class Prober {
  readonly #counters: Counters;
  readonly #clock: () => Instant;
  readonly #answered: (member: MemberId, probe: number) => void;
  readonly #asked = new Map<number, Asked>();
  readonly #sockets: { readonly [family in keyof PingDoors]: PingSocket | string };
  #pool: Buffer = Buffer.alloc(0);
  #sequence = 0;
  /** Those that something was ever asked on: each look at a socket costs a system call. */
  readonly #used = new Set<PingSocket>();
  #readAt: Instant = Number.NEGATIVE_INFINITY;
  #fetching: NodeJS.Timeout | undefined;
  /** Asked lately, not answered yet, and worth a wake-up. */
  readonly #awaited = new Set<number>();
  /** The latest question to each member that is open. */
  readonly #open = new Map<MemberId, number>();
  /** Members whose last question was answered. */
  readonly #steady = new Set<MemberId>();

  /** The doors stay open when it stops: whoever opened them closes them. */
  constructor(doors: PingDoors, collaborators: ProberCollaborators) {
    const socketOver = (door: PingDoor): PingSocket | string =>
      typeof door === 'string' ? door : pingSocketOver(door, (reply) => this.#reply(reply));
    this.#sockets = { v4: socketOver(doors.v4), v6: socketOver(doors.v6) };
    this.#counters = collaborators.counters;
    this.#clock = collaborators.clock;
    this.#answered = collaborators.answered;
  }

  /** Why no probe to this address is possible; absent when one is. */
  unavailable(address: string): string | undefined {
    const socket = this.#socket(address);
    return typeof socket === 'string' ? socket : undefined;
  }

  /** Asks at every one of the addresses (IP literals); one answer is enough. */
  ask(member: MemberId, probe: number, addresses: readonly string[]): void {
    if (this.#open.has(member) && this.#clock() - this.#readAt > READ_LATELY_MS) this.drain();
    if (this.#open.has(member)) this.#steady.delete(member);
    this.#open.set(member, probe);
    for (const address of addresses) this.#askAt(address, member, probe);
    if (this.#awaited.size > 0) this.#fetchAfter(FETCH_FIRST_MS);
  }

  /** Hands over all answers that wait, so that no deadline is judged before them. */
  drain(): void {
    this.#readAt = this.#clock();
    for (const socket of this.#used) socket.drain();
  }

  /** Its stream is gone. */
  forget(member: MemberId): void {
    this.#open.delete(member);
    this.#steady.delete(member);
  }

  stop(): void {
    clearTimeout(this.#fetching);
    this.#awaited.clear();
    this.#open.clear();
    this.#steady.clear();
  }

  /** On a link answers are there within a millisecond; a far host's are noted later than they came by no more than half. */
  #fetchAfter(delay: number): void {
    clearTimeout(this.#fetching);
    this.#fetching = setTimeout(() => {
      this.#fetching = undefined;
      this.drain();
      if (this.#awaited.size === 0) return;
      if (delay < FETCH_LAST_MS) this.#fetchAfter(2 * delay);
      // The silent are left to `drain` before each deadline.
      else this.#awaited.clear();
    }, delay);
  }

  #askAt(address: string, member: MemberId, probe: number): void {
    const socket = this.#socket(address);
    if (typeof socket === 'string') return;
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    const nonce = this.#nonce();
    if (!socket.send(address, this.#sequence, nonce)) return this.#counters.add('probes_not_sent');
    this.#counters.add('probes_sent');
    this.#used.add(socket);
    this.#asked.delete(this.#sequence);
    this.#asked.set(this.#sequence, { member, probe, nonce });
    if (!this.#steady.has(member)) this.#awaited.add(this.#sequence);
    if (this.#asked.size > ASKED_MAX) {
      const [oldest] = this.#asked.keys();
      if (oldest !== undefined) this.#asked.delete(oldest);
    }
  }

  #socket(address: string): PingSocket | string {
    return address.includes(':') ? this.#sockets.v6 : this.#sockets.v4;
  }

  #reply(reply: EchoReply): void {
    const asked = this.#asked.get(reply.sequence);
    if (asked === undefined || !reply.payload.subarray(0, NONCE_BYTES).equals(asked.nonce)) {
      return this.#counters.add('probe_answers_unasked');
    }
    this.#asked.delete(reply.sequence);
    this.#awaited.delete(reply.sequence);
    if (this.#open.delete(asked.member)) this.#steady.add(asked.member);
    this.#counters.add('probes_answered');
    this.#answered(asked.member, asked.probe);
  }

  #nonce(): Buffer {
    if (this.#pool.length < NONCE_BYTES) this.#pool = freshToken(POOL_BYTES);
    const nonce = this.#pool.subarray(0, NONCE_BYTES);
    this.#pool = this.#pool.subarray(NONCE_BYTES);
    return nonce;
  }
}
