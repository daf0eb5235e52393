/** What this member says about itself, and whether the group has heard the latest of it. */

import type { Quorum } from '../allocation/quorum.ts';
import type { Config } from '../config/config.ts';
import type { HealthVerdict } from '../model/health.ts';
import type { MemberName } from '../model/member.ts';
import { sortedIds } from '../model/order.ts';
import type { CheckStatus } from '../model/status.ts';
import type { Instant } from '../model/time.ts';
import type { View } from '../model/view.ts';
import type { ProviderName, Vip, VipId } from '../model/vip.ts';
import type { ProviderEvent, ProviderTraits } from '../provider/provider.ts';
import { Ailments } from './ailments.ts';
import type { Beside } from './bystanders.ts';
import { type Carrier, carriersOf, type Lasting } from './carriers.ts';
import type { Holdings } from './holdings.ts';
import { clip, type Report, RULES, type Standing, type StandingMessage } from './messages.ts';
import { isComplete, votesOfMember } from './quorum.ts';
import type { Seat } from './seat.ts';
import { Slots } from './slots.ts';

export interface ReportInput {
  readonly view: View;
  readonly round: number;
  readonly quorum: Quorum;
  readonly holdings: Holdings;
  readonly pinned: readonly VipId[];
  readonly doubts: readonly VipId[];
  readonly lasting: readonly Lasting[];
  readonly astray: readonly MemberName[];
  readonly beside: readonly Beside[];
  /** What is here and has to go again (`Bystanders.suspect`). */
  readonly suspect: readonly VipId[];
  /** What is to be said of the witness; undefined: there is none. */
  readonly witness: { readonly said: 'held' | 'open' | undefined; readonly near: boolean } | undefined;
}

/** Its fields alone, in one order, so that two of them can be compared as text. */
function standingOf({
  mature,
  draining,
  barred,
  leaving,
  capacity,
  unfit,
  impaired = [],
  slots,
}: Standing): Standing {
  const standing = { mature, draining, barred, leaving, capacity, unfit, impaired };
  return slots === undefined ? standing : { ...standing, slots };
}

/** Two that are equal, as far as is seen without looking through their lists. */
function isPlainlySame(a: Standing, b: Standing): boolean {
  return (
    a.mature === b.mature &&
    a.draining === b.draining &&
    a.barred === b.barred &&
    a.leaving === b.leaving &&
    a.capacity === b.capacity &&
    a.impaired === b.impaired &&
    a.unfit.length + b.unfit.length === 0 &&
    a.slots === undefined &&
    b.slots === undefined
  );
}

/** A standing as text, kept: the same one is asked for after each event. */
class Wording {
  #of: Standing | undefined;
  #text = '';

  text(standing: Standing): string {
    if (standing === this.#of) return this.#text;
    this.#of = standing;
    this.#text = JSON.stringify(standingOf(standing));
    return this.#text;
  }
}

export class SelfPortrait {
  draining = false;
  leaving = false;
  outrankedBecause: string | undefined;
  /** Everything is being released after a stall. */
  suspendedBecause: string | undefined;
  mature = false;
  /** Highest fence known to have been acted under. */
  fence = 0;
  /** What providers said they cannot carry now, with why. */
  readonly #unfit = new Map<VipId, string>();
  readonly #ailments = new Ailments();
  /** VIPs that are not for this host: it has no provider for them, or is not where they may be. */
  readonly #unsuited = new Map<VipId, string>();
  /** {@link unfit}, while nothing of it changes. */
  #allUnfit:
    | { readonly ailing: ReadonlyMap<VipId, string>; readonly all: ReadonlyMap<VipId, string> }
    | undefined;
  /** Limits of its providers. */
  readonly slots = new Slots();
  #carriers: readonly Carrier[] = [];
  #config: Config;
  readonly #traits: ReadonlyMap<ProviderName, ProviderTraits>;
  #bornAt: Instant = 0;
  /** The standing last said, as text. */
  #said = '';
  #drawn: Standing | undefined;
  readonly #own = new Wording();
  readonly #learnt = new Wording();
  /** Standings of ours that are on their way. */
  #inFlight = 0;

