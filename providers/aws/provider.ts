/**
 * Provider `aws`: leads VIPs to this host by the API of Amazon EC2. The cloud holds one register for each address, so nobody holds it
 * twice; this provider sees to it that the register follows the group, with few calls, and that an old holder undoes nothing
 * (docs/aws.md, ADR 0011). It decides nothing about who holds a VIP.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AwsProviderConfig } from '../../src/config/config.ts';
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
import type { Ec2 } from './ec2.ts';
import { Ec2Failure } from './failures.ts';
import type { Claim } from './fence.ts';
import { FencePost } from './fence-post.ts';
import { Giving } from './giving.ts';
import { isOurs, whoHas } from './judgement.ts';
import { type Holding, Ledger } from './ledger.ts';
import { Lookout } from './lookout.ts';
import { rehearse } from './rehearsal.ts';
import { type ProviderSettings, Residence, type Settled } from './residence.ts';
import { openSdk, type SdkSettings } from './sdk.ts';
import type { Piece } from './sight.ts';
import { Taking } from './taking.ts';

export interface AwsSettings {
  readonly config: AwsProviderConfig;
  /** Name of the cluster: part of the fence's tag. */
  readonly cluster: string;
}

/** The world around it; tests give their own. */
export interface AwsParts {
  readonly openEc2: (settings: SdkSettings) => Promise<Ec2>;
  readonly now: () => Instant;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
}

const TRAITS: Readonly<Record<AwsProviderConfig['mode'], ProviderTraits>> = {
  'secondary-ip': { families: [4, 6], scope: 'subnet', atomicTakeover: true },
  'elastic-ip': { families: [4], scope: 'region', atomicTakeover: true },
  route: { families: [4, 6], scope: 'region', atomicTakeover: true },
};

/** Less than the agent's own bound on a call (30 s), so that an answer comes with what is wrong. */
const TAKE_PATIENCE: Millis = 25_000;
/** A host that cannot reach the API does not keep others waiting: they can take what it cannot give. */
const GIVE_PATIENCE: Millis = 8_000;

export function createAwsProvider(
  name: ProviderName,
  settings: AwsSettings,
  parts: Partial<AwsParts> = {},
): Provider {
  return new AwsProvider({ name, ...settings }, { ...REAL, ...parts });
}

const REAL: AwsParts = {
  openEc2: openSdk,
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
  /** Raised by `stop`: nothing is waited for any more. */
  readonly stopped: AbortController;
}

