/**
 * Provider `memory`: the contract of providers as plain data. For the demo without rights, for simulations and as the
 * reference of what a provider has to do. Moves no real address. Time and trouble are given to it from outside.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Instant, Millis } from '../../src/model/time.ts';
import type { ProviderName, Vip, VipId } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type {
  AcquireRequest,
  Check,
  OutcomeCode,
  Provider,
  ProviderEvent,
  ProviderTraits,
  VipOutcome,
} from '../../src/provider/provider.ts';
import { MemoryLink } from './link.ts';

export interface MemorySettings {
  /** How long each call takes; 0 unless said. */
  readonly latency?: Millis;
  /** Between two looks at a link that shall become silent; 1 unless said. */
  readonly lookInterval?: Millis;
}

export interface MemoryParts {
  /** The segment it stands on; one of its own unless said. */
  readonly link?: MemoryLink;
  readonly now?: () => Instant;
  /** Resolves after that time, or as soon as the signal aborts; never rejects. */
  readonly sleep?: (length: Millis, signal: AbortSignal) => Promise<void>;
}

/** Trouble made on purpose, beside the contract. */
export interface MemoryProvider extends Provider {
  /** Every acquire of the VIP fails like this until it is called with `undefined`. */
  refuse(vip: VipId, how: { readonly code: OutcomeCode; readonly reason: string } | undefined): void;
  /** The VIP's addresses vanish behind our back. */
  lose(vip: VipId, reason: string): void;
  setFit(vip: VipId, fit: boolean, reason: string): void;
}

export function createMemoryProvider(
  name: ProviderName,
  settings: MemorySettings = {},
  parts: MemoryParts = {},
): MemoryProvider {
  return new InMemory(name, settings, parts);
}

