/** What this host hears of itself (its providers as a whole, its health, its witness): noted where it counts, and told to people. */
import type { GroupEvent } from '../group/group.ts';
import type { HealthVerdict } from '../model/health.ts';
import type { Instant } from '../model/time.ts';
import type { ProviderName } from '../model/vip.ts';
import type { ProviderEvent } from '../provider/provider.ts';
import type { Bystanders } from './bystanders.ts';
import type { Doubts } from './doubts.ts';
import type { AgentEvent } from './events.ts';
import type { History } from './history.ts';
import type { Holdings } from './holdings.ts';
import type { Outbox } from './outbox.ts';
import type { SelfPortrait } from './self-portrait.ts';
import type { Tiebreak } from './tiebreak.ts';

export interface NewsComponents {
  readonly outbox: Outbox;
  readonly history: History;
  readonly portrait: SelfPortrait;
  readonly holdings: Holdings;
  readonly doubts: Doubts;
  readonly tiebreak: Tiebreak;
  readonly bystanders: Bystanders;
}

type Of<Kind extends AgentEvent['kind']> = Extract<AgentEvent, { kind: Kind }>;

export class News {
  /** What is wrong with a provider as a whole. */
  readonly troubles = new Map<ProviderName, string>();
  readonly #with: NewsComponents;

  constructor(components: NewsComponents) {
    this.#with = components;
  }

  trouble(name: ProviderName, reason: string | undefined): void {
    const { outbox } = this.#with;
    if (reason === undefined) {
      if (this.troubles.delete(name)) outbox.note('info', 'provider well again', { reason: name });
      return;
    }
    this.troubles.set(name, reason);
    outbox.note('error', 'provider in trouble', { reason: `${name}: ${reason}` });
  }

  slots(name: ProviderName, event: Extract<ProviderEvent, { kind: 'slots' }>): void {
    const { outbox, portrait } = this.#with;
    const news = portrait.slots.note(name, event);
    if (news !== undefined) outbox.note('info', 'room of a provider', { reason: news });
  }

  fitness(event: Extract<ProviderEvent, { kind: 'fitness' }>, now: Instant): void {
    const { outbox, portrait, doubts, holdings } = this.#with;
    if (!portrait.fitness(event)) return;
    const { vip, fit, reason } = event;
    doubts.taken(vip);
    outbox.note(fit ? 'info' : 'warn', fit ? 'fit again' : 'unfit', { reason, vip });
    const holding = holdings.get(vip);
    if (fit && holding?.retryAt !== undefined) holding.retryAt = now;
  }

  /** The group hears of it with our standing; who takes over is its decision. */
  health(verdict: HealthVerdict, now: Instant): void {
    if (!this.#with.portrait.health(verdict, now)) return;
    const { check, failing } = verdict;
    const what = failing === undefined ? `check ${check} passes` : `check ${check} fails`;
    this.#tell(failing === undefined, { at: now, what, reason: failing ?? 'well again' });
  }

  witness(event: Of<'witness'>, now: Instant): void {
    const { portrait, tiebreak } = this.#with;
    const { has, fence, reason } = event;
    const news = tiebreak.vote(event);
    if (has) portrait.fence = Math.max(portrait.fence, fence - 1);
    if (!news) return;
    const what = has ? 'has the vote of the witness' : 'has no vote of the witness';
    this.#tell(has, { at: now, what, reason });
  }

  /** Everybody reports again; what may not be held any more is let go at once. */
  quorum(event: Extract<GroupEvent, { kind: 'quorum' }>, now: Instant): void {
    const { tiebreak, doubts } = this.#with;
    if (!tiebreak.decree(event)) return;
    const { primary, reason } = event;
    // Until now another part may have served: what we saw released among us says nothing about who has it.
    if (primary) doubts.parted(now);
    const what = primary ? 'the engine says: primary' : 'the engine says: not primary';
    this.#tell(primary, { at: now, what, reason });
  }

  outranked({ by, reason, contested }: Extract<GroupEvent, { kind: 'outranked' }>, now: Instant): void {
    const { outbox, portrait, doubts } = this.#with;
    doubts.contested = by === undefined && contested === true;
    const before = portrait.outrankedBecause !== undefined;
    portrait.outrankedBecause = by === undefined ? undefined : `outranked by view ${by}: ${reason}`;
    // The better view serves: what we see released among us says nothing about who has it.
    doubts.parted(now);
    if (by === undefined && !before) return outbox.note('debug', doubts.standing, { reason });
    const what = by === undefined ? 'not outranked any more' : 'outranked: holding nothing';
    this.#tell(false, { at: now, what, reason });
  }

  bystanders(event: Extract<GroupEvent, { kind: 'bystanders' }>, now: Instant): void {
    const { outbox, bystanders, doubts } = this.#with;
    const before = bystanders.lesser;
    bystanders.hear(event);
    const { lesser, reached = [] } = event;
    if ((before === undefined) !== (lesser === undefined)) {
      // The other part may serve: what we see released among us says nothing about who has it.
      doubts.parted(now);
      const what = lesser === undefined ? 'taking again' : 'keeping what is here, taking nothing';
      return this.#tell(lesser === undefined, {
        at: now,
        what,
        reason: lesser ?? 'no other part is before us',
      });
    }
    const what = event.reached === undefined ? 'the group is whole, or calm' : 'the group is not whole';
    outbox.note('debug', what, { reason: `this host reaches ${reached.join(', ') || 'nobody'}` });
  }

  witnessTrouble({ reason }: Of<'witness-trouble'>): void {
    const { outbox, tiebreak } = this.#with;
    tiebreak.trouble = reason;
    outbox.note(reason === undefined ? 'info' : 'warn', 'witness', { reason: reason ?? 'it answers again' });
  }

  #tell(
    good: boolean,
    change: { readonly at: Instant; readonly what: string; readonly reason: string },
  ): void {
    const { outbox, history } = this.#with;
    outbox.note(good ? 'info' : 'warn', change.what, { reason: change.reason });
    history.note(change);
  }
}
