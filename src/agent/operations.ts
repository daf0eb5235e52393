/** Provider calls under way: batches by provider, can be cancelled, always end in an event. */
import type { Millis } from '../model/time.ts';
import type { ProviderName, Vip, VipId } from '../model/vip.ts';
import type { AcquireRequest, Provider, VipOutcome } from '../provider/provider.ts';
import type { AgentAction, AgentEvent } from './events.ts';

/** No provider call may take longer; what is unfinished then is told by its outcome. */
const CALL_BOUND: Millis = 30_000;

type Call = (provider: Provider, signal: AbortSignal) => Promise<readonly VipOutcome[]>;

export class Operations {
  readonly #providers: ReadonlyMap<ProviderName, Provider>;
  readonly #emit: (event: AgentEvent) => void;
  readonly #acquiring = new Map<VipId, AbortController>();
  readonly #running = new Set<Promise<void>>();
  #renewing = false;

  constructor(providers: ReadonlyMap<ProviderName, Provider>, emit: (event: AgentEvent) => void) {
    this.#providers = providers;
    this.#emit = emit;
  }

  /** The VIPs for which this provider is the first one that this host has. */
  carriedBy(name: ProviderName, vips: readonly Vip[]): Vip[] {
    return vips.filter((vip) => this.#providerOf(vip) === name);
  }

  acquire({ requests, fence }: Extract<AgentAction, { kind: 'acquire' }>): void {
    for (const [name, batch] of this.#byProvider(requests, (request) => request.vip)) {
      const abort = new AbortController();
      for (const { vip } of batch) this.#acquiring.set(vip.id, abort);
      const call: Call = (provider, signal) => provider.acquire(batch, fence, signal);
      const done = (outcomes: readonly VipOutcome[]) => {
        for (const { vip } of batch)
          if (this.#acquiring.get(vip.id) === abort) this.#acquiring.delete(vip.id);
        this.#emit({ kind: 'acquired', outcomes });
      };
      this.#run(name, { vips: batch.map((request: AcquireRequest) => request.vip), call, abort, done });
    }
  }

  cancel(vips: readonly Vip[]): void {
    for (const vip of vips) this.#acquiring.get(vip.id)?.abort();
  }

  release(vips: readonly Vip[], reason: string): void {
    for (const [name, batch] of this.#byProvider(vips, (vip) => vip)) {
      const call: Call = (provider, signal) => provider.release(batch, signal);
      const done = (outcomes: readonly VipOutcome[]) =>
        this.#emit({ kind: 'released', outcomes: outcomes.map((o) => (o.held ? o : { ...o, reason })) });
      this.#run(name, { vips: batch, call, abort: new AbortController(), done });
    }
  }

  /** One round of renewals at a time; only trouble is told. */
  renew(vips: readonly Vip[]): void {
    if (this.#renewing || vips.length === 0) return;
    this.#renewing = true;
    const batches = [...this.#byProvider(vips, (vip) => vip)];
    let open = batches.length;
    for (const [name, batch] of batches) {
      const call: Call = (provider, signal) => provider.renew(batch, signal);
      const done = (outcomes: readonly VipOutcome[]) => {
        open -= 1;
        if (open === 0) this.#renewing = false;
        const trouble = outcomes.filter((outcome) => outcome.code !== 'ok');
        if (trouble.length > 0) this.#emit({ kind: 'renewed', outcomes: trouble });
      };
      this.#run(name, { vips: batch, call, abort: new AbortController(), done });
    }
  }

  announce(vips: readonly Vip[]): void {
    for (const [name, batch] of this.#byProvider(vips, (vip) => vip))
      this.#providers.get(name)?.announce(batch);
  }

  /** Resolves when no call is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #providerOf(vip: Vip): ProviderName | undefined {
    return vip.providers.find((name) => this.#providers.has(name));
  }

  #byProvider<T>(items: readonly T[], vipOf: (item: T) => Vip): Map<ProviderName, T[]> {
    const batches = new Map<ProviderName, T[]>();
    for (const item of items) {
      const name = this.#providerOf(vipOf(item));
      if (name === undefined) continue;
      const batch = batches.get(name);
      if (batch) batch.push(item);
      else batches.set(name, [item]);
    }
    return batches;
  }

  #run(
    name: ProviderName,
    work: {
      readonly vips: readonly Vip[];
      readonly call: Call;
      readonly abort: AbortController;
      readonly done: (outcomes: readonly VipOutcome[]) => void;
    },
  ): void {
    const provider = this.#providers.get(name);
    if (provider === undefined) return;
    const timer = setTimeout(() => work.abort.abort(), CALL_BOUND);
    const running = work
      .call(provider, work.abort.signal)
      .catch((error: unknown): readonly VipOutcome[] => broken(work.vips, error))
      .then((outcomes) => {
        clearTimeout(timer);
        this.#running.delete(running);
        work.done(outcomes);
      });
    this.#running.add(running);
  }
}

/** A provider that throws breaks its contract: say so, and count the VIPs as held, since nobody knows. */
function broken(vips: readonly Vip[], error: unknown): VipOutcome[] {
  const reason = `the provider failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
  return vips.map((vip) => ({ vip: vip.id, held: true, code: 'failed' as const, reason }));
}
