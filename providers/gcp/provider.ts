/**
 * Provider `gcp`: leads VIPs to this host by the API of Google Compute Engine. The cloud holds one register for each address, so nobody
 * holds it twice; this provider sees to it that the register follows the group, with few calls, and that an old holder undoes nothing
 * (docs/gcp.md). It decides nothing about who holds a VIP.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { GcpProviderConfig } from '../../src/config/config.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import type { ProviderName, Vip, VipId } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type {
  AcquireRequest,
  Check,
  Provider,
  ProviderEvent,
  ProviderTraits,
  VipOutcome,
} from '../../src/provider/provider.ts';
import { GcpFailure } from './failures.ts';
import { FencePost } from './fence-post.ts';
import { Giving } from './giving.ts';
import { isOurs, whoHas } from './judgement.ts';
import { Ledger } from './ledger.ts';
import { Lookout } from './lookout.ts';
import { rehearse } from './rehearsal.ts';
import {
  attributeKeyOf,
  type OpenCompute,
  type ProviderSettings,
  Residence,
  type Settled,
} from './residence.ts';
import { openSdk } from './sdk.ts';
import { type Taken, Taking } from './taking.ts';

export interface GcpSettings {
  readonly config: GcpProviderConfig;
  /** Name of the cluster: by it members know each other. */
  readonly cluster: string;
}

/** The world around it; tests give their own. */
export interface GcpParts {
  readonly openCompute: OpenCompute;
  readonly now: () => Instant;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
}

const TRAITS: Readonly<Record<GcpProviderConfig['mode'], ProviderTraits>> = {
  'alias-ip': { families: [4], scope: 'region', atomicTakeover: true },
  'external-ip': { families: [4], scope: 'region', atomicTakeover: true },
  route: { families: [4], scope: 'any', atomicTakeover: true },
};

/** Less than the agent's own bound on a call (30 s), so that an answer comes with what is wrong. */
const TAKE_PATIENCE: Millis = 25_000;
/** A host that cannot reach the API does not keep others waiting: they can take what it cannot give. */
const GIVE_PATIENCE: Millis = 8_000;

export function createGcpProvider(
  name: ProviderName,
  settings: GcpSettings,
  parts: Partial<GcpParts> = {},
): Provider {
  return new GcpProvider({ name, ...settings }, { ...REAL, ...parts });
}

