/** What a provider must do while somebody else answers for a VIP (`when-silent`). */
import { DoesNotApply } from './cases.ts';
import { must, mustEqual, mustMatch } from './expectations.ts';
import type { ProviderCase } from './provider-cases.ts';
import { mustNameEachOnce, SIGNAL, whenSilent } from './provider-stage.ts';
import { monotonicNow, pause, SOON, until } from './timing.ts';

const NOBODY = 'nobody can answer for it here';
/** Until a provider that was told to has begun to ask. */
const BEGUN = 20;

export const PROVIDER_SILENCE_CASES: readonly ProviderCase[] = [
  [
    'keeps away from an address that stays occupied, and says so',
    async ({ stage, provider, vips, heldIds }) => {
      const [vip] = vips;
      if (stage.occupy === undefined || vip === undefined) throw new DoesNotApply(NOBODY);
      const free = await stage.occupy(vip);
      const [outcome] = await provider.acquire(whenSilent([vip], 100), 1, SIGNAL);
      mustMatch(
        outcome,
        { held: false, code: 'address-in-use' },
        `acquiring ${vip.id}, for which somebody answers`,
      );
      mustEqual(await heldIds(), [], 'VIPs held while somebody else answers');
      await free();
    },
  ],
  [
    'acquires an occupied address the moment it is free',
    async ({ stage, provider, vips, heldIds }) => {
      const [vip] = vips;
      if (stage.occupy === undefined || vip === undefined) throw new DoesNotApply(NOBODY);
      const free = await stage.occupy(vip);
      const acquiring = provider.acquire(whenSilent(vips, 10 * SOON), 1, SIGNAL);
      await until(
        async () => (await heldIds()).length === vips.length - 1,
        'all VIPs for which nobody answers',
      );
      must(!(await heldIds()).includes(vip.id), () => `${vip.id} was put up though somebody answers for it`);
      await free();
      const outcomes = await acquiring;
      mustNameEachOnce(outcomes, vips, 'acquire');
      for (const outcome of outcomes)
        mustMatch(outcome, { held: true, code: 'ok' }, `acquiring ${outcome.vip}, which is free now`);
    },
  ],
  [
    'gives up waiting for silence when aborted, and puts nothing up later',
    async ({ stage, provider, vips, heldIds }) => {
      const [vip] = vips;
      if (stage.occupy === undefined || vip === undefined) throw new DoesNotApply(NOBODY);
      const free = await stage.occupy(vip);
      const abort = new AbortController();
      const acquiring = provider.acquire(whenSilent([vip], 10 * SOON), 1, abort.signal);
      await pause(BEGUN);
      const began = monotonicNow();
      abort.abort();
      const outcomes = await acquiring;
      mustNameEachOnce(outcomes, [vip], 'acquire');
      mustMatch(outcomes[0], { held: false, code: 'aborted' }, `acquiring ${vip.id} after an abort`);
      const took = monotonicNow() - began;
      must(took < SOON, () => `it took ${took.toFixed(0)} ms to settle after the abort`);
      await free();
      await pause(50);
      mustEqual(await heldIds(), [], 'VIPs held after an aborted acquire, when nobody answers any more');
    },
  ],
  [
    'does not put up after a release what was still waiting for silence',
    async ({ stage, provider, vips, heldIds }) => {
      const [vip] = vips;
      if (stage.occupy === undefined || vip === undefined) throw new DoesNotApply(NOBODY);
      const free = await stage.occupy(vip);
      const acquiring = provider.acquire(whenSilent([vip], SOON), 1, SIGNAL);
      await pause(BEGUN);
      await provider.release([vip], SIGNAL);
      const outcomes = await acquiring;
      await free();
      mustMatch(
        outcomes[0],
        { held: false, code: 'aborted' },
        `acquiring ${vip.id}, which was released meanwhile`,
      );
      mustEqual(await heldIds(), [], 'VIPs held after the release');
    },
  ],
];