class AwsProvider implements Provider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  readonly #config: AwsProviderConfig;
  readonly #settings: ProviderSettings;
  readonly #parts: AwsParts;
  readonly #ledger = new Ledger();
  #running: Running | undefined;

  constructor(settings: ProviderSettings, parts: AwsParts) {
    this.name = settings.name;
    this.traits = TRAITS[settings.config.mode];
    this.#settings = settings;
    this.#config = settings.config;
    this.#parts = parts;
  }

  /** An API or a metadata service that does not answer is no reason not to start: it is told, and tried again. */
  async start(
    vips: readonly Vip[],
    listener: (event: ProviderEvent) => void,
    adopt: readonly Vip[] = [],
  ): Promise<void> {
    if (this.#running !== undefined) throw new Error(`provider ${this.name} was started twice`);
    const residence = new Residence(this.#settings, this.#parts);
    const stopped = new AbortController();
    const post = new FencePost(
      { cluster: this.#settings.cluster, mode: this.#config.mode },
      { ...this.#parts, stopped: stopped.signal },
    );
    const lookout = new Lookout(
      { interval: this.#config.look_interval_ms, patience: GIVE_PATIENCE, mode: this.#config.mode },
      { ...this.#parts, residence, ledger: this.#ledger, post, listener },
    );
    this.#ledger.clear();
    // What leads here of them is found out when it is needed.
    for (const { id } of adopt) this.#ledger.hold(id, { pieces: [], fence: 0 });
    this.#running = { residence, lookout, post, stopped };
    lookout.configure(vips);
    try {
      await residence.open();
    } catch (error) {
      await this.stop();
      throw error;
    }
    await lookout.start();
  }

  configure(vips: readonly Vip[]): void {
    this.#run().lookout.configure(vips);
  }

  async inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const settled = this.#run().residence.settled;
    if (signal.aborted) return outcomesOf(vips, (vip) => this.#aborted(vip));
    if (settled === undefined)
      return outcomesOf(vips, (vip) => this.#unknown(vip, this.#run().residence.trouble));
    try {
      const sight = await settled.mode.look(once(vips), { signal });
      return outcomesOf(vips, ({ id }) => {
        const leadsHere = isOurs(sight, id);
        const held = leadsHere && (!settled.mode.leavesBehind || this.#ledger.get(id) !== undefined);
        const left = leadsHere ? 'leads here until its next holder takes it' : whoHas(sight, id);
        return { held, code: 'ok', reason: held ? 'it leads to this host' : left };
      });
    } catch (error) {
      if (!(error instanceof Ec2Failure)) throw error;
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
    const claimOf = ({ id }: { readonly id: VipId }): Claim => ({
      fence,
      lostUnder: this.#ledger.lostUnder(id),
    });
    const taking = this.#taking(vips, { settled, claimOf, fence });
    const running = this.#ledger.busy(vips, taking.run(AbortSignal.any([signal, stopped.signal])));
    const results = await unlessAborted(running, signal, () => taking.results(true));
    return outcomesOf(vips, ({ id }) => this.#book(id, results.get(id), fence));
  }

  async release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const some = once(vips);
    if (signal.aborted || some.length === 0) return outcomesOf(some, (vip) => this.#aborted(vip));
    const { residence, lookout, stopped } = this.#run();
    const before = new Map(some.map(({ id }) => [id, this.#ledger.get(id)]));
    for (const { id } of some) this.#ledger.wish(id);
    const { settled } = residence;
    if (settled === undefined) {
      return outcomesOf(some, ({ id }) => {
        this.#ledger.drop(id);
        return { held: false, code: 'ok', reason: `was not here: ${residence.trouble}` };
      });
    }
    const patience = Math.min(GIVE_PATIENCE, TAKE_PATIENCE);
    const giving = this.#ledger
      .quiet(some)
      .then(() =>
        new Giving({ vips: some, known: knownPieces(before), patience }, this.#givingParts(settled)).run(
          AbortSignal.any([signal, stopped.signal]),
        ),
      );
    const results = await unlessAborted(this.#ledger.busy(some, giving), signal, () => undefined);
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
    return outcomesOf(once(vips), (vip) => {
      if (signal.aborted) return this.#aborted(vip);
      return this.#ledger.get(vip.id) === undefined
        ? { held: false, code: 'lost', reason: 'does not lead here' }
        : { held: true, code: 'ok', reason: 'nothing to renew: the cloud leases nothing' };
    });
  }

  announce(): void {}

  async test(vips: readonly Vip[], signal: AbortSignal): Promise<readonly Check[]> {
    const { openEc2, wall, now } = this.#parts;
    return rehearse(once(vips), { settings: this.#settings, openEc2, wall, now, signal });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stopped.abort();
    running?.lookout.stop();
    await this.#ledger.settled();
    running?.residence.close();
    this.#ledger.clear();
  }

  #taking(
    vips: readonly Vip[],
    {
      settled,
      claimOf,
      fence,
    }: {
      readonly settled: Settled;
      readonly claimOf: (vip: { readonly id: VipId }) => Claim;
      readonly fence: number;
    },
  ): Taking {
    const numbers = new Map(vips.map(({ id }) => [id, this.#ledger.wish(id)]));
    const { post } = this.#run();
    return new Taking(
      vips,
      {
        settle: this.#config.settle_timeout_ms,
        patience: TAKE_PATIENCE,
        byTenure: this.#config.mode !== 'secondary-ip',
      },
      {
        ...this.#givingParts(settled),
        claimOf: (id) => claimOf({ id }),
        wanted: (id) => this.#running !== undefined && this.#ledger.wished(id) === numbers.get(id),
        acting: () => post.raise(fence, settled),
      },
    );
  }

  #givingParts({ ec2, mode }: Settled) {
    const { now, random, sleep } = this.#parts;
    return { ec2, mode, now, random, sleep };
  }

  /** Turns what became of it into the answer, and remembers what is held. */
  #book(
    id: VipId,
    taken: ReturnType<Taking['results']> extends ReadonlyMap<VipId, infer T> ? T | undefined : never,
    fence: number,
  ) {
    const lookout = this.#running?.lookout;
    if (taken === undefined) return { held: false, code: 'failed', reason: 'nothing became of it' } as const;
    const { outcome, pieces, touched } = taken;
    if (outcome.held && outcome.code === 'ok') {
      this.#ledger.hold(id, { pieces, fence });
      lookout?.lookSoon();
    } else if (touched && !outcome.held) lookout?.untidy(id, outcome.reason);
    return outcome;
  }

  #aborted({ id }: Vip): Omit<VipOutcome, 'vip'> {
    const held = this.#ledger.get(id) !== undefined;
    return { held, code: 'aborted', reason: 'given up before it was done' };
  }

  /** What was last known stays so. */
  #unknown({ id }: Vip, why: string): Omit<VipOutcome, 'vip'> {
    const held = this.#ledger.get(id) !== undefined;
    return { held, code: 'timeout', reason: `as last known, since it cannot be asked: ${why}` };
  }

  #run(): Running {
    if (this.#running === undefined) throw new Error(`provider ${this.name} is not started`);
    return this.#running;
  }
}

function once(vips: readonly Vip[]): readonly Vip[] {
  return [...new Map(vips.map((vip) => [vip.id, vip])).values()];
}

function outcomesOf(vips: readonly Vip[], of: (vip: Vip) => Omit<VipOutcome, 'vip'>): readonly VipOutcome[] {
  return once(vips).map((vip) => ({ vip: vip.id, ...of(vip) }));
}

function knownPieces(before: ReadonlyMap<VipId, Holding | undefined>): ReadonlyMap<VipId, readonly Piece[]> {
  return new Map(
    [...before].flatMap(([id, holding]) =>
      holding === undefined || holding.pieces.length === 0 ? [] : [[id, holding.pieces] as const],
    ),
  );
}

/** Settles as soon as the signal is raised; the work goes on to its own end. */
async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  otherwise: () => T | undefined,
): Promise<T> {
  let raised = (): void => undefined;
  const abort = new Promise<T>((resolve) => {
    raised = () => resolve(otherwise() as T);
    signal.addEventListener('abort', raised, { once: true });
  });
  try {
    return await Promise.race([work, abort]);
  } finally {
    signal.removeEventListener('abort', raised);
  }
}
