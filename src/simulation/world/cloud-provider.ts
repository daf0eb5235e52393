/**
 * A provider for hosts in a cloud, on a simulated register: takes an address from its holder in one step, leases nothing, reads back
 * until it sees what it did, is refused what does not fit, and has the troubles that any provider may have.
 */
import type { Instant, Millis } from '../../model/time.ts';
import type { Vip, VipId } from '../../model/vip.ts';
import type { AcquireRequest, OutcomeCode, ProviderTraits, VipOutcome } from '../../provider/provider.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Call } from './calls.ts';
import { STALE_MAX } from './cloud.ts';
import type { Host } from './host.ts';
import type { Done, SimulatedProvider } from './simulated-provider.ts';
import { type ProviderTrouble, strikes } from './trouble.ts';
import type { World } from './world.ts';

export const CLOUD_TRAITS: ProviderTraits = { families: [4, 6], scope: 'region', atomicTakeover: true };
/** Between two looks whether a change is seen. */
const LOOK: Millis = 20;
const LOOKS_MAX = 20;

interface Change {
  readonly fence: number;
  readonly call: Call;
  readonly done: Done;
}

export class CloudProvider implements SimulatedProvider {
  readonly #world: World;
  readonly #host: Host;
  readonly #agent: AgentProcess;
  /** When each was last changed by us: what is seen before that is settled is no news. */
  readonly #changedAt = new Map<VipId, Instant>();
  readonly #wishes = new Map<VipId, number>();

  constructor(world: World, agent: AgentProcess) {
    this.#world = world;
    this.#agent = agent;
    this.#host = agent.host;
  }

