/** Provider calls under way: batches by provider, can be cancelled, always end in an event. */

import type { KnownNeighbour } from '../model/neighbour.ts';
import type { Millis } from '../model/time.ts';
import type { ProviderName, Vip, VipId } from '../model/vip.ts';
import type { AcquireRequest, Provider, VipOutcome } from '../provider/provider.ts';
import type { AgentAction, AgentEvent } from './events.ts';
import { brokenAnswer, problemOf, readAnswer } from './provider-answers.ts';

/** No provider call may take longer; what is unfinished then is told by its outcome. */
const CALL_BOUND: Millis = 30_000;
/** A call that was aborted settles within 100 ms by contract; one that has not by now is given up. */
const ABORT_GRACE: Millis = 2_000;

type Call = (provider: Provider, signal: AbortSignal) => Promise<readonly VipOutcome[]>;

interface Work {
  readonly vips: readonly Vip[];
  readonly call: Call;
  readonly abort: AbortController;
  readonly done: (outcomes: readonly VipOutcome[]) => void;
}

export class Operations {
  readonly #providers: ReadonlyMap<ProviderName, Provider>;
  readonly #emit: (event: AgentEvent) => void;
  readonly #complain: (provider: ProviderName, problem: string) => void;
  readonly #acquiring = new Map<VipId, AbortController>();
  readonly #running = new Set<Promise<void>>();
  /** Providers with a renewal under way. */
  readonly #renewing = new Set<ProviderName>();

  /** `complain` is told what a provider did against its contract. */
  constructor(
    providers: ReadonlyMap<ProviderName, Provider>,
    listeners: {
      readonly emit: (event: AgentEvent) => void;
      readonly complain: (provider: ProviderName, problem: string) => void;
    },
  ) {
    this.#providers = providers;
    this.#emit = listeners.emit;
    this.#complain = listeners.complain;
  }

  /** No call is under way. */
  get isIdle(): boolean {
    return this.#running.size === 0;
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

  /** Of each provider one renewal at a time, so that a slow one delays no other; only trouble is told. */
  renew(vips: readonly Vip[]): void {
    for (const [name, batch] of this.#byProvider(vips, (vip) => vip)) {
      if (this.#renewing.has(name)) continue;
      this.#renewing.add(name);
      const call: Call = (provider, signal) => provider.renew(batch, signal);
      const done = (outcomes: readonly VipOutcome[]) => {
        this.#renewing.delete(name);
        const trouble = outcomes.filter((outcome) => outcome.code !== 'ok');
        if (trouble.length > 0) this.#emit({ kind: 'renewed', outcomes: trouble });
      };
      this.#run(name, { vips: batch, call, abort: new AbortController(), done });
    }
  }

  announce(vips: readonly Vip[]): void {
    for (const [name, batch] of this.#byProvider(vips, (vip) => vip))
      this.#guarded(name, 'announce', (provider) => provider.announce(batch));
  }

  /** Other members know these. */
  neighbours(neighbours: readonly KnownNeighbour[]): void {
    for (const name of this.#providers.keys())
      this.#guarded(name, 'neighbours', (provider) => provider.neighbours?.(neighbours));
  }

  /** The agent is well: for those who pass it on to a guardian. */
  tick(): void {
    for (const name of this.#providers.keys()) this.#guarded(name, 'tick', (provider) => provider.tick?.());
  }

  /** The VIPs are these from now on. */
  configure(vips: readonly Vip[]): void {
    for (const name of this.#providers.keys()) {
      this.#guarded(name, 'configure', (provider) => provider.configure(this.carriedBy(name, vips)));
    }
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

  #run(name: ProviderName, work: Work): void {
    const provider = this.#providers.get(name);
    if (provider === undefined) return;
    const running = this.#answer(provider, work).then((outcomes) => {
      this.#running.delete(running);
      work.done(outcomes);
    });
    this.#running.add(running);
  }

  /** Always resolves, whatever the provider does. */
  async #answer(provider: Provider, { vips, call, abort }: Work): Promise<readonly VipOutcome[]> {
    const timer = setTimeout(() => abort.abort(), CALL_BOUND);
    const givenUp = afterAbort(abort.signal);
    try {
      const answer = await Promise.race([call(provider, abort.signal), givenUp.promise]);
      const { outcomes, complaint } = readAnswer(vips, answer);
      if (complaint !== '') this.#complain(provider.name, complaint);
      return outcomes;
    } catch (error) {
      // A provider that throws breaks its contract: say so, and count the VIPs as held, since nobody knows.
      const problem = problemOf(error);
      this.#complain(provider.name, problem);
      return brokenAnswer(vips, problem);
    } finally {
      clearTimeout(timer);
      givenUp.forget();
    }
  }

  #guarded(name: ProviderName, what: string, call: (provider: Provider) => unknown): void {
    const provider = this.#providers.get(name);
    if (provider === undefined) return;
    try {
      call(provider);
    } catch (error) {
      this.#complain(name, `${what}: ${problemOf(error)}`);
    }
  }
}

/** Rejects some time after the abort. `forget` must be called in the end. */
function afterAbort(signal: AbortSignal): { readonly promise: Promise<never>; forget(): void } {
  let timer: NodeJS.Timeout | undefined;
  let aborted = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    aborted = () => {
      const late = new Error(`it did not answer within ${ABORT_GRACE} ms of being told to stop`);
      timer = setTimeout(() => reject(late), ABORT_GRACE);
    };
    signal.addEventListener('abort', aborted, { once: true });
  });
  return {
    promise,
    forget: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    },
  };
}
