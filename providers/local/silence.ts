/**
 * Asks a link whether somebody still answers for addresses, many at a time, until nobody does.
 * Asks in forms that change no neighbour's cache; puts nothing up. Its own lateness never makes an address silent:
 * answers that wait are read before anything is judged.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Instant, Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type FrameReceiver,
  type FrameSender,
  openFrameReceiver,
} from '../../src/platform/packet-socket.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import {
  arpClaim,
  arpProbe,
  type Binding,
  macText,
  NEIGHBOUR_CLAIM_BYTES,
  neighbourClaim,
  neighbourProbe,
} from './packets.ts';
import type { Standing } from './placement.ts';

/** A flood of frames shall not keep us from judging at all; what is left waits for the next round. */
const READS_PER_ROUND_MAX = 50_000;

export interface Question<T> {
  /** Whatever the asker wants to know it by. */
  readonly subject: T;
  /** All of them have to be silent. */
  readonly standings: readonly Standing[];
  /** Still answered then: `answered`. Where neighbours cannot be asked, `silent` is said then and not before. */
  readonly until: Instant;
}

export type Verdict =
  | { readonly kind: 'silent' }
  | { readonly kind: 'answered'; readonly address: string; readonly mac: string }
  | { readonly kind: 'aborted' };

export interface SilenceSettings {
  readonly interval: Millis;
  /** Rounds in a row without any answer that make an address silent, ≥ 1. */
  readonly rounds: number;
}

export interface SilenceParts {
  readonly sender: FrameSender;
  readonly linkOf: (interfaceIndex: number) => Link | undefined;
  /** Every link of this host: what they answer is no stranger. */
  readonly links: () => readonly Link[];
}

export interface AskOptions<T> {
  readonly signal: AbortSignal;
  /** Asked in each round; a question not wanted any more is `aborted`. */
  readonly wanted: (subject: T) => boolean;
  /** Called after each round with what has become certain, each question once, before `ask` returns. */
  readonly settled: (
    answers: readonly { readonly question: Question<T>; readonly verdict: Verdict }[],
  ) => void;
}

interface Pending<T> {
  readonly question: Question<T>;
  quietRounds: number;
  /** Whether all of its probes of this round left this host. */
  asked: boolean;
  /** Whether its link has neighbours that can be asked at all. */
  askable: boolean;
  claim: { address: string; mac: string } | undefined;
}

export class SilenceProbe {
  readonly #settings: SilenceSettings;
  readonly #parts: SilenceParts;