  /** Sweeps what is still written for this host. */
  start(): void {
    for (const address of this.#world.cloud.of(this.#host)) this.#world.cloud.unassign(address, this.#host);
    const { slots } = this.#host;
    if (slots !== undefined)
      this.#agent.handle({ kind: 'provider', provider: 'cloud', event: { kind: 'slots', family: 4, slots } });
  }

  acquire(requests: readonly AcquireRequest[], { fence, call, done }: Change): void {
    const vips = requests.map(({ vip }) => vip);
    const numbers = new Map(vips.map(({ id }) => [id, this.#wish(id)]));
    const trouble = this.#trouble();
    if (trouble?.kind === 'error') return this.#later(() => done(this.#outcomes(vips, 'failed', '503')));
    if (trouble?.kind === 'throw') return this.#later(() => done(brokenOutcomes(vips)));
    if (trouble?.kind === 'hang')
      return call.onAbort(() => done(this.#outcomes(vips, 'aborted', 'no answer')));
    const said: Done =
      trouble?.kind === 'lost-answer'
        ? () => call.onAbort(() => done(this.#outcomes(vips, 'aborted', 'the answer was lost')))
        : done;
    this.#later(() => {
      const wanted = vips.filter(({ id }) => this.#wishes.get(id) === numbers.get(id) && !call.aborted);
      const refused = new Map(wanted.map((vip) => [vip.id, this.#assign(vip, fence)]));
      this.#readBack(
        wanted.filter(({ id }) => refused.get(id) === undefined),
        {
          call,
          left: LOOKS_MAX,
          done: () =>
            said(
              vips.map((vip) => {
                const refusal = refused.get(vip.id);
                if (refusal !== undefined) return this.#outcome(vip, ...refusal);
                return this.#outcome(vip, this.#isOurs(vip) ? 'ok' : 'aborted', 'brought here, or given up');
              }),
            ),
        },
      );
    });
  }

  release(vips: readonly Vip[], call: Call, done: Done): void {
    const trouble = this.#trouble(true);
    for (const { id } of vips) this.#wish(id);
    if (trouble?.kind === 'throw') return this.#later(() => done(brokenOutcomes(vips)));
    if (trouble?.kind === 'hang')
      return call.onAbort(() => done(this.#remains(vips, 'aborted', 'no answer')));
    this.#later(() => {
      if (trouble?.kind === 'error') return done(this.#remains(vips, 'failed', '503'));
      for (const vip of vips) {
        this.#changedAt.set(vip.id, this.#world.now);
        for (const { address } of vip.addresses) this.#world.cloud.unassign(address, this.#host);
      }
      const outcomes = vips.map(
        (vip) => ({ vip: vip.id, held: false, code: 'ok', reason: 'released' }) as const,
      );
      if (trouble?.kind === 'lost-answer') call.onAbort(() => done(outcomes));
      else done(outcomes);
    });
  }

  renew(vips: readonly Vip[], done: Done): void {
    done(
      vips.map((vip) => {
        const settled = this.#world.now - (this.#changedAt.get(vip.id) ?? 0) > STALE_MAX;
        const gone = vip.addresses.some(({ address }) => this.#world.cloud.seen(address) !== this.#host);
        if (settled && gone) {
          // Whoever took a part leaves the rest, which nobody would ever take away.
          for (const { address } of vip.addresses) this.#world.cloud.unassign(address, this.#host);
          return { vip: vip.id, held: false, code: 'lost', reason: 'it is written for another host' };
        }
        return { vip: vip.id, held: true, code: 'ok', reason: 'still ours' };
      }),
    );
  }

  configure(): void {}
  tick(): void {}
  /** Nobody tells: the next look at the register does. */
  vanished(): void {}
  fenced(): void {}
  carrierChanged(): void {}
  guardianStarted(): void {}

  /** Why it was refused; all or nothing. */
  #assign(vip: Vip, fence: number): readonly [OutcomeCode, string] | undefined {
    const { cloud } = this.#world;
    const fours = vip.addresses.filter(({ family }) => family === 4);
    const others = cloud.of(this.#host).filter((address) => !address.includes(':'));
    const more = fours.filter(({ address }) => !others.includes(address)).length;
    if (this.#host.slots !== undefined && others.length + more > this.#host.slots)
      return ['limit', 'the number of private addresses will exceed the limit'];
    this.#changedAt.set(vip.id, this.#world.now);
    for (const { address } of vip.addresses) {
      const refusal = cloud.assign(address, this.#host, this.#fenceOf(vip, fence));
      if (refusal === undefined) continue;
      for (const taken of vip.addresses) cloud.unassign(taken.address, this.#host);
      return ['failed', refusal];
    }
    return undefined;
  }

  /** Where clocks are right at start, and one part alone may act, fences rise. */
  #fenceOf({ policy }: Vip, fence: number): number | undefined {
    return policy === 'primary' && this.#world.hasClocks ? fence : undefined;
  }

  #readBack(
    vips: readonly Vip[],
    context: { readonly call: Call; readonly left: number; readonly done: () => void },
  ): void {
    const { call, left, done } = context;
    const unseen = vips.filter((vip) =>
      vip.addresses.some(({ address }) => this.#world.cloud.seen(address) !== this.#host),
    );
    if (unseen.length === 0 || left === 0 || call.aborted) return done();
    this.#agent.after(LOOK, () => this.#readBack(unseen, { ...context, left: left - 1 }));
  }

  #isOurs(vip: Vip): boolean {
    return vip.addresses.every(({ address }) => this.#world.cloud.holder(address) === this.#host);
  }

  #trouble(releasing = false): ProviderTrouble | undefined {
    const { trouble } = this.#host;
    const { now, random } = this.#world;
    if (!strikes(trouble, { now, random }) || (releasing && !trouble.releases)) return undefined;
    return trouble;
  }

  #later(work: () => void): void {
    const slow = this.#trouble()?.kind === 'slow' ? this.#world.random.between(50, 3000) : 0;
    this.#agent.after(slow + this.#world.random.between(2, 40), work);
  }

  #wish(vip: VipId): number {
    const number = (this.#wishes.get(vip) ?? 0) + 1;
    this.#wishes.set(vip, number);
    return number;
  }

  #outcomes(vips: readonly Vip[], code: OutcomeCode, reason: string): VipOutcome[] {
    return vips.map((vip) => this.#outcome(vip, code, reason));
  }

  /** Of a release: also a part that is left is something to let go of. */
  #remains(vips: readonly Vip[], code: OutcomeCode, reason: string): VipOutcome[] {
    return vips.map((vip) => ({ vip: vip.id, held: this.#hasPart(vip), code, reason }));
  }

  #hasPart({ addresses }: Vip): boolean {
    return addresses.some(({ address }) => this.#world.cloud.holder(address) === this.#host);
  }

  /** The truth, whatever was asked. */
  #outcome(vip: Vip, code: OutcomeCode, reason: string): VipOutcome {
    const held = this.#isOurs(vip);
    if (held || !this.#hasPart(vip)) return { vip: vip.id, held, code, reason };
    return { vip: vip.id, held: true, code: 'failed', reason: 'only a part of it is here' };
  }
}

/** What `agent/operations.ts` makes of a provider that throws. */
function brokenOutcomes(vips: readonly Vip[]): VipOutcome[] {
  return vips.map(({ id }) => ({
    vip: id,
    held: true,
    code: 'failed',
    reason: 'the provider failed unexpectedly',
  }));
}
