/**
 * Two providers as one: `outer` brings the traffic to this host (a cloud), `guest` has the host answer for the address (`local`, under
 * its lease and guardian). Acquired from outside in and released from inside out, so that the host never answers for what
 * is not brought to it for longer than it must. Held is what both have. It knows neither of them and moves nothing itself.
 */
import type { KnownNeighbour } from '../../src/model/neighbour.ts';
import type { ProviderName, Vip, VipId } from '../../src/model/vip.ts';
import type {
  AcquireRequest,
  Check,
  OutcomeCode,
  Provider,
  ProviderEvent,
  ProviderTraits,
  VipOutcome,
} from '../../src/provider/provider.ts';
import { Moods } from './moods.ts';
import { combined, joined, lostBoth } from './outcomes.ts';
import { isGone, type Lost, Renewals } from './renewals.ts';

export interface ComposedParts {
  readonly outer: Provider;
  readonly guest: Provider;
}

/** How the addresses stand in the guest. */
export interface GuestPlacement {
  readonly interface: string;
  readonly prefix: { readonly 4: number; readonly 6: number };
}

export function createComposedProvider(
  name: ProviderName,
  placement: GuestPlacement,
  parts: ComposedParts,
): Provider {
  return new Composed(name, placement, parts);
}

/** No signal of anybody's: what was lost outside is taken down here whatever else goes on. */
const OWN_SIGNAL = new AbortController().signal;

