/**
 * Provider `local` on a simulated kernel: lease, guardian, silence probe and refusal after a stall as in
 * `providers/local`, with troubles on top that any provider may have. Runs on the agent's main thread.
 */
import type { Instant, Millis } from '../../model/time.ts';
import type { Vip, VipId } from '../../model/vip.ts';
import type {
  AcquireRequest,
  OutcomeCode,
  ProviderEvent,
  ProviderTraits,
  VipOutcome,
} from '../../provider/provider.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Call } from './calls.ts';
import type { Host } from './host.ts';
import { LEASE_LATENESS } from './host.ts';
import type { Done, SimulatedProvider } from './simulated-provider.ts';
import { type ProviderTrouble, strikes } from './trouble.ts';
import type { World } from './world.ts';

const STALL: Millis = 1000;
const LEASE_MARGIN: Millis = 200;
/** As in `providers/local/silence.ts`. */
const STALE_AFTER: Millis = 20;
const STALE_ROUNDS_MAX = 3;

export function localTraits({ local }: Host): ProviderTraits {
  return {
    families: [4, 6],
    scope: 'link',
    atomicTakeover: false,
    leaseBound: local.lease_ms + LEASE_LATENESS,
  };
}

interface Question {
  readonly vip: Vip;
  readonly wish: number;
  readonly until: Instant;
  quiet: number;
  /** Rounds that ended too late to mean anything. */
  stale: number;
}

export class LocalProvider implements SimulatedProvider {
  readonly #world: World;
  readonly #host: Host;
  readonly #agent: AgentProcess;
  readonly #held = new Map<VipId, { readonly vip: Vip; renewedAt: Instant }>();
  readonly #wishes = new Map<VipId, number>();
  #vips: readonly Vip[] = [];
  #lastTick: Instant | undefined;
  #fit = true;
  #carrierChanges = 0;

  constructor(world: World, agent: AgentProcess) {
    this.#world = world;
    this.#agent = agent;
    this.#host = agent.host;
  }

