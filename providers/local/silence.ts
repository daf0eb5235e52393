/**
 * Asks a link whether somebody still answers for addresses, many at a time, until nobody does.
 * Asks in forms that change no neighbour's cache; puts nothing up. Its own lateness never makes an address silent:
 * answers that wait are read before anything is judged, and what was asked too long ago is asked again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Instant, Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import { SystemError } from '../../src/platform/libc.ts';
import type { FrameSender } from '../../src/platform/packet-socket.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import { arpProbe, type Binding, macText, neighbourProbe } from './packets.ts';
import type { Standing } from './placement.ts';
import { type Ear, openEar } from './silence-ear.ts';

/** A flood of frames shall not keep us from judging at all; what is left waits for the next round. */
const READS_PER_ROUND_MAX = 50_000;
/** So many strangers who ask at once are told, one after the other, that we ask too; more shall not delay us for ever. */
const RIVALS_MAX = 4;
/** Rounds do not grow longer than the configuration allows them to be. */
const INTERVAL_MAX: Millis = 1000;
/** A round that ends later than this after its time says nothing of now: somebody may have taken the address since it was asked. */
const STALE_AFTER: Millis = 20;
/** A host that is always so late decides all the same in the end. */
const STALE_ROUNDS_MAX = 3;

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
  /** After `silent`: somebody else said that it has it before we were done with putting it up. */
  | { readonly kind: 'taken'; readonly address: string; readonly mac: string }
  /** The link could not be asked at all. */
  | ({ readonly kind: 'failed' } & Trouble)
  | { readonly kind: 'aborted' };

export interface Trouble {
  readonly code: 'interface-missing' | 'failed';
  readonly reason: string;
}

export interface SilenceSettings {
  /** Length of a round; longer for the rest of an ask on a link whose answers came after their round. */
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
  /**
   * Called after each round with what has become certain, each question once, before `ask` returns; again where what was
   * `silent` is `taken`, once it returned from having been told so.
   */
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
  /** Link addresses of those who ask for it too and have to wait for us. */
  readonly rivals: Set<string>;
  /** Rounds asked since the last answer, and when the first of them began. */
  unanswered: { rounds: number; since: Instant };
  trouble: Trouble | undefined;
}

export class SilenceProbe {
  readonly #settings: SilenceSettings;
  readonly #parts: SilenceParts;

