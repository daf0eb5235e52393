/** Real threads that crash, leak, hang and talk nonsense: one provider is the worse for it, for a while, and nobody else. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  createIsolatedProvider,
  type IsolationBounds,
  ProviderRefused,
} from '../../../src/isolation/isolated-provider.ts';
import type { Vip } from '../../../src/model/vip.ts';
import type { Provider, ProviderEvent } from '../../../src/provider/provider.ts';
import type { WildData } from './wild-thread.ts';

const script = new URL('./wild-thread.ts', import.meta.url);
const SIGNAL = new AbortController().signal;

function vip(id: string): Vip {
  const addresses = [{ family: 4 as const, address: '192.0.2.1', prefixLength: 32 }];
  return { id, addresses, prefer: [], weight: 1, policy: 'component', providers: ['wild'] };
}

const V1 = vip('v1');
const V2 = vip('v2');
const atOnce = (...vips: readonly Vip[]) =>
  vips.map((one) => ({ vip: one, guard: { kind: 'at-once' as const } }));

interface Options extends Pick<WildData, 'atStart' | 'atLoad'> {
  readonly bounds?: Partial<IsolationBounds>;
  readonly heapMib?: number;
}

/** Threads start slowly where many others want the processor. */
const PATIENCE = 60_000;

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE / 2;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE / 2} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const opened: { provider: Provider; ticker: NodeJS.Timeout }[] = [];

afterEach(async () => {
  for (const { provider, ticker } of opened.splice(0)) {
    clearInterval(ticker);
    await provider.stop();
  }
});

async function stage({ bounds = {}, heapMib = 128, ...deeds }: Options = {}) {
  const data: WildData = { world: new SharedArrayBuffer(64), loads: new SharedArrayBuffer(4), ...deeds };
  const provider = await createIsolatedProvider({
    name: 'wild',
    script,
    data,
    heapMib,
    bounds: { restartMin: 50, restartMax: 200, unableAfter: PATIENCE, ticksUnanswered: 1_000, ...bounds },
  });
  const ticker = setInterval(() => provider.tick?.(), 20);
  opened.push({ provider, ticker });
  const events: ProviderEvent[] = [];
  const start = () => provider.start([V1, V2], (event) => events.push(event));
  const take = (...vips: readonly Vip[]) => provider.acquire(atOnce(...vips), 1, SIGNAL);
  const troubles = () => events.filter((event) => event.kind === 'trouble');
  /** Gone and back. */
  const recovered = () => until(() => troubles().length >= 2 && troubles().at(-1)?.reason === undefined);
  const loads = () => new Int32Array(data.loads)[0]!;
  return { provider, events, start, take, troubles, recovered, loads, world: new Int32Array(data.world) };
}

