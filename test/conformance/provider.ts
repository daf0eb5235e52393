/**
 * What every provider has to do, whatever it moves: the contract of `src/provider/provider.ts` as a suite that the
 * provider's own test calls with a stage to play on.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { AcquireRequest, Provider, ProviderEvent, VipOutcome } from '../../src/provider/provider.ts';

/** A provider that is not started yet, and hands on the world around it. */
export interface ProviderStage {
  readonly provider: Provider;
  /** At least three that this host can carry, one of them of several addresses. Nobody holds them. */
  readonly vips: readonly Vip[];
  /** Takes the VIP's addresses away as another tool would. Absent: cannot happen. */
  remove?(vip: Vip): Promise<void>;
  /** Somebody else answers for the VIP until the returned function is called. Absent: the provider is never asked to wait. */
  occupy?(vip: Vip): Promise<() => Promise<void>>;
  /** This host can carry the VIP no more, until the returned function is called. */
  cripple?(vip: Vip): Promise<() => Promise<void>>;
  end(): Promise<void>;
}

const SIGNAL = new AbortController().signal;
/** For what the contract calls at once; generous, as the machine may be busy. */
const SOON_MS = 5000;

export function describeProvider(title: string, open: () => Promise<ProviderStage>): void {
  describe(title, () => {
    let stage: ProviderStage;
    let provider: Provider;
    let vips: readonly Vip[];
    let events: ProviderEvent[];
    let started = false;

    const inspect = () => provider.inspect(vips, SIGNAL);
    const take = (some: readonly Vip[] = vips) => provider.acquire(atOnce(some), 1, SIGNAL);
    const heldIds = async () => (await inspect()).filter(({ held }) => held).map(({ vip }) => vip);

    beforeEach(async () => {
      stage = await open();
      ({ provider, vips } = stage);
      events = [];
      started = false;
      await provider.start(vips, (event) => events.push(event));
      started = true;
    });

    afterEach(async () => {
      if (started) await provider.release(vips, SIGNAL);
      await provider.stop();
      await stage.end();
    });

    it('begins with nothing held and nothing to tell', async () => {
      expect(await heldIds()).toEqual([]);
      expect(events).toEqual([]);
    });

    it('puts up what is asked for and tells the truth about it', async () => {
      const outcomes = await take();
      expectEachOnce(outcomes, vips);
      expect(outcomes.map(({ held, code }) => ({ held, code }))).toEqual(
        vips.map(() => ({ held: true, code: 'ok' })),
      );
      expect(await heldIds()).toEqual(vips.map(({ id }) => id));
      expect(outcomes.every(({ reason }) => reason !== '')).toBe(true);
    });

    it('acquires only what was named', async () => {
      await take(vips.slice(0, 1));
      expect(await heldIds()).toEqual([vips[0]?.id]);
    });

    it('acquires what is held and releases what is not, and both succeed', async () => {
      await take();
      expect((await take()).every(({ held, code }) => held && code === 'ok')).toBe(true);
      for (let times = 0; times < 2; times++) {
        const outcomes = await provider.release(vips, SIGNAL);
        expectEachOnce(outcomes, vips);
        expect(outcomes.every(({ held, code }) => !held && code === 'ok')).toBe(true);
      }
      expect(await heldIds()).toEqual([]);
    });

    it('answers an empty batch with an empty answer', async () => {
      expect(await provider.acquire([], 1, SIGNAL)).toEqual([]);
      expect(await provider.release([], SIGNAL)).toEqual([]);
      expect(await provider.renew([], SIGNAL)).toEqual([]);
      expect(await provider.inspect([], SIGNAL)).toEqual([]);
    });

    it('answers a VIP named twice once', async () => {
      const twice = [...vips, ...vips];
      expectEachOnce(await take(twice), vips);
      expectEachOnce(await provider.renew(twice, SIGNAL), vips);
      expectEachOnce(await provider.release(twice, SIGNAL), vips);
    });

    it('renews what is held, and creates nothing by renewing', async () => {
      await take(vips.slice(0, 1));
      const [first, ...others] = await provider.renew(vips, SIGNAL);
      expect(first).toMatchObject({ held: true, code: 'ok' });
      for (const outcome of others) {
        expect(outcome.held).toBe(false);
        expect(['lost', 'lease-expired']).toContain(outcome.code);
      }
      expect(await heldIds()).toEqual([vips[0]?.id]);
    });

    it('settles with `aborted` when the signal is raised before the call, and does nothing', async () => {
      await take(vips.slice(0, 1));
      const raised = AbortSignal.abort();
      const acquired = await provider.acquire(atOnce(vips), 1, raised);
      expectEachOnce(acquired, vips);
      expect(new Set(acquired.map(({ code }) => code))).toEqual(new Set(['aborted']));
      expect((await provider.release(vips, raised)).every(({ code }) => code === 'aborted')).toBe(true);
      expect(await heldIds()).toEqual([vips[0]?.id]);
    });

    it('announces whatever it is asked to without complaint', async () => {
      await take(vips.slice(0, 1));
      provider.announce(vips);
      provider.announce([]);
      expect(await heldIds()).toEqual([vips[0]?.id]);
    });

    it('ticks at once and to no other effect while well', async () => {
      await take();
      for (let times = 0; times < 10; times++) provider.tick?.();
      expect(await heldIds()).toEqual(vips.map(({ id }) => id));
      expect(events).toEqual([]);
    });

    it('rehearses without changing anything, and says how to mend what is not well', async () => {
      const before = await inspect();
      const checks = await provider.test(vips, SIGNAL);
      expect(await inspect()).toEqual(before);
      expect(checks.length).toBeGreaterThan(0);
      for (const check of checks) if (check.verdict !== 'pass') expect(check.mend, check.what).toBeTruthy();
    });

    it('can be started again after a stop, and then holds nothing', async () => {
      await take();
      await provider.release(vips, SIGNAL);
      await provider.stop();
      await provider.start(vips, (event) => events.push(event));
      expect(await heldIds()).toEqual([]);
      expect((await take()).every(({ held }) => held)).toBe(true);
    });

    it('tells at once what was taken away behind its back, and does not put it back by renewing', async (context) => {
      const vip = vips[0];
      if (stage.remove === undefined || vip === undefined)
        return context.skip('nobody can take it away here');
      await take();
      await stage.remove(vip);
      await until(() => events.some((event) => event.kind === 'lost'));
      expect(events.filter((event) => event.kind === 'lost').map((event) => event.vip)).toEqual([vip.id]);
      expect((await provider.renew([vip], SIGNAL))[0]).toMatchObject({ held: false });
      expect(await heldIds()).toEqual(vips.slice(1).map(({ id }) => id));
    });

    it('keeps away from an address that stays occupied, and names the one who answers', async (context) => {
      const vip = vips[0];
      if (stage.occupy === undefined || vip === undefined)
        return context.skip('nobody can answer for it here');
      const free = await stage.occupy(vip);
      const [outcome] = await provider.acquire(whenSilent([vip], 100), 1, SIGNAL);
      expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
      expect(await heldIds()).toEqual([]);
      await free();
    });

    it('acquires an occupied address the moment it is free', async (context) => {
      const vip = vips[0];
      if (stage.occupy === undefined || vip === undefined)
        return context.skip('nobody can answer for it here');
      const free = await stage.occupy(vip);
      const acquiring = provider.acquire(whenSilent(vips, 10 * SOON_MS), 1, SIGNAL);
      await until(async () => (await heldIds()).length === vips.length - 1);
      expect(await heldIds()).not.toContain(vip.id);
      await free();
      const outcomes = await acquiring;
      expectEachOnce(outcomes, vips);
      expect(outcomes.every(({ held, code }) => held && code === 'ok')).toBe(true);
    });

    it('gives up waiting for silence when aborted, and puts nothing up later', async (context) => {
      const vip = vips[0];
      if (stage.occupy === undefined || vip === undefined)
        return context.skip('nobody can answer for it here');
      const free = await stage.occupy(vip);
      const abort = new AbortController();
      const acquiring = provider.acquire(whenSilent([vip], 10 * SOON_MS), 1, abort.signal);
      await pause(20);
      const began = monotonicNow();
      abort.abort();
      expect(await acquiring).toMatchObject([{ vip: vip.id, held: false, code: 'aborted' }]);
      expect(monotonicNow() - began).toBeLessThan(SOON_MS);
      await free();
      await pause(50);
      expect(await heldIds()).toEqual([]);
    });

    it('does not put up after a release what was still waiting for silence', async (context) => {
      const vip = vips[0];
      if (stage.occupy === undefined || vip === undefined)
        return context.skip('nobody can answer for it here');
      const free = await stage.occupy(vip);
      const acquiring = provider.acquire(whenSilent([vip], SOON_MS), 1, SIGNAL);
      await pause(20);
      await provider.release([vip], SIGNAL);
      const outcomes = await acquiring;
      await free();
      expect(outcomes).toMatchObject([{ held: false, code: 'aborted' }]);
      expect(await heldIds()).toEqual([]);
    });

    it('tells when this host cannot carry a VIP, refuses it then, and tells when it can again', async (context) => {
      const vip = vips[0];
      if (stage.cripple === undefined || vip === undefined) return context.skip('is always fit here');
      const fitness = () => events.filter((event) => event.kind === 'fitness' && event.vip === vip.id).at(-1);
      const mend = await stage.cripple(vip);
      await until(() => fitness() !== undefined);
      expect(fitness()).toMatchObject({ fit: false });
      expect((await take([vip]))[0]).toMatchObject({ held: false });
      await mend();
      await until(() => (fitness() as { fit?: boolean }).fit === true);
      expect((await take([vip]))[0]).toMatchObject({ held: true, code: 'ok' });
    });
  });
}

function atOnce(vips: readonly Vip[]): AcquireRequest[] {
  return vips.map((vip) => ({ vip, guard: { kind: 'at-once' } }));
}

function whenSilent(vips: readonly Vip[], within: number): AcquireRequest[] {
  const until = monotonicNow() + within;
  return vips.map((vip) => ({ vip, guard: { kind: 'when-silent', until } }));
}

function expectEachOnce(outcomes: readonly VipOutcome[], vips: readonly Vip[]): void {
  expect(outcomes.map(({ vip }) => vip).sort()).toEqual(vips.map(({ id }) => id).sort());
}

/** Waits for something that has no event of its own. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = monotonicNow() + SOON_MS;
  while (!(await condition())) {
    if (monotonicNow() > end) throw new Error(`waited ${SOON_MS} ms in vain`);
    await pause(2);
  }
}

async function pause(length: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, length));
}