class Composed implements Provider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  readonly #placement: GuestPlacement;
  readonly #outer: Provider;
  readonly #guest: Provider;
  readonly #moods = new Moods((event) => this.#listener(event));
  readonly #renewals: Renewals;
  /** The younger wish counts: an acquire whose number is not the last one any more goes no further. */
  readonly #wishes = new Map<VipId, number>();
  /** How often the guest has told that it lost it. */
  readonly #losses = new Map<VipId, number>();
  /** VIPs by id, as they were last asked for. */
  readonly #known = new Map<VipId, Vip>();
  #listener: (event: ProviderEvent) => void = () => {};

  constructor(name: ProviderName, placement: GuestPlacement, { outer, guest }: ComposedParts) {
    this.name = name;
    this.#placement = placement;
    this.#outer = outer;
    this.#guest = guest;
    this.traits = traitsOf(outer.traits, guest.traits);
    this.#renewals = new Renewals(outer, (vips) => void this.#lostOutside(vips));
  }

  async start(
    vips: readonly Vip[],
    listener: (event: ProviderEvent) => void,
    adopt?: readonly Vip[],
  ): Promise<void> {
    this.#listener = listener;
    // The guest sweeps first: what an earlier run left there answers to nobody from then on.
    await this.#guest.start(
      this.#inGuest(vips),
      (event) => this.#guestTold(event),
      adopt && this.#inGuest(adopt),
    );
    try {
      await this.#outer.start(vips, (event) => this.#outerTold(event), adopt);
    } catch (error) {
      await this.#guest.stop();
      throw error;
    }
  }

  configure(vips: readonly Vip[]): void {
    this.#moods.configure(vips);
    this.#outer.configure(vips);
    this.#guest.configure(this.#inGuest(vips));
  }

  async inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const [outer, guest] = await Promise.all([
      this.#outer.inspect(vips, signal),
      this.#guest.inspect(this.#inGuest(vips), signal),
    ]);
    return joined(outer, guest);
  }

  async acquire(
    requests: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    const once = [...new Map(requests.map((request) => [request.vip.id, request])).values()];
    const able = once.filter(({ vip }) => this.#moods.unfitInGuest(vip.id) === undefined);
    // Who waits for silence on a link holds up nobody else; what a cloud does at once, it does in one call.
    const [atOnce, waiting] = [able.filter(isAtOnce), able.filter((request) => !isAtOnce(request))];
    const batches = [...(atOnce.length > 0 ? [atOnce] : []), ...waiting.map((request) => [request])];
    const answers = await Promise.all([
      ...batches.map((batch) => this.#acquireBatch(batch, fence, signal)),
      this.#refuse(
        once.filter((request) => !able.includes(request)),
        signal,
      ),
    ]);
    return answers.flat();
  }

  async #acquireBatch(
    batch: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    const numbers = new Map(batch.map(({ vip }) => [vip.id, this.#wish(vip.id)]));
    const losses = new Map(this.#losses);
    const wanted = (vip: VipId) => this.#wishes.get(vip) === numbers.get(vip);
    const stayed = (vip: VipId) => this.#losses.get(vip) === losses.get(vip);
    const outside = await this.#outer.acquire(batch, fence, signal);
    const brought = new Map(outside.map((outcome) => [outcome.vip, outcome]));
    const inside = batch.filter(({ vip }) => isWell(brought.get(vip.id)) && wanted(vip.id));
    const up = await this.#putUp(inside, fence, signal);
    const stale = inside.map(({ vip }) => vip).filter((vip) => !wanted(vip.id));
    if (stale.length > 0) await this.#guest.release(this.#inGuest(stale), OWN_SIGNAL);
    return outside.map((outcome) => {
      if (!isWell(outcome)) return outcome;
      if (!wanted(outcome.vip)) return overtaken(outcome.vip);
      return combined(outcome, stayed(outcome.vip) ? up.get(outcome.vip) : undefined);
    });
  }

  /** What could not be up in the guest is not brought here. */
  async #refuse(requests: readonly AcquireRequest[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    if (requests.length === 0) return [];
    const found = await this.#outer.inspect(
      requests.map(({ vip }) => vip),
      signal,
    );
    return found.map((outcome) =>
      outcome.code === 'ok'
        ? { ...outcome, code: 'link-down', reason: this.#moods.unfitInGuest(outcome.vip) ?? outcome.reason }
        : outcome,
    );
  }

  async release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const once = [...new Map(vips.map((vip) => [vip.id, vip])).values()];
    if (!signal.aborted) for (const { id } of once) this.#wish(id);
    const inside = await this.#guest.release(this.#inGuest(once), signal);
    const gone = new Set(inside.filter(({ held }) => !held).map(({ vip }) => vip));
    const outside = await this.#outer.release(
      once.filter(({ id }) => gone.has(id)),
      signal,
    );
    // As long as this host answers for it, nobody else is to be brought the traffic.
    const kept = inside.filter(({ held }) => held);
    return [
      ...kept.map((outcome) => ({ ...outcome, reason: `in the guest: ${outcome.reason}` })),
      ...outside,
    ];
  }

  /** The lease in the guest waits for no cloud: what that says late counts when it comes. */
  async renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const once = [...new Map(vips.map((vip) => [vip.id, vip])).values()];
    const wishes = new Map(this.#wishes);
    const current = (vip: VipId) => this.#wishes.get(vip) === wishes.get(vip);
    const outside = this.#renewals.begin(once, { signal, current });
    const inside = await this.#guest.renew(this.#inGuest(once), signal);
    const told = await outside;
    const lost = new Set(told.filter(isGone).map(({ vip }) => vip));
    if (lost.size > 0) await this.#dropInside(once.filter(({ id }) => lost.has(id)));
    const byVip = new Map(told.map((outcome) => [outcome.vip, outcome]));
    return inside.map((outcome) => lostBoth(byVip.get(outcome.vip), outcome));
  }

  announce(vips: readonly Vip[]): void {
    this.#outer.announce(vips);
    this.#guest.announce(this.#inGuest(vips));
  }

  neighbours(neighbours: readonly KnownNeighbour[]): void {
    this.#guest.neighbours?.(neighbours);
  }

  tick(): void {
    this.#outer.tick?.();
    this.#guest.tick?.();
  }

  async test(vips: readonly Vip[], signal: AbortSignal): Promise<readonly Check[]> {
    const [outer, guest] = await Promise.all([
      this.#outer.test(vips, signal),
      this.#guest.test(this.#inGuest(vips), signal),
    ]);
    const told = guest.filter((check) => !isOfNeighbours(check));
    return [...outer, ...told.map((check) => ({ ...check, what: `in the guest: ${check.what}` }))];
  }

  async stop(): Promise<void> {
    this.#listener = () => {};
    this.#moods.clear();
    try {
      await this.#outer.stop();
    } finally {
      await this.#guest.stop();
    }
  }

  async #putUp(
    requests: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<VipId, VipOutcome>> {
    if (requests.length === 0) return new Map();
    // Whoever has it otherwise is told so by the outer one; on a link of its own nobody can be asked.
    const guarded = requests.map(({ vip }) => ({
      vip: this.#asGuest(vip),
      guard: { kind: 'at-once' } as const,
    }));
    const outcomes = await this.#guest.acquire(guarded, fence, signal);
    return new Map(outcomes.map((outcome) => [outcome.vip, outcome]));
  }

  #outerTold(event: ProviderEvent): void {
    if (event.kind === 'lost') return void this.#lostOutside([{ vip: event.vip, event }]);
    if (event.kind === 'slots' || event.kind === 'neighbours') return this.#listener(event);
    this.#moods.outer(event);
  }

  #guestTold(event: ProviderEvent): void {
    if (event.kind === 'slots') return;
    if (event.kind === 'neighbours') return this.#listener(event);
    if (event.kind !== 'lost') return this.#moods.guest(event);
    this.#losses.set(event.vip, (this.#losses.get(event.vip) ?? 0) + 1);
    this.#listener({ ...event, reason: `in the guest: ${event.reason}` });
  }

  /** Somebody else is brought the traffic: this host stops answering before anybody is told. */
  async #lostOutside(lost: readonly Lost[]): Promise<void> {
    const listener = this.#listener;
    for (const { vip } of lost) this.#wish(vip);
    await this.#dropInside(lost.flatMap(({ vip }) => this.#known.get(vip) ?? []));
    if (listener === this.#listener) for (const { event } of lost) listener(event);
  }

  /** Never rejects: what cannot be taken down is not renewed any more, and the lease ends it. */
  async #dropInside(vips: readonly Vip[]): Promise<void> {
    try {
      await this.#guest.release(this.#inGuest(vips), OWN_SIGNAL);
    } catch {
      // A fault of the guest's own; its lease is what is left.
    }
  }

  #inGuest(vips: readonly Vip[]): Vip[] {
    return vips.map((vip) => this.#asGuest(vip));
  }

  #asGuest(vip: Vip): Vip {
    this.#known.set(vip.id, vip);
    const { interface: device, prefix } = this.#placement;
    const addresses = vip.addresses.map(({ family, address }) => ({
      family,
      address,
      prefixLength: prefix[family],
      interface: device,
    }));
    return { ...vip, addresses };
  }

  #wish(vip: VipId): number {
    const number = (this.#wishes.get(vip) ?? 0) + 1;
    this.#wishes.set(vip, number);
    return number;
  }
}

/** What ends in the guest ends for everybody: nobody is served any more, wherever the traffic is brought. */
function traitsOf(outer: ProviderTraits, guest: ProviderTraits): ProviderTraits {
  const { scope, atomicTakeover } = outer;
  const families = outer.families.filter((family) => guest.families.includes(family));
  const { leaseBound } = guest;
  return { families, scope, atomicTakeover, ...(leaseBound !== undefined && { leaseBound }) };
}

function isAtOnce({ guard }: AcquireRequest): boolean {
  return guard.kind === 'at-once';
}

function isWell(outcome: VipOutcome | undefined): boolean {
  return outcome?.held === true && outcome.code === 'ok';
}

function overtaken(vip: VipId): VipOutcome {
  const code: OutcomeCode = 'aborted';
  return { vip, held: false, code, reason: 'released, or taken away, while it was being acquired' };
}

/** Warnings of what announces or answers on a link: where a cloud leads the address, nobody asks there, and `lo` is a good place for it. */
function isOfNeighbours({ what, verdict }: Check): boolean {
  return verdict === 'warn' && /^(interface|arp_ignore of) /.test(what);
}