describe('a provider on a thread of its own', () => {
  it(
    'is warm before it is started, and has the traits of its provider',
    async () => {
      const { provider, loads } = await stage();
      expect(provider.traits).toEqual({ families: [4, 6], scope: 'region', atomicTakeover: true });
      expect(loads()).toBe(1);
    },
    PATIENCE,
  );

  it(
    'can be asked for a rehearsal without being started',
    async () => {
      const { provider } = await stage();
      expect(await provider.test([V1], SIGNAL)).toEqual([
        { what: 'wildness', verdict: 'pass', detail: 'tame today' },
      ]);
    },
    PATIENCE,
  );

  it.each<{ deed: string; says: RegExp; options?: Options }>([
    { deed: 'crash', says: /it crashed/ },
    { deed: 'rejection', says: /nobody handles this/ },
    { deed: 'exit', says: /ended with code 3/ },
    { deed: 'leak', says: /memory/i, options: { heapMib: 24 } },
    { deed: 'hang', says: /it hangs/, options: { bounds: { ticksUnanswered: 100 } } },
    { deed: 'flood', says: /events without end/ },
    { deed: 'garbage', says: /none of our messages/ },
    { deed: 'buffers', says: /buffers hold 300 MiB/ },
    { deed: 'deaf', says: /no answer in time/, options: { bounds: { call: 1_000, deaf: 300 } } },
  ])(
    '$deed: the call is answered, what was held stays held, and it is started again',
    async ({ deed, says, options = {} }) => {
      const { provider, start, take, troubles, recovered, events, world } = await stage(options);
      await start();
      expect(await take(V1)).toMatchObject([{ vip: 'v1', held: true, code: 'ok' }]);
      const [answer] = await take(vip(deed));
      expect(answer).toMatchObject({ vip: deed, held: true, code: deed === 'deaf' ? 'timeout' : 'failed' });
      expect(answer?.reason).toMatch(says);
      await recovered();
      expect(troubles().filter(({ confined }) => confined)).toMatchObject([
        { reason: expect.stringContaining('ended: ') },
      ]);
      expect(world[1]).toBe(1);
      expect(await provider.renew([V1], SIGNAL)).toMatchObject([{ vip: 'v1', held: true, code: 'ok' }]);
      expect(events.filter(({ kind }) => kind === 'lost')).toEqual([]);
      expect(await take(V2)).toMatchObject([{ vip: 'v2', held: true, code: 'ok' }]);
    },
    PATIENCE,
  );

  it(
    'tells what went while it was away',
    async () => {
      const { start, take, recovered, events, world } = await stage({ bounds: { restartMin: 300 } });
      await start();
      await take(V1, V2);
      void take(vip('crash'));
      await until(() => events.length > 0);
      Atomics.store(world, 2, 0);
      await recovered();
      expect(events.filter(({ kind }) => kind === 'lost')).toMatchObject([
        { vip: 'v2', reason: expect.stringContaining('it crashed') },
      ]);
    },
    PATIENCE,
  );

  it(
    'while it is away: takes nothing, keeps what is held, and a release waits for it',
    async () => {
      const { provider, start, take, events } = await stage({ bounds: { restartMin: 400 } });
      await start();
      await take(V1);
      void take(vip('crash'));
      await until(() => events.length > 0);
      expect(await take(V2)).toMatchObject([{ vip: 'v2', held: false, code: 'failed' }]);
      expect(await provider.renew([V1], SIGNAL)).toMatchObject([{ vip: 'v1', held: true, code: 'failed' }]);
      expect(await provider.release([V1], SIGNAL)).toMatchObject([{ vip: 'v1', held: false, code: 'ok' }]);
    },
    PATIENCE,
  );

  it(
    'that stays away calls this host unfit for what it does not hold, and fit again when it is back',
    async () => {
      const { start, take, recovered, events } = await stage({
        bounds: { unableAfter: 100, restartMin: 300 },
        atStart: ['well', 'crash', 'well'],
      });
      await start();
      await take(V1);
      void take(vip('crash'));
      await recovered();
      expect(events.filter(({ kind }) => kind === 'fitness')).toMatchObject([
        { vip: 'v2', fit: false },
        { vip: 'v2', fit: true },
      ]);
    },
    PATIENCE,
  );

  it(
    'does not call fit what the new run calls unfit',
    async () => {
      const { start, take, recovered, events } = await stage({ atStart: ['unfit', 'unfit'] });
      await start();
      void take(vip('crash'));
      await recovered();
      expect(events.filter(({ kind }) => kind === 'fitness')).toMatchObject([
        { vip: 'v1', fit: false },
        { vip: 'v1', fit: false },
      ]);
    },
    PATIENCE,
  );

  it.each(['crash', 'hang'] as const)(
    'a first start that ends in a %s does not hold up the agent',
    async (deed) => {
      const { start, events, recovered, take } = await stage({
        atStart: [deed],
        bounds: { start: 500, deaf: 300 },
      });
      await start();
      expect(events.filter(({ kind }) => kind === 'fitness')).toMatchObject([{ fit: false }, { fit: false }]);
      await recovered();
      expect(await take(V1)).toMatchObject([{ held: true }]);
    },
    PATIENCE,
  );

  it(
    'a first start that is refused is told to whoever starts it',
    async () => {
      const { start } = await stage({ atStart: ['reject'] });
      await expect(start()).rejects.toThrow('no credentials');
    },
    PATIENCE,
  );

  it(
    'that cannot be made says so at once',
    async () => {
      await expect(stage({ atLoad: ['refuse'] })).rejects.toThrow(ProviderRefused);
      await expect(stage({ atLoad: ['refuse'] })).rejects.toThrow('package "nowhere" is not installed');
      await expect(stage({ atLoad: ['crash'] })).rejects.toThrow('it crashed');
      await expect(stage({ atLoad: ['hang'], bounds: { load: 400 } })).rejects.toThrow(
        'not loaded within 0.4 s',
      );
    },
    PATIENCE,
  );

  it(
    'waits longer after each death in a row',
    async () => {
      const { start, take, troubles, loads } = await stage({
        atStart: ['well', 'crash', 'crash', 'crash', 'well'],
        bounds: { restartMin: 20, restartMax: 80 },
      });
      await start();
      void take(vip('crash'));
      await until(() => troubles().at(-1)?.reason === undefined && troubles().length >= 5);
      expect(loads()).toBe(5);
    },
    PATIENCE,
  );

  it(
    'an aborted call is answered at once, whatever the thread does, and says what may be',
    async () => {
      const { provider, start, troubles, recovered } = await stage({ bounds: { deaf: 500 } });
      await start();
      const abort = new AbortController();
      const answer = provider.acquire(atOnce(vip('hang')), 1, abort.signal);
      await new Promise((resolve) => setTimeout(resolve, 50));
      abort.abort();
      const began = performance.now();
      expect(await answer).toMatchObject([{ vip: 'hang', held: true, code: 'aborted' }]);
      expect(performance.now() - began).toBeLessThan(1000);
      await recovered();
      expect(troubles()[0]?.reason).toMatch(/did not answer within 500 ms of being told to stop/);
    },
    PATIENCE,
  );

  it(
    'answers with nothing that cannot be sent, and hands on what the provider throws',
    async () => {
      const { start, take } = await stage();
      await start();
      expect(await take(vip('odd'))).toEqual([{ vip: 'odd', held: true, code: 'ok', reason: 'x' }]);
      await expect(take(vip('throws'))).rejects.toThrow('not like this');
    },
    PATIENCE,
  );

  it(
    'a fault in a call without an answer ends the thread alone',
    async () => {
      const { provider, start, recovered, troubles } = await stage();
      await start();
      provider.announce([V1]);
      await recovered();
      expect(troubles()[0]?.reason).toMatch(/announcing is too much/);
    },
    PATIENCE,
  );

  it(
    'is told that the agent is well',
    async () => {
      const { start, take } = await stage();
      await start();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect((await take(V1))[0]?.reason).not.toBe('taken after 0 ticks');
    },
    PATIENCE,
  );

  it(
    'can be stopped while it is away, while it hangs, and twice',
    async () => {
      const away = await stage({ bounds: { restartMin: 5_000 } });
      await away.start();
      void away.take(vip('crash'));
      await until(() => away.events.length > 0);
      await away.provider.stop();
      await away.provider.stop();
      expect(await away.take(V1)).toMatchObject([{ held: false, code: 'failed' }]);
      const hung = await stage({ bounds: { stop: 200 } });
      await hung.start();
      const answer = hung.take(vip('hang'));
      await hung.provider.stop();
      expect(await answer).toMatchObject([{ code: 'failed' }]);
    },
    PATIENCE,
  );
});