  constructor(config: Config, traits: ReadonlyMap<ProviderName, ProviderTraits>) {
    this.#config = config;
    this.#traits = traits;
    this.configure(config);
  }

  born(now: Instant): void {
    this.#bornAt = now;
    this.mature = false;
    this.outrankedBecause = undefined;
    this.suspendedBecause = undefined;
  }

  configure(config: Config): void {
    this.#config = config;
    this.#allUnfit = undefined;
    const known = new Set(config.vips.map((vip) => vip.id));
    for (const vip of this.#unfit.keys()) if (!known.has(vip)) this.#unfit.delete(vip);
    this.#ailments.configure(config.checks, config.vips);
    this.#unsuited.clear();
    for (const vip of config.vips) {
      const reason = this.#misplaced(vip);
      if (reason !== undefined) this.#unsuited.set(vip.id, reason);
    }
    const providerOf = (vip: Vip) => this.providerOf(vip);
    this.#carriers = carriersOf(config.vips, { providerOf, traits: this.#traits });
  }

  /** When a member that met nobody mature counts as mature; undefined once it is. */
  get matureAt(): Instant | undefined {
    return this.mature ? undefined : this.#bornAt + this.#config.agent.maturity_ms;
  }

  growUp(now: Instant): void {
    if (this.matureAt !== undefined && now >= this.matureAt) this.mature = true;
  }

  /** The first of the VIP's providers that this host has. */
  providerOf(vip: Vip): ProviderName | undefined {
    return vip.providers.find((name) => this.#traits.has(name));
  }

  /** By what this host carries the VIP; undefined: it does not. */
  meansOf(vip: Vip): { readonly provider: ProviderName; readonly traits: ProviderTraits } | undefined {
    const provider = this.providerOf(vip);
    const traits = provider === undefined ? undefined : this.#traits.get(provider);
    return provider === undefined || traits === undefined ? undefined : { provider, traits };
  }

  get allTraits(): readonly ProviderTraits[] {
    return [...this.#traits.values()];
  }

  traitsOf(vip: Vip): ProviderTraits | undefined {
    const provider = this.providerOf(vip);
    return provider === undefined ? undefined : this.#traits.get(provider);
  }

  /** True when it is news. */
  fitness(event: Extract<ProviderEvent, { kind: 'fitness' }>): boolean {
    this.#allUnfit = undefined;
    if (event.fit) return this.#unfit.delete(event.vip);
    const news = this.#unfit.get(event.vip) !== event.reason;
    this.#unfit.set(event.vip, event.reason);
    return news;
  }

  /** True when it is news. */
  health(verdict: HealthVerdict, now: Instant): boolean {
    return this.#ailments.take(verdict, now);
  }

  /** Of every configured health check. */
  checks(at: (instant: Instant) => string): CheckStatus[] {
    return this.#ailments.statuses(at);
  }

  report(input: ReportInput): Report {
    const { view, round, quorum, holdings } = input;
    const standing = this.#standing();
    this.#said = this.#own.text(standing);
    const certain = holdings.certain().filter((vip) => !input.suspect.includes(vip));
    const going = holdings.certain().filter((vip) => input.suspect.includes(vip));
    const passed = [...holdings.all()]
      .filter((holding) => holding.retryAt !== undefined)
      .map((holding) => [holding.vip.id, clip(holding.failure)] as const);
    return {
      kind: 'report',
      view: view.id,
      round,
      ...standing,
      digest: this.#config.digest,
      votes: votesOfMember(this.#config.member, this.#config),
      primary: quorum.primary,
      quorum: clip(quorum.reason),
      complete: isComplete(view, this.#config),
      held: sortedIds(certain),
      claims: sortedIds(new Set([...holdings.uncertain(), ...this.#renamed(holdings), ...going])),
      pinned: input.pinned,
      passed,
      doubts: input.doubts,
      rules: RULES,
      ...(this.#config.zone !== undefined && { zone: this.#config.zone }),
      ...(this.#config.tags !== undefined && { tags: this.#config.tags }),
      ...(input.witness && { near: input.witness.near, fence: this.fence }),
      ...(input.witness?.said !== undefined && { witness: input.witness.said }),
      carriers: this.#carriers,
      ...(input.lasting.length > 0 && { lasting: input.lasting }),
      ...(input.astray.length > 0 && { astray: input.astray }),
      ...(input.beside.length > 0 && { beside: input.beside }),
    };
  }

  /** VIPs of which an address is still here under the name it had before. */
  #renamed(holdings: Holdings): VipId[] {
    return this.#config.vips.filter((vip) => holdings.hasRenamed(vip)).map(({ id }) => id);
  }

  /** The message to send when what we say about ourselves is not what the view last heard. */
  changed(view: View): StandingMessage | undefined {
    const standing = this.#standing();
    const text = this.#own.text(standing);
    if (text === this.#said) return undefined;
    this.#said = text;
    this.#inFlight += 1;
    return { kind: 'standing', view: view.id, ...standing };
  }

  /** What everybody knows of us already (we met somebody mature, an operator drained us) needs no message of ours. */
  learn(seat: Seat | undefined): void {
    if (seat === undefined) return;
    if (seat.standing.mature) this.mature = true;
    if (this.#inFlight === 0) this.#said = this.#learnt.text(seat.standing);
  }

  /** A standing of ours came back in order. */
  delivered(): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1);
  }

  /** The table was made of our report: whatever was on its way before it is void. */
  settled(): void {
    this.#inFlight = 0;
  }

  /** VIPs this host cannot carry now, with why. */
  get unfit(): ReadonlyMap<VipId, string> {
    const ailing = this.#ailments.unfit;
    if (this.#unsuited.size + ailing.size === 0) return this.#unfit;
    // Asked for each VIP after each event, and seldom another than before.
    if (this.#allUnfit?.ailing !== ailing) this.#allUnfit = undefined;
    this.#allUnfit ??= { ailing, all: new Map([...ailing, ...this.#unfit, ...this.#unsuited]) };
    return this.#allUnfit.all;
  }

  /** Those of them that something is wrong with. */
  get crippled(): ReadonlyMap<VipId, string> {
    return this.#unsuited.size === 0 ? this.unfit : new Map([...this.#ailments.unfit, ...this.#unfit]);
  }

  /** Why the VIP is not for this host as it is configured. */
  #misplaced({ providers, constraints: { zones, tags = {} } = {}, ...vip }: Vip): string | undefined {
    if (this.providerOf({ providers, ...vip }) === undefined)
      return `this host has none of its providers: ${providers.join(', ')}`;
    const { zone, tags: own = {} } = this.#config;
    if (zones !== undefined && (zone === undefined || !zones.includes(zone)))
      return `only for zone ${zones.join(' or ')}, and this host is in ${zone ?? 'none'}`;
    const lacking = Object.entries(tags).find(([key, value]) => own[key] !== value);
    return lacking && `only for hosts tagged ${lacking.join('=')}`;
  }

  #standing(): Standing {
    const { unfit } = this;
    const standing = standingOf({
      mature: this.mature,
      draining: this.draining,
      barred: clip(this.suspendedBecause ?? this.outrankedBecause ?? ''),
      leaving: this.leaving,
      capacity: this.#config.capacity,
      unfit: sortedIds(unfit.keys()).map((vip) => [vip, clip(unfit.get(vip) ?? '')] as const),
      impaired: this.#ailments.impairments,
      slots: this.slots.all,
    });
    if (this.#drawn === undefined || !isPlainlySame(this.#drawn, standing)) this.#drawn = standing;
    return this.#drawn;
  }
}