const REAL: GcpParts = {
  openCompute: openSdk,
  now: monotonicNow,
  wall: Date.now,
  random: Math.random,
  sleep: async (length, signal) => {
    try {
      await delay(length, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};

interface Running {
  readonly residence: Residence;
  readonly lookout: Lookout;
  readonly post: FencePost;
  readonly startedAt: number;
  /** Raised by `stop`: nothing is waited for any more. */
  readonly stopped: AbortController;
}

type Answer = Omit<VipOutcome, 'vip'>;

class GcpProvider implements Provider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  readonly #settings: ProviderSettings;
  readonly #parts: GcpParts;
  readonly #ledger = new Ledger();
  #running: Running | undefined;

  constructor(settings: ProviderSettings, parts: GcpParts) {
    this.name = settings.name;
    this.traits = TRAITS[settings.config.mode];
    this.#settings = settings;
    this.#parts = parts;
  }

  /** An API or a metadata server that does not answer is no reason not to start: it is told, and tried again. */
  async start(
    vips: readonly Vip[],
    listener: (event: ProviderEvent) => void,
    adopt: readonly Vip[] = [],
  ): Promise<void> {
    if (this.#running !== undefined) throw new Error(`provider ${this.name} was started twice`);
    const { cluster, config } = this.#settings;
    const startedAt = this.#parts.wall();
    const residence = new Residence(this.#settings, this.#parts.openCompute);
    const key = attributeKeyOf(this.#settings);
    const post = new FencePost({ metadata: residence.metadata, wall: this.#parts.wall, cluster, key });
    const lookout = new Lookout(
      { interval: config.look_interval_ms, patience: GIVE_PATIENCE },
      { ...this.#parts, residence, ledger: this.#ledger, post, listener },
    );
    this.#ledger.clear();
    for (const { id } of adopt) this.#ledger.hold(id, 0);
    this.#running = { residence, lookout, post, startedAt, stopped: new AbortController() };
    lookout.configure(vips);
    try {
      await residence.open();
      if (adopt.length > 0 && key !== undefined) await this.#adoptFence(key);
    } catch (error) {
      await this.stop();
      throw error;
    }
    lookout.start();
  }

  configure(vips: readonly Vip[]): void {
    this.#run().lookout.configure(vips);
  }

  async inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const { residence } = this.#run();
    const { settled } = residence;
    if (signal.aborted || vips.length === 0) return outcomesOf(vips, (vip) => this.#aborted(vip));
    if (settled === undefined) return outcomesOf(vips, (vip) => this.#unknown(vip, residence.trouble));
    try {
      const sight = await unlessAborted(settled.mode.look(once(vips), { signal }), signal);
      if (sight === undefined) return outcomesOf(vips, (vip) => this.#aborted(vip));
      return outcomesOf(vips, ({ id }) => {
        const held = isOurs(sight, id);
        return { held, code: 'ok', reason: held ? 'it leads to this host' : whoHas(sight, id) };
      });
    } catch (error) {
      if (!(error instanceof GcpFailure)) throw error;
      if (signal.aborted) return outcomesOf(vips, (vip) => this.#aborted(vip));
      return outcomesOf(vips, (vip) => this.#unknown(vip, error.message));
    }
  }

  async acquire(
    requests: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    const vips = once(requests.map(({ vip }) => vip));
    if (signal.aborted || vips.length === 0) return outcomesOf(vips, (vip) => this.#aborted(vip));
    const { residence, stopped } = this.#run();
    const { settled } = residence;
    if (settled === undefined) {
      const reason = residence.trouble;
      return outcomesOf(vips, () => ({ held: false, code: 'timeout', reason }));
    }
    const taking = this.#taking(vips, { settled, fence });
    const running = this.#ledger.busy(vips, taking.run(AbortSignal.any([signal, stopped.signal])));
    const results = (await unlessAborted(running, signal)) ?? taking.results(true);
    return outcomesOf(vips, ({ id }) => this.#book(id, results.get(id), fence));
  }

  async release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const some = once(vips);
    if (signal.aborted || some.length === 0) return outcomesOf(some, (vip) => this.#aborted(vip));
    const { residence, lookout, stopped } = this.#run();
    const { settled } = residence;
    const wishes = new Map(some.map(({ id }) => [id, this.#ledger.wish(id)]));
    if (settled === undefined)
      return outcomesOf(some, ({ id }) => this.#droppedUnasked(id, residence.trouble));
    const unwanted = (id: VipId) => this.#ledger.wished(id) === wishes.get(id);
    const giving = new Giving({ vips: some, patience: GIVE_PATIENCE, unwanted }, this.#changing(settled));
    const work = this.#ledger.quiet(some).then(() => giving.run(AbortSignal.any([signal, stopped.signal])));
    const results = await unlessAborted(this.#ledger.busy(some, work), signal);
    return outcomesOf(some, (vip) => {
      const given = results?.get(vip.id);
      if (given === undefined || given.outcome.code === 'aborted') return this.#aborted(vip);
      this.#ledger.drop(vip.id);
      if (given.left) lookout.untidy(vip.id, given.outcome.reason);
      return given.outcome;
    });
  }

  /** From memory: the cloud leases nothing, and who asks twice a second would be throttled. */
  async renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    return outcomesOf(vips, (vip) => {
      if (signal.aborted) return this.#aborted(vip);
      return this.#ledger.holds(vip.id)
        ? { held: true, code: 'ok', reason: 'nothing to renew: the cloud leases nothing' }
        : { held: false, code: 'lost', reason: 'does not lead here' };
    });
  }

  announce(): void {}

  async test(vips: readonly Vip[], signal: AbortSignal): Promise<readonly Check[]> {
    const { openCompute, now } = this.#parts;
    return rehearse(once(vips), { settings: this.#settings, openCompute, now, signal });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stopped.abort();
    running?.lookout.stop();
    running?.post.close();
    await this.#ledger.settled();
    running?.residence.close();
    this.#ledger.clear();
  }

  #taking(
    vips: readonly Vip[],
    { settled, fence }: { readonly settled: Settled; readonly fence: number },
  ): Taking {
    const numbers = new Map(vips.map(({ id }) => [id, this.#ledger.wish(id)]));
    const { post, startedAt } = this.#run();
    return new Taking(
      vips,
      { settle: this.#settings.config.settle_timeout_ms, patience: TAKE_PATIENCE },
      {
        ...this.#changing(settled),
        claimOf: (id) => ({ fence, startedAt, lostUnder: this.#ledger.lostUnder(id) }),
        shown: { fence, since: this.#parts.wall() },
        wanted: (id) => this.#running !== undefined && this.#ledger.wished(id) === numbers.get(id),
        acting: () => post.raise(fence),
      },
    );
  }

  #changing({ compute, mode }: Settled) {
    const { now, random, sleep } = this.#parts;
    return { compute, mode, ledger: this.#ledger, now, random, sleep };
  }

  async #adoptFence(key: string): Promise<void> {
    const { residence, post } = this.#run();
    const { settled } = residence;
    if (settled === undefined) return;
    try {
      const signal = AbortSignal.timeout(GIVE_PATIENCE);
      post.adopt(await settled.compute.guestAttribute(settled.place.self, key, { signal }));
    } catch (error) {
      // Nothing is shown then until something is taken.
      if (!(error instanceof GcpFailure)) throw error;
    }
  }

  /** Turns what became of it into the answer, and remembers what is held. */
  #book(id: VipId, taken: Taken | undefined, fence: number): Answer {
    const lookout = this.#running?.lookout;
    if (taken === undefined) return { held: false, code: 'failed', reason: 'nothing became of it' };
    const { outcome, touched } = taken;
    if (outcome.held && outcome.code === 'ok') {
      this.#ledger.hold(id, fence);
      if (touched) lookout?.lookSoon();
    } else if (touched && !outcome.held) lookout?.untidy(id, outcome.reason);
    return outcome;
  }

  #droppedUnasked(id: VipId, trouble: string): Answer {
    this.#ledger.drop(id);
    return { held: false, code: 'ok', reason: `was not here as far as is known: ${trouble}` };
  }

  #aborted({ id }: Vip): Answer {
    return { held: this.#ledger.holds(id), code: 'aborted', reason: 'given up before it was done' };
  }

  /** What was last known stays so. */
  #unknown({ id }: Vip, why: string): Answer {
    const reason = `as last known, since it cannot be asked: ${why}`;
    return { held: this.#ledger.holds(id), code: 'timeout', reason };
  }

  #run(): Running {
    if (this.#running === undefined) throw new Error(`provider ${this.name} is not started`);
    return this.#running;
  }
}

function once(vips: readonly Vip[]): readonly Vip[] {
  return [...new Map(vips.map((vip) => [vip.id, vip])).values()];
}

function outcomesOf(vips: readonly Vip[], of: (vip: Vip) => Answer): readonly VipOutcome[] {
  return once(vips).map((vip) => ({ vip: vip.id, ...of(vip) }));
}

/** Settles with undefined as soon as the signal is raised; the work goes on to its own end. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let raised = (): void => undefined;
  const abort = new Promise<undefined>((resolve) => {
    raised = () => resolve(undefined);
    signal.addEventListener('abort', raised, { once: true });
  });
  try {
    return await Promise.race([work, abort]);
  } finally {
    signal.removeEventListener('abort', raised);
    work.catch(() => undefined);
  }
}