  /** Sweeps what an earlier run left. */
  start(vips: readonly Vip[]): void {
    for (const address of [...this.#host.addresses.keys()]) this.#host.remove(address, 'agent');
    this.#fit = this.#host.carrier;
    this.configure(vips);
  }

  configure(vips: readonly Vip[]): void {
    const known = new Set(this.#vips.map((vip) => vip.id));
    this.#vips = vips;
    if (!this.#fit) for (const vip of vips) if (!known.has(vip.id)) this.#tellFitness(vip);
  }

  acquire(
    requests: readonly AcquireRequest[],
    { call, done }: { readonly call: Call; readonly done: Done },
  ): void {
    const vips = requests.map(({ vip }) => vip);
    const trouble = this.#trouble();
    if (trouble?.kind === 'error')
      return this.#later(() => done(this.#outcomes(vips, 'failed', 'out of order')));
    if (trouble?.kind === 'throw') return this.#later(() => done(brokenOutcomes(vips)));
    if (trouble?.kind === 'hang')
      return call.onAbort(() => done(this.#outcomes(vips, 'aborted', 'no answer')));
    if (trouble?.kind === 'lost-answer') {
      return this.#begin(requests, call, () =>
        call.onAbort(() => done(this.#outcomes(vips, 'aborted', 'the answer was lost'))),
      );
    }
    this.#later(() => this.#begin(requests, call, done));
  }

  release(vips: readonly Vip[], call: Call, done: Done): void {
    const trouble = this.#trouble(true);
    for (const { id } of vips) this.#wish(id);
    if (trouble?.kind === 'throw') return this.#later(() => done(brokenOutcomes(vips)));
    if (trouble?.kind === 'hang') {
      return call.onAbort(() => done(this.#outcomes(vips, 'aborted', 'no answer')));
    }
    this.#later(() => {
      if (trouble?.kind === 'error') return done(this.#outcomes(vips, 'failed', 'out of order'));
      this.#takeAway(vips);
      const outcomes = vips.map(
        (vip) => ({ vip: vip.id, held: false, code: 'ok', reason: 'released' }) as const,
      );
      if (trouble?.kind === 'lost-answer') call.onAbort(() => done(outcomes));
      else done(outcomes);
    });
  }

  renew(vips: readonly Vip[], done: Done): void {
    const now = this.#host.clocks.boot();
    const stale = this.#trouble()?.kind === 'stale';
    done(
      vips.map((vip) => {
        const holding = this.#held.get(vip.id);
        if (holding === undefined) return outcome(vip, 'lost', 'is not held here');
        if (now - holding.renewedAt > this.#host.local.lease_ms - LEASE_MARGIN) {
          this.#takeAway([vip]);
          return outcome(vip, 'lease-expired', 'was last renewed too long ago');
        }
        if (!this.#isUp(vip) && !stale) {
          this.#takeAway([vip]);
          return outcome(vip, 'lost', 'its address was gone from the interface');
        }
        holding.renewedAt = now;
        for (const { address } of vip.addresses) this.#host.prolong(address);
        return outcome(vip, 'ok', 'renewed');
      }),
    );
  }

  tick(): void {
    const now = this.#host.clocks.boot();
    this.#lastTick = now;
    const bound = this.#host.local.lease_ms - LEASE_MARGIN;
    const over: { readonly vip: Vip }[] = [];
    for (const held of this.#held.values()) if (now - held.renewedAt > bound) over.push(held);
    this.#takeAway(over.map(({ vip }) => vip));
    this.#host.guardian?.tick();
    this.#tellLost(over, { reason: 'its lease was not renewed in time', fenced: true });
  }

  /** The guardian had taken everything away. */
  fenced(): void {
    const held = [...this.#held.values()];
    this.#takeAway(held.map(({ vip }) => vip));
    this.#tellLost(held, { reason: 'the agent stood still, so the guardian removed it', fenced: true });
  }

  vanished(address: string): void {
    const lost = [...this.#held.values()].filter(
      ({ vip }) => vip.addresses.some((one) => one.address === address) && !this.#isUp(vip),
    );
    this.#takeAway(lost.map(({ vip }) => vip));
    this.#tellLost(lost, { reason: 'its address was removed behind our back' });
  }

  /** Bad news counts at once, good news only after it has lasted. */
  carrierChanged(): void {
    const change = ++this.#carrierChanges;
    if (!this.#host.carrier) return this.#setFit(false);
    this.#agent.after(this.#host.local.carrier_hold_ms, () => {
      if (change === this.#carrierChanges && !this.#fit) this.#setFit(true);
    });
  }

  /** A new guardian was started: it is told what is held. */
  guardianStarted(): void {
    this.#host.guardian?.hold([...this.#held.values()].flatMap(({ vip }) => addressesOf(vip)));
  }

  #setFit(fit: boolean): void {
    this.#fit = fit;
    for (const vip of this.#vips) this.#tellFitness(vip);
  }

  #tellFitness(vip: Vip): void {
    const reason = this.#fit ? 'up' : 'no carrier';
    this.#emit({ kind: 'fitness', vip: vip.id, fit: this.#fit, reason });
  }

  #trouble(releasing = false): ProviderTrouble | undefined {
    const { trouble } = this.#host;
    const { now, random } = this.#world;
    if (!strikes(trouble, { now, random }) || (releasing && !trouble.releases)) return undefined;
    return trouble;
  }

  #later(work: () => void): void {
    const slow = this.#trouble()?.kind === 'slow' ? this.#world.random.between(50, 3000) : 0;
    this.#agent.after(slow + this.#world.random.between(0.1, 0.8), work);
  }

  #begin(requests: readonly AcquireRequest[], call: Call, done: Done): void {
    if (call.aborted) {
      const vips = requests.map(({ vip }) => vip);
      return done(this.#outcomes(vips, 'aborted', 'given up before it began'));
    }
    const outcomes = new Map<VipId, VipOutcome>();
    const questions: Question[] = [];
    const ready: Vip[] = [];
    for (const { vip, guard } of requests) {
      const wish = this.#wish(vip.id);
      if (!this.#fit) outcomes.set(vip.id, this.#outcome(vip, 'link-down', 'no carrier'));
      else if (guard.kind === 'at-once' || this.#held.has(vip.id)) ready.push(vip);
      else questions.push({ vip, wish, until: guard.until, quiet: 0, stale: 0 });
    }
    this.#put(ready, outcomes);
    this.#ask(questions, { call, outcomes, done: () => done([...outcomes.values()]) });
  }

  #ask(
    questions: readonly Question[],
    context: { readonly call: Call; readonly outcomes: Map<VipId, VipOutcome>; readonly done: () => void },
  ): void {
    const { call, outcomes, done } = context;
    if (call.aborted) {
      for (const { vip } of questions) outcomes.set(vip.id, this.#outcome(vip, 'aborted', 'given up'));
      return done();
    }
    if (questions.length === 0) return done();
    const asked = this.#host.carrier;
    const answered = new Set(
      questions.filter(({ vip }) => this.#world.segment.answers(this.#host, vip.addresses)),
    );
    const askedAt = this.#world.now;
    const since = this.#host.clocks.monotonic();
    const interval = this.#host.local.silence_probe_interval_ms;
    const next = once(() => {
      const open: Question[] = [];
      const silent: Vip[] = [];
      const late = this.#host.clocks.monotonic();
      const stale = late - since - interval > STALE_AFTER;
      for (const question of questions) {
        const { vip, wish, until } = question;
        if (call.aborted || wish !== this.#wishes.get(vip.id)) {
          outcomes.set(vip.id, this.#outcome(vip, 'aborted', 'given up while the link was asked'));
        } else if (
          answered.has(question) ||
          this.#world.segment.announcedSince(this.#host, vip.addresses, askedAt)
        ) {
          question.quiet = 0;
          if (late < until) open.push(question);
          else outcomes.set(vip.id, this.#outcome(vip, 'address-in-use', 'answered'));
        } else {
          if (stale && ++question.stale <= STALE_ROUNDS_MAX) question.quiet = 0;
          else question.quiet += asked ? 1 : 0;
          const isSilent = asked ? question.quiet >= this.#host.local.silence_probes : late >= until;
          if (!isSilent) open.push(question);
          else if (!this.#fit) outcomes.set(vip.id, this.#outcome(vip, 'link-down', 'no carrier'));
          else silent.push(vip);
        }
      }
      this.#put(silent, outcomes);
      this.#ask(open, context);
    });
    call.onAbort(() => this.#agent.after(0.05, next));
    this.#agent.after(interval, next);
  }

  #put(vips: readonly Vip[], outcomes: Map<VipId, VipOutcome>): void {
    if (vips.length === 0) return;
    const now = this.#host.clocks.boot();
    const stalled = this.#lastTick !== undefined && now - this.#lastTick > STALL;
    if (!stalled) this.#host.guardian?.hold(vips.flatMap(addressesOf));
    for (const vip of vips) {
      if (stalled) outcomes.set(vip.id, this.#outcome(vip, 'lease-expired', 'the agent has not ticked'));
      else {
        for (const { address } of vip.addresses) this.#host.put(address);
        this.#held.set(vip.id, { vip, renewedAt: now });
        outcomes.set(vip.id, this.#outcome(vip, 'ok', 'put up'));
      }
    }
  }

  #takeAway(vips: readonly Vip[]): void {
    if (vips.length === 0) return;
    for (const vip of vips) {
      this.#held.delete(vip.id);
      for (const { address } of vip.addresses) this.#host.remove(address, 'agent');
    }
    this.#host.guardian?.drop(vips.flatMap(addressesOf));
  }

  #isUp(vip: Vip): boolean {
    return vip.addresses.every(({ address }) => this.#host.addresses.has(address));
  }

  #wish(vip: VipId): number {
    const number = (this.#wishes.get(vip) ?? 0) + 1;
    this.#wishes.set(vip, number);
    return number;
  }

  #tellLost(lost: readonly { readonly vip: Vip }[], how: { reason: string; fenced?: boolean }): void {
    for (const { vip } of lost) this.#emit({ kind: 'lost', vip: vip.id, ...how });
  }

  #emit(event: ProviderEvent): void {
    this.#agent.handle({ kind: 'provider', provider: 'local', event });
  }

  #outcomes(vips: readonly Vip[], code: OutcomeCode, reason: string): VipOutcome[] {
    return vips.map((vip) => this.#outcome(vip, code, reason));
  }

  /** The truth, whatever was asked. */
  #outcome(vip: Vip, code: OutcomeCode, reason: string): VipOutcome {
    return { vip: vip.id, held: this.#held.has(vip.id) || this.#isUp(vip), code, reason };
  }
}

function outcome(vip: Vip, code: OutcomeCode, reason: string): VipOutcome {
  return { vip: vip.id, held: code === 'ok', code, reason };
}

/** What `agent/operations.ts` makes of a provider that throws. */
function brokenOutcomes(vips: readonly Vip[]): VipOutcome[] {
  return vips.map((vip) => ({
    vip: vip.id,
    held: true,
    code: 'failed',
    reason: 'the provider failed unexpectedly',
  }));
}

function addressesOf(vip: Vip): string[] {
  return vip.addresses.map(({ address }) => address);
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