class InMemory implements MemoryProvider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits = { families: [4, 6], scope: 'link', atomicTakeover: false };
  readonly #settings: Required<MemorySettings>;
  readonly #parts: Required<MemoryParts>;
  readonly #held = new Map<VipId, Vip>();
  readonly #wishes = new Map<VipId, number>();
  readonly #refusals = new Map<VipId, { code: OutcomeCode; reason: string }>();
  readonly #unfit = new Map<VipId, string>();
  #listener: (event: ProviderEvent) => void = () => {};
  /** Tells providers of one name on one link apart. */
  readonly #who: string;

  constructor(name: ProviderName, settings: MemorySettings, parts: MemoryParts) {
    this.name = name;
    this.#who = `${name}/${++created}`;
    this.#settings = { latency: 0, lookInterval: 1, ...settings };
    this.#parts = { link: new MemoryLink(), now: monotonicNow, sleep: sleepUntilAborted, ...parts };
  }

  async start(vips: readonly Vip[], listener: (event: ProviderEvent) => void): Promise<void> {
    this.#listener = listener;
    for (const { id } of vips) {
      const reason = this.#unfit.get(id);
      if (reason !== undefined) listener({ kind: 'fitness', vip: id, fit: false, reason });
    }
  }

  configure(): void {}

  async inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return this.#call(vips, signal, (vip) => {
      const held = this.#held.has(vip.id);
      return { held, code: 'ok', reason: held ? 'held in memory' : 'is not here' };
    });
  }

  async acquire(
    requests: readonly AcquireRequest[],
    _fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    const once = [...new Map(requests.map((request) => [request.vip.id, request])).values()];
    const numbered = once.map((request) => ({ request, number: this.#wish(request.vip.id) }));
    if (!signal.aborted) await this.#parts.sleep(this.#settings.latency, signal);
    return Promise.all(numbered.map(({ request, number }) => this.#acquireOne(request, number, signal)));
  }

  async release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    if (!signal.aborted) for (const { id } of vips) this.#wish(id);
    return this.#call(vips, signal, (vip) => {
      const held = this.#held.has(vip.id);
      this.#drop(vip.id);
      return { held: false, code: 'ok', reason: held ? 'released' : 'was not here' };
    });
  }

  async renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return this.#call(vips, signal, (vip) =>
      this.#held.has(vip.id)
        ? { held: true, code: 'ok', reason: 'renewed' }
        : { held: false, code: 'lost', reason: 'is not held here, so there is nothing to renew' },
    );
  }

  announce(): void {}

  async test(vips: readonly Vip[], _signal: AbortSignal): Promise<readonly Check[]> {
    return vips.map((vip): Check => {
      const reason = this.#unfit.get(vip.id);
      if (reason === undefined) {
        return {
          vip: vip.id,
          what: 'memory',
          verdict: 'pass',
          detail: 'is always possible; no real address moves',
        };
      }
      return { vip: vip.id, what: 'memory', verdict: 'fail', detail: reason, mend: 'set it fit again' };
    });
  }

  async stop(): Promise<void> {
    this.#listener = () => {};
    for (const vip of [...this.#held.keys()]) this.#drop(vip);
  }

  refuse(vip: VipId, how: { readonly code: OutcomeCode; readonly reason: string } | undefined): void {
    if (how === undefined) this.#refusals.delete(vip);
    else this.#refusals.set(vip, how);
  }

  lose(vip: VipId, reason: string): void {
    if (!this.#held.has(vip)) return;
    this.#drop(vip);
    this.#listener({ kind: 'lost', vip, reason });
  }

  setFit(vip: VipId, fit: boolean, reason: string): void {
    if (fit === !this.#unfit.has(vip)) return;
    if (fit) this.#unfit.delete(vip);
    else this.#unfit.set(vip, reason);
    this.#listener({ kind: 'fitness', vip, fit, reason });
  }

  async #acquireOne(request: AcquireRequest, number: number, signal: AbortSignal): Promise<VipOutcome> {
    const { vip, guard } = request;
    const outcome = (code: OutcomeCode, reason: string): VipOutcome => ({
      vip: vip.id,
      held: this.#held.has(vip.id),
      code,
      reason,
    });
    if (guard.kind === 'when-silent') {
      const wanted = (): boolean => !signal.aborted && this.#wishes.get(vip.id) === number;
      while (wanted() && this.#strangers(vip).length > 0 && this.#parts.now() < guard.until) {
        await this.#parts.sleep(this.#settings.lookInterval, signal);
      }
      const [stranger] = this.#strangers(vip);
      if (wanted() && stranger !== undefined) return outcome('address-in-use', `${stranger} answers for it`);
    }
    if (signal.aborted || this.#wishes.get(vip.id) !== number)
      return outcome('aborted', 'given up before it was done');
    const refusal = this.#refusals.get(vip.id);
    if (refusal !== undefined) return outcome(refusal.code, refusal.reason);
    const unfit = this.#unfit.get(vip.id);
    if (unfit !== undefined) return outcome('link-down', unfit);
    this.#held.set(vip.id, vip);
    for (const { address } of vip.addresses) this.#parts.link.join(address, this.#who);
    return outcome('ok', 'held in memory');
  }

  async #call(
    vips: readonly Vip[],
    signal: AbortSignal,
    answer: (vip: Vip) => Omit<VipOutcome, 'vip'>,
  ): Promise<VipOutcome[]> {
    if (!signal.aborted) await this.#parts.sleep(this.#settings.latency, signal);
    const once = [...new Map(vips.map((vip) => [vip.id, vip])).values()];
    return once.map((vip) =>
      signal.aborted
        ? {
            vip: vip.id,
            held: this.#held.has(vip.id),
            code: 'aborted',
            reason: 'given up before it was done',
          }
        : { vip: vip.id, ...answer(vip) },
    );
  }

  #strangers(vip: Vip): string[] {
    return vip.addresses
      .flatMap(({ address }) => this.#parts.link.answering(address))
      .filter((who) => who !== this.#who);
  }

  #drop(vip: VipId): void {
    for (const { address } of this.#held.get(vip)?.addresses ?? [])
      this.#parts.link.leave(address, this.#who);
    this.#held.delete(vip);
  }

  #wish(vip: VipId): number {
    const number = (this.#wishes.get(vip) ?? 0) + 1;
    this.#wishes.set(vip, number);
    return number;
  }
}

let created = 0;

async function sleepUntilAborted(length: Millis, signal: AbortSignal): Promise<void> {
  if (length === 0) return;
  try {
    await delay(length, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