  constructor(settings: SilenceSettings, parts: SilenceParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Resolves when every question is settled; never rejects for trouble on the link. */
  async ask<T>(questions: readonly Question<T>[], options: AskOptions<T>): Promise<void> {
    const round = new AskRound(questions, this.#parts);
    try {
      while (round.pending.size > 0 && !options.signal.aborted) {
        round.send();
        await pause(this.#settings.interval, options.signal);
        if (options.signal.aborted) break;
        round.listen();
        options.settled(round.withdraw(options.wanted));
        options.settled(round.judge(this.#settings.rounds, monotonicNow()));
      }
      const rest = [...round.pending].map(({ question }) => ({
        question,
        verdict: { kind: 'aborted' } as const,
      }));
      if (rest.length > 0) options.settled(rest);
    } finally {
      round.close();
    }
  }
}

class AskRound<T> {
  readonly pending: Set<Pending<T>>;
  readonly #parts: SilenceParts;
  readonly #receivers = new Map<string, { receiver: FrameReceiver; interfaceIndex: number; arp: boolean }>();
  readonly #frames = new Map<Standing, { link: Link; frame: Buffer }>();
  /** Who waits for an answer about an address, by {@link claimKey}. */
  readonly #byAddress = new Map<string, { pending: Pending<T>; address: string }[]>();

  constructor(questions: readonly Question<T>[], parts: SilenceParts) {
    this.#parts = parts;
    this.pending = new Set(questions.map(pendingFor));
    for (const pending of this.pending) {
      for (const standing of pending.question.standings) {
        const key = claimKey(standing.interfaceIndex, ipBytes(standing.address));
        const waiting = this.#byAddress.get(key) ?? [];
        waiting.push({ pending, address: standing.address });
        this.#byAddress.set(key, waiting);
      }
    }
  }

  send(): void {
    for (const pending of this.pending) {
      const results = pending.question.standings.map((standing) => this.#probe(standing));
      pending.askable = !results.includes('mute');
      pending.asked = results.every((result) => result === 'sent');
      pending.claim = undefined;
    }
  }

  /** Takes in every answer that has arrived. */
  listen(): void {
    const own = new Set(this.#parts.links().map((link) => macText(link.mac)));
    for (const { receiver, interfaceIndex, arp } of this.#receivers.values()) {
      for (let reads = 0; reads < READS_PER_ROUND_MAX; reads++) {
        const frame = receiver.next();
        if (frame === undefined) break;
        const claim = arp ? arpClaim(frame) : neighbourClaim(frame);
        if (claim !== undefined) this.#note(claim, interfaceIndex, own);
      }
    }
  }

  /** Gives up the questions nobody wants answered. */
  withdraw(wanted: (subject: T) => boolean): { question: Question<T>; verdict: Verdict }[] {
    const unwanted = [...this.pending].filter(({ question }) => !wanted(question.subject));
    for (const pending of unwanted) this.pending.delete(pending);
    return unwanted.map(({ question }) => ({ question, verdict: { kind: 'aborted' } }));
  }

  judge(rounds: number, now: Instant): { question: Question<T>; verdict: Verdict }[] {
    const settled: { question: Question<T>; verdict: Verdict }[] = [];
    for (const pending of this.pending) {
      const verdict = verdictOn(pending, rounds, now);
      if (verdict === undefined) continue;
      this.pending.delete(pending);
      settled.push({ question: pending.question, verdict });
    }
    return settled;
  }

  close(): void {
    for (const { receiver } of this.#receivers.values()) receiver.close();
    this.#receivers.clear();
  }

  #probe(standing: Standing): 'sent' | 'failed' | 'mute' {
    const link = this.#parts.linkOf(standing.interfaceIndex);
    if (link === undefined || !link.up) return 'failed';
    if (!link.resolves) return 'mute';
    this.#hearOn(link.index, standing.family);
    return this.#parts.sender.send(this.#frame(standing, link), link.index) === 'sent' ? 'sent' : 'failed';
  }

  /** The same bytes round after round, for as long as the link stays as it is. */
  #frame(standing: Standing, link: Link): Buffer {
    const known = this.#frames.get(standing);
    if (known?.link === link) return known.frame;
    const binding = { mac: link.mac, address: ipBytes(standing.address) };
    const frame = standing.family === 4 ? arpProbe(binding) : neighbourProbe(binding);
    this.#frames.set(standing, { link, frame });
    return frame;
  }

  #hearOn(interfaceIndex: number, family: 4 | 6): void {
    const key = `${interfaceIndex} ${family}`;
    if (this.#receivers.has(key)) return;
    const ethertype = family === 4 ? ETHERTYPE_ARP : ETHERTYPE_IPV6;
    const receiver = openFrameReceiver({
      interfaceIndex,
      ethertype,
      ...(family === 6 ? { match: NEIGHBOUR_CLAIM_BYTES } : {}),
    });
    this.#receivers.set(key, { receiver, interfaceIndex, arp: family === 4 });
  }

  #note(claim: Binding, interfaceIndex: number, own: ReadonlySet<string>): void {
    const mac = macText(claim.mac);
    if (own.has(mac)) return;
    for (const { pending, address } of this.#byAddress.get(claimKey(interfaceIndex, claim.address)) ?? []) {
      pending.claim = { address, mac };
    }
  }
}

function pendingFor<T>(question: Question<T>): Pending<T> {
  return { question, quietRounds: 0, asked: false, askable: true, claim: undefined };
}

function verdictOn<T>(pending: Pending<T>, rounds: number, now: Instant): Verdict | undefined {
  const late = now >= pending.question.until;
  if (pending.claim !== undefined) {
    pending.quietRounds = 0;
    return late ? { kind: 'answered', ...pending.claim } : undefined;
  }
  // Where nobody can be asked (no ARP on this interface, a link that is down), only time tells.
  if (!pending.askable || !pending.asked) return late ? { kind: 'silent' } : undefined;
  pending.quietRounds++;
  return pending.quietRounds >= rounds ? { kind: 'silent' } : undefined;
}

function claimKey(interfaceIndex: number, address: Uint8Array): string {
  return `${interfaceIndex} ${Buffer.from(address).toString('hex')}`;
}

/** Ends early when aborted. Keeps the process running: somebody awaits it. */
async function pause(length: Millis, signal: AbortSignal): Promise<void> {
  try {
    await delay(length, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
