/** A provider that misbehaves as the name of a VIP says. What it holds is in shared memory, as that of a cloud is in the cloud. */
import { parentPort } from 'node:worker_threads';
import { serveProvider } from '../../../src/isolation/serve.ts';
import type { Vip } from '../../../src/model/vip.ts';
import { workerHome } from '../../../src/platform/worker-thread.ts';
import type { Provider, ProviderEvent, VipOutcome } from '../../../src/provider/provider.ts';

export interface WildData {
  /** One number a VIP, 1: held; by the number in its name. */
  readonly world: SharedArrayBuffer;
  /** How often it was loaded, and what `start` shall do when it is loaded for the n-th time. */
  readonly loads: SharedArrayBuffer;
  readonly atStart?: readonly ('well' | 'crash' | 'hang' | 'reject' | 'unfit')[];
  readonly atLoad?: readonly ('well' | 'refuse' | 'crash' | 'hang')[];
}

const home = workerHome();
const { world, loads, atStart = [], atLoad = [] } = home.data as WildData;
const held = new Int32Array(world);
const load = Atomics.add(new Int32Array(loads), 0, 1);

function spin(): never {
  for (;;) Math.sqrt(2);
}

const DEEDS: Readonly<Record<string, () => unknown>> = {
  crash: () => setImmediate(() => fail('it crashed')),
  hang: spin,
  leak: () => {
    const all: unknown[] = [];
    for (;;) all.push(new Array(10_000).fill({}));
  },
  rejection: () => void Promise.reject(new Error('nobody handles this')),
  exit: () => process.exit(3),
  deaf: () => undefined,
  flood: () => {
    for (let times = 0; times < 20_000; times += 1) listener({ kind: 'trouble', reason: `${times}` });
  },
  garbage: () => parentPort?.postMessage({ kind: 'nonsense' }),
  buffers: () => hoard.push(Buffer.alloc(300 * 2 ** 20)),
};

const hoard: Buffer[] = [];
let listener: (event: ProviderEvent) => void = () => {};
let ticks = 0;

function fail(why: string): never {
  throw new Error(why);
}

const slot = (vip: Vip): number => Number(/\d+$/.exec(vip.id)?.[0] ?? 0);

function outcomes(vips: readonly Vip[], what: (vip: Vip) => Omit<VipOutcome, 'vip'>): VipOutcome[] {
  return [...new Map(vips.map((vip) => [vip.id, vip])).values()].map((vip) => ({
    vip: vip.id,
    ...what(vip),
  }));
}

const never = new Promise<never>(() => undefined);

const provider: Provider = {
  name: 'wild',
  traits: { families: [4, 6], scope: 'region', atomicTakeover: true },
  async start(vips, tell, adopt = []) {
    listener = tell;
    const deed = atStart[load] ?? 'well';
    if (deed === 'reject') fail('no credentials');
    if (deed === 'unfit') tell({ kind: 'fitness', vip: vips[0]!.id, fit: false, reason: 'wrong zone' });
    if (deed !== 'well' && deed !== 'unfit') {
      DEEDS[deed]?.();
      await never;
    }
    const kept = new Set(adopt.map(slot));
    for (const at of held.keys()) if (!kept.has(at)) Atomics.store(held, at, 0);
  },
  configure() {},
  async inspect(vips) {
    return outcomes(vips, (vip) => ({
      held: Atomics.load(held, slot(vip)) === 1,
      code: 'ok',
      reason: 'seen',
    }));
  },
  async acquire(requests) {
    for (const { vip } of requests) Atomics.store(held, slot(vip), 1);
    for (const { vip } of requests) {
      if (vip.id === 'odd')
        return [{ vip: 'odd', held: true, code: 'ok', reason: 'x', more: () => 1 } as never];
      if (vip.id === 'throws') fail('not like this');
      const deed = DEEDS[vip.id];
      if (deed === undefined) continue;
      deed();
      await never;
    }
    return outcomes(
      requests.map(({ vip }) => vip),
      () => ({ held: true, code: 'ok', reason: `taken after ${ticks} ticks` }),
    );
  },
  async release(vips) {
    for (const vip of vips) Atomics.store(held, slot(vip), 0);
    return outcomes(vips, () => ({ held: false, code: 'ok', reason: 'gone' }));
  },
  async renew(vips) {
    return outcomes(vips, (vip) =>
      Atomics.load(held, slot(vip)) === 1
        ? { held: true, code: 'ok', reason: 'there' }
        : { held: false, code: 'lost', reason: 'not there' },
    );
  },
  announce() {
    fail('announcing is too much for it');
  },
  tick() {
    ticks += 1;
  },
  async test() {
    return [{ what: 'wildness', verdict: 'pass', detail: 'tame today' }];
  },
  async stop() {},
};

const deed = atLoad[load] ?? 'well';
await serveProvider(home, async () => {
  if (deed === 'refuse') fail('package "nowhere" is not installed');
  if (deed !== 'well') {
    DEEDS[deed]?.();
    await never;
  }
  return provider;
});