  constructor(settings: SilenceSettings, parts: SilenceParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** Resolves when every question is settled; never rejects for trouble on the link. Links are asked beside each other. */
  async ask<T>(questions: readonly Question<T>[], options: AskOptions<T>): Promise<void> {
    const byLinks = Map.groupBy(questions, ({ standings }) => linksOf(standings));
    await Promise.all([...byLinks.values()].map((some) => this.#askTogether(some, options)));
  }

  async #askTogether<T>(questions: readonly Question<T>[], options: AskOptions<T>): Promise<void> {
    const round = new AskRound(questions, this.#parts);
    let { interval } = this.#settings;
    let staleRounds = 0;
    try {
      while (round.pending.size > 0 && !options.signal.aborted) {
        const askedAt = monotonicNow();
        round.send(askedAt);
        await pause(interval, options.signal);
        if (options.signal.aborted) break;
        const now = monotonicNow();
        const isStale = now - askedAt - interval > STALE_AFTER && ++staleRounds <= STALE_ROUNDS_MAX;
        const needed = Math.min(2 * round.listen(now), INTERVAL_MAX);
        if (isStale || needed > interval) round.startOver();
        interval = Math.max(interval, needed);
        options.settled(round.withdraw(options.wanted));
        const judged = round.judge(this.#settings.rounds, monotonicNow());
        options.settled(judged);
        const taken = round.taken(judged, monotonicNow());
        if (taken.length > 0) options.settled(taken);
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

interface Judged<T> {
  readonly question: Question<T>;
  readonly verdict: Verdict;
}

class AskRound<T> {
  readonly pending: Set<Pending<T>>;
  readonly #parts: SilenceParts;
  readonly #ears = new Map<string, Ear | Trouble>();
  readonly #frames = new Map<Standing, { link: Link; frame: Buffer }>();
  /** Who waits for an answer about an address, by {@link claimKey}. */
  readonly #byAddress = new Map<string, { pending: Pending<T>; address: string }[]>();
  /** Who said last that it has what was asked for. */
  readonly #claimed = new Map<Question<T>, { readonly address: string; readonly mac: string }>();

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

  send(now: Instant): void {
    for (const pending of this.pending) {
      pending.askable = true;
      pending.asked = true;
      pending.claim = undefined;
      for (const standing of pending.question.standings) this.#ask(pending, standing);
      if (pending.unanswered.rounds === 0) pending.unanswered.since = now;
      if (pending.asked) pending.unanswered.rounds++;
    }
  }

  /** Takes in every answer that has arrived; the longest time one took that came after its round, 0 if none did. */
  listen(now: Instant): Millis {
    const own = new Set(this.#parts.links().map((link) => macText(link.mac)));
    let slowest = 0;
    for (const ear of this.#ears.values()) {
      if ('code' in ear) continue;
      for (const heard of ear.heard(READS_PER_ROUND_MAX)) {
        if (heard === undefined || own.has(macText(heard.binding.mac))) continue;
        if (heard.kind === 'question') this.#noteRival(heard.binding, ear.interfaceIndex);
        else slowest = Math.max(slowest, this.#note(heard.binding, ear.interfaceIndex, now));
      }
    }
    return slowest;
  }

  /** The rounds so far, with the one that is about to be judged, were too short to mean anything. */
  startOver(): void {
    for (const pending of this.pending) pending.quietRounds = -1;
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

  /**
   * Between the last look and the address being up this process may have stood still for longer than another one asks: then the
   * other's announcement waits here. Only where nothing else is asked any more, whose answers a look would swallow.
   */
  taken(judged: readonly Judged<T>[], now: Instant): Judged<T>[] {
    const silent = judged.filter(({ verdict }) => verdict.kind === 'silent');
    if (silent.length === 0 || this.pending.size > 0) return [];
    const questions = new Set(silent.map(({ question }) => question));
    this.#claimed.clear();
    this.listen(now);
    return [...this.#claimed]
      .filter(([question]) => questions.has(question))
      .map(([question, claim]) => ({ question, verdict: { kind: 'taken', ...claim } }));
  }

  close(): void {
    const ears = [...this.#ears.values()];
    this.#ears.clear();
    // The kernel takes some 10 ms for it: whoever waits for the verdicts shall not.
    setImmediate(() => {
      for (const ear of ears) if (!('code' in ear)) ear.close();
    });
  }

  #ask(pending: Pending<T>, standing: Standing): void {
    const link = this.#parts.linkOf(standing.interfaceIndex);
    if (link === undefined || !link.up) {
      pending.asked = false;
    } else if (link.resolves) {
      const ear = this.#hearOn(link, standing.family);
      if ('code' in ear) {
        pending.trouble = ear;
        return;
      }
      const sent = this.#parts.sender.send(this.#frame(standing, link, ear), link.index);
      if (sent !== 'sent') pending.asked = false;
    } else {
      pending.askable = false;
    }
  }

  /** The same bytes round after round, for as long as the link stays as it is. */
  #frame(standing: Standing, link: Link, ear: Ear): Buffer {
    const known = this.#frames.get(standing);
    if (known?.link === link) return known.frame;
    const binding = { mac: link.mac, address: ipBytes(standing.address) };
    ear.attend(binding.address);
    const frame = standing.family === 4 ? arpProbe(binding) : neighbourProbe(binding);
    this.#frames.set(standing, { link, frame });
    return frame;
  }

  #hearOn(link: Link, family: 4 | 6): Ear | Trouble {
    const key = `${link.index} ${family}`;
    const known = this.#ears.get(key);
    if (known !== undefined) return known;
    const ear = tryToHear(link, family);
    this.#ears.set(key, ear);
    return ear;
  }

  /**
   * Two who ask at once both hear silence. The lower link address goes on, the other takes the question for an answer until
   * it gets a real one. Who began later may have heard no question of ours, and may have taken the address while we were
   * late: so whoever goes on asks all its rounds once more.
   */
  #noteRival({ mac, address: asked }: Binding, interfaceIndex: number): void {
    const own = this.#parts.linkOf(interfaceIndex)?.mac;
    if (own === undefined) return;
    const rival = macText(mac);
    const order = Buffer.compare(mac, own);
    for (const { pending, address } of this.#byAddress.get(claimKey(interfaceIndex, asked)) ?? []) {
      if (order < 0) pending.claim = { address, mac: rival };
      else if (order > 0) goAhead(pending, rival);
    }
  }

  /** How long the answer took, if it came after its round; else 0. */
  #note(claim: Binding, interfaceIndex: number, now: Instant): Millis {
    let slowest = 0;
    for (const { pending, address } of this.#byAddress.get(claimKey(interfaceIndex, claim.address)) ?? []) {
      pending.claim = { address, mac: macText(claim.mac) };
      this.#claimed.set(pending.question, pending.claim);
      const { rounds, since } = pending.unanswered;
      if (rounds > 1) slowest = Math.max(slowest, now - since);
      pending.unanswered.rounds = 0;
    }
    return slowest;
  }
}

function tryToHear(link: Link, family: 4 | 6): Ear | Trouble {
  try {
    return openEar(link, family);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return troubleFrom(error, link.name);
  }
}

function troubleFrom({ code, call }: SystemError, interfaceName: string): Trouble {
  if (code === 'ENODEV' || code === 'ENXIO')
    return { code: 'interface-missing', reason: `interface ${interfaceName} is gone` };
  const mend = code === 'EMFILE' || code === 'ENFILE' ? '; raise the limit of open files (LimitNOFILE)' : '';
  return { code: 'failed', reason: `${interfaceName} could not be asked (${call}: ${code})${mend}` };
}

function pendingFor<T>(question: Question<T>): Pending<T> {
  return {
    question,
    quietRounds: 0,
    asked: false,
    askable: true,
    claim: undefined,
    rivals: new Set(),
    unanswered: { rounds: 0, since: 0 },
    trouble: undefined,
  };
}

function goAhead<T>(pending: Pending<T>, rival: string): void {
  if (pending.rivals.has(rival) || pending.rivals.size >= RIVALS_MAX) return;
  pending.rivals.add(rival);
  pending.quietRounds = -1;
}

function verdictOn<T>(pending: Pending<T>, rounds: number, now: Instant): Verdict | undefined {
  if (pending.trouble !== undefined) return { kind: 'failed', ...pending.trouble };
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

function linksOf(standings: readonly Standing[]): string {
  return [...new Set(standings.map(({ interfaceIndex }) => interfaceIndex))].sort((a, b) => a - b).join(' ');
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
