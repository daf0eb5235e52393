/** Real programs that hang, die, talk nonsense and forget. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ExecProviderConfig } from '../../../../src/config/config.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { ProviderEvent } from '../../../../src/provider/provider.ts';
import { MEMORY_VIPS } from '../../../conformance/memory-vips.ts';
import { execProvider, installProgram } from './program.ts';

const SIGNAL = new AbortController().signal;
const PATIENCE = 60_000;
const [A, B] = MEMORY_VIPS as readonly [Vip, Vip, Vip];
const atOnce = (...vips: readonly Vip[]) => vips.map((vip) => ({ vip, guard: { kind: 'at-once' as const } }));

async function stage(changes: Partial<ExecProviderConfig> = {}) {
  const installed = installProgram();
  const provider = execProvider(installed.program, { env: { FOLDER: installed.folder }, ...changes });
  onTestFinished(async () => {
    await provider.stop();
    installed.remove();
  });
  const events: ProviderEvent[] = [];
  await provider.start([A, B], (event) => events.push(event));
  const troubles = () => events.flatMap((event) => (event.kind === 'trouble' ? [event.reason] : []));
  const held = (vip: Vip) => existsSync(join(installed.folder, `held-${vip.id}`));
  return { ...installed, provider, events, troubles, held };
}

describe('the program of an exec provider', () => {
  test(
    'is told all it needs',
    async () => {
      const { provider, asked } = await stage();
      await provider.acquire(atOnce(A), 7, SIGNAL);
      expect(asked().map(({ verb }) => verb)).toEqual(['inspect', 'acquire']);
      expect(asked()[1]).toEqual({
        version: 1,
        verb: 'acquire',
        provider: 'mine',
        cluster: 'web',
        member: 'a',
        fence: 7,
        vips: [
          {
            id: 'a',
            addresses: [
              { address: '192.0.2.1', family: 4, prefix_length: 32 },
              { address: '2001:db8::1', family: 6, prefix_length: 128 },
            ],
          },
        ],
      });
    },
    PATIENCE,
  );

  test.each([
    ['garbage', /not one JSON text: "put up all of them/, 'failed'],
    ['die', /exit status 7 \(cannot reach the API: 503\)/, 'failed'],
    ['hang', /not done after 1500 ms/, 'timeout'],
  ] as const)(
    '%s: each VIP may be held, the reason says why, trouble comes and goes',
    async (mode, says, code) => {
      const { provider, setMode, troubles } = await stage({ timeout_ms: mode === 'hang' ? 1_500 : 20_000 });
      setMode(mode);
      const outcomes = await provider.acquire(atOnce(A, B), 1, SIGNAL);
      expect(outcomes).toMatchObject([A, B].map(({ id }) => ({ vip: id, held: true, code })));
      expect(outcomes[0]?.reason).toMatch(says);
      expect(troubles()).toEqual([expect.stringMatching(says)]);
      setMode('');
      expect(await provider.release([A, B], SIGNAL)).toMatchObject([{ held: false }, { held: false }]);
      expect(troubles().at(-1)).toBeUndefined();
    },
    PATIENCE,
  );

  test(
    'that is not there did nothing',
    async () => {
      const { provider, troubles } = await stage({ command: ['/nowhere/at/all'] });
      expect(await provider.acquire(atOnce(A), 1, SIGNAL)).toMatchObject([{ held: false, code: 'failed' }]);
      expect(troubles()).toEqual([
        expect.stringContaining('/nowhere/at/all inspect: '),
        expect.stringContaining('/nowhere/at/all acquire: /nowhere/at/all is not there'),
      ]);
    },
    PATIENCE,
  );

  test(
    'that died after it did it is asked to undo it',
    async () => {
      const { provider, setMode, held } = await stage();
      setMode('die-after');
      expect(await provider.acquire(atOnce(A), 1, SIGNAL)).toMatchObject([{ held: true, code: 'failed' }]);
      expect(held(A)).toBe(true);
      expect(await provider.release([A], SIGNAL)).toMatchObject([{ held: false, code: 'ok' }]);
      expect(held(A)).toBe(false);
    },
    PATIENCE,
  );

  test(
    'that forgets a VIP may hold it',
    async () => {
      const { provider, setMode } = await stage();
      setMode('forgetful');
      expect(await provider.acquire(atOnce(A, B), 1, SIGNAL)).toMatchObject([
        { vip: 'a', held: true, code: 'failed' },
        { vip: 'b', held: true, code: 'ok' },
      ]);
    },
    PATIENCE,
  );

  test(
    'does not hold up an abort, and a release waits until it is gone',
    async () => {
      const { provider, setMode, held, asked } = await stage();
      setMode('slow');
      const abort = new AbortController();
      const acquiring = provider.acquire(atOnce(A), 1, abort.signal);
      await expect.poll(() => asked().at(-1)?.verb, { timeout: 30_000 }).toBe('acquire');
      const began = performance.now();
      abort.abort();
      expect(await acquiring).toMatchObject([{ vip: 'a', held: true, code: 'aborted' }]);
      expect(performance.now() - began).toBeLessThan(1_000);
      await provider.release([A], SIGNAL);
      expect(held(A)).toBe(false);
    },
    PATIENCE,
  );

  test(
    'is asked one thing after the other for a VIP',
    async () => {
      const { provider, setMode, asked, held } = await stage();
      setMode('slow');
      await Promise.all([
        provider.acquire(atOnce(A), 1, SIGNAL),
        provider.release([A], SIGNAL),
        provider.acquire(atOnce(A), 1, SIGNAL),
        provider.release([A, B], SIGNAL),
      ]);
      expect(asked().map(({ verb }) => verb)).toEqual([
        'inspect',
        'acquire',
        'release',
        'acquire',
        'release',
      ]);
      expect(held(A)).toBe(false);
    },
    PATIENCE,
  );

  test(
    'is asked again for what is held only when its time has come',
    async () => {
      const { provider, asked } = await stage({ renew_interval_ms: 3_600_000 });
      await provider.acquire(atOnce(A), 1, SIGNAL);
      for (let times = 0; times < 3; times += 1)
        expect(await provider.renew([A], SIGNAL)).toMatchObject([{ vip: 'a', held: true, code: 'ok' }]);
      expect(await provider.renew([A, B], SIGNAL)).toMatchObject([
        { vip: 'a', held: true },
        { vip: 'b', held: false, code: 'lost' },
      ]);
      expect(
        asked()
          .filter(({ verb }) => verb === 'renew')
          .map(({ vips }) => vips.map(({ id }) => id)),
      ).toEqual([['b']]);
    },
    PATIENCE,
  );

  test(
    'that knows neither renew nor test is inspected, and the rehearsal says so',
    async () => {
      const { provider, setMode, asked } = await stage({ renew_interval_ms: 0 });
      await provider.acquire(atOnce(A), 1, SIGNAL);
      setMode('plain');
      for (let times = 0; times < 2; times += 1)
        expect(await provider.renew([A], SIGNAL)).toMatchObject([{ vip: 'a', held: true, code: 'ok' }]);
      expect(
        asked()
          .slice(2)
          .map(({ verb }) => verb),
      ).toEqual(['renew', 'inspect', 'inspect']);
      expect(await provider.test([A], SIGNAL)).toMatchObject([
        { verdict: 'unknown', mend: expect.any(String) },
      ]);
    },
    PATIENCE,
  );

  test(
    'says whether this host could carry a VIP, and is believed',
    async () => {
      const { provider, setMode, events } = await stage();
      for (const mode of ['unfit', 'unfit', 'fit']) {
        setMode(mode);
        await provider.inspect([A], SIGNAL);
      }
      expect(events).toMatchObject([
        { kind: 'fitness', vip: 'a', fit: false },
        { kind: 'fitness', vip: 'a', fit: true },
      ]);
    },
    PATIENCE,
  );

  test(
    'what an earlier run left is released at the start, but not what is adopted',
    async () => {
      const { provider, folder, held } = await stage();
      await provider.acquire(atOnce(A, B), 1, SIGNAL);
      await provider.stop();
      const next = execProvider(join(folder, 'program'), { env: { FOLDER: folder } });
      onTestFinished(() => next.stop());
      await next.start([A, B], () => {}, [B]);
      expect([held(A), held(B)]).toEqual([false, true]);
    },
    PATIENCE,
  );

  test(
    'tells how much room the platform gives this host',
    async () => {
      const { provider, events } = await stage({ slots: 5, families: [4] });
      expect(events).toEqual([{ kind: 'slots', family: 4, slots: 5 }]);
      expect((await provider.test([A], SIGNAL))[0]).toMatchObject({ verdict: 'pass', slots4: 5 });
    },
    PATIENCE,
  );
});
