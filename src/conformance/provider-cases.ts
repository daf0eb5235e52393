/** The cases every provider must pass; what waits for others is in `provider-silence-cases.ts`. */
import { DoesNotApply } from './cases.ts';
import { must, mustEqual, mustMatch } from './expectations.ts';
import { PROVIDER_SILENCE_CASES } from './provider-silence-cases.ts';
import { atOnce, mustNameEachOnce, type Played, SIGNAL } from './provider-stage.ts';
import { until } from './timing.ts';

export type ProviderCase = readonly [name: string, play: (played: Played) => Promise<void>];

const OWN_CASES: readonly ProviderCase[] = [
  [
    'begins with nothing held and nothing to tell',
    async ({ heldIds, events }) => {
      mustEqual(await heldIds(), [], 'VIPs held at the beginning');
      // How much there is room for is told at start, trouble is not.
      mustEqual(
        events.filter(({ kind }) => kind !== 'slots'),
        [],
        'events at the beginning',
      );
    },
  ],
  [
    'puts up what is asked for and tells the truth about it',
    async ({ take, vips, heldIds }) => {
      const outcomes = await take();
      mustNameEachOnce(outcomes, vips, 'acquire');
      for (const outcome of outcomes)
        mustMatch(outcome, { held: true, code: 'ok' }, `acquiring ${outcome.vip}`);
      mustEqual(
        await heldIds(),
        vips.map(({ id }) => id),
        'VIPs that inspect finds after acquire',
      );
      for (const { vip, reason } of outcomes)
        must(reason !== '', () => `the outcome for ${vip} gives no reason`);
    },
  ],
  [
    'acquires only what was named',
    async ({ take, vips, heldIds }) => {
      await take(vips.slice(0, 1));
      mustEqual(await heldIds(), [vips[0]?.id], 'VIPs held after acquiring the first one');
    },
  ],
  [
    'acquires what is held and releases what is not, and both succeed',
    async ({ provider, take, vips, heldIds }) => {
      await take();
      for (const outcome of await take())
        mustMatch(outcome, { held: true, code: 'ok' }, `acquiring ${outcome.vip} again`);
      for (const what of ['releasing', 'releasing again']) {
        const outcomes = await provider.release(vips, SIGNAL);
        mustNameEachOnce(outcomes, vips, 'release');
        for (const outcome of outcomes)
          mustMatch(outcome, { held: false, code: 'ok' }, `${what} ${outcome.vip}`);
      }
      mustEqual(await heldIds(), [], 'VIPs held after release');
    },
  ],
  [
    'answers an empty batch with an empty answer',
    async ({ provider }) => {
      mustEqual(await provider.acquire([], 1, SIGNAL), [], 'acquire of nothing');
      mustEqual(await provider.release([], SIGNAL), [], 'release of nothing');
      mustEqual(await provider.renew([], SIGNAL), [], 'renew of nothing');
      mustEqual(await provider.inspect([], SIGNAL), [], 'inspect of nothing');
    },
  ],
  [
    'answers a VIP named twice once',
    async ({ provider, take, vips }) => {
      const twice = [...vips, ...vips];
      mustNameEachOnce(await take(twice), vips, 'acquire');
      mustNameEachOnce(await provider.renew(twice, SIGNAL), vips, 'renew');
      mustNameEachOnce(await provider.release(twice, SIGNAL), vips, 'release');
    },
  ],
  [
    'renews what is held, and creates nothing by renewing',
    async ({ provider, take, vips, heldIds }) => {
      await take(vips.slice(0, 1));
      const outcomes = await provider.renew(vips, SIGNAL);
      mustNameEachOnce(outcomes, vips, 'renew');
      for (const outcome of outcomes) {
        if (outcome.vip === vips[0]?.id)
          mustMatch(outcome, { held: true, code: 'ok' }, `renewing ${outcome.vip}, which is held`);
        else
          must(
            !outcome.held && ['lost', 'lease-expired'].includes(outcome.code),
            () =>
              `renewing ${outcome.vip}, which is not held: expected held: false and lost or lease-expired, got held: ${outcome.held} and ${outcome.code}`,
          );
      }
      mustEqual(await heldIds(), [vips[0]?.id], 'VIPs held after renewing');
    },
  ],
  [
    'settles with `aborted` when the signal is raised before the call, and does nothing',
    async ({ provider, take, vips, heldIds }) => {
      await take(vips.slice(0, 1));
      const raised = AbortSignal.abort();
      const acquired = await provider.acquire(atOnce(vips), 1, raised);
      mustNameEachOnce(acquired, vips, 'acquire');
      for (const { vip, code } of acquired)
        mustEqual(code, 'aborted', `code of acquiring ${vip} with a raised signal`);
      for (const { vip, code } of await provider.release(vips, raised))
        mustEqual(code, 'aborted', `code of releasing ${vip} with a raised signal`);
      mustEqual(await heldIds(), [vips[0]?.id], 'VIPs held after calls with a raised signal');
    },
  ],
  [
    'announces whatever it is asked to without complaint',
    async ({ provider, take, vips, heldIds }) => {
      await take(vips.slice(0, 1));
      provider.announce(vips);
      provider.announce([]);
      mustEqual(await heldIds(), [vips[0]?.id], 'VIPs held after announcing');
    },
  ],
  [
    'ticks at once and to no other effect while well',
    async ({ provider, take, vips, heldIds, events }) => {
      await take();
      const before = [...events];
      for (let times = 0; times < 10; times++) provider.tick?.();
      mustEqual(
        await heldIds(),
        vips.map(({ id }) => id),
        'VIPs held after ticks',
      );
      mustEqual(events, before, 'events after ticks');
    },
  ],
  [
    'rehearses without changing anything, and says how to mend what is not well',
    async ({ provider, inspect, vips }) => {
      const before = await inspect();
      const checks = await provider.test(vips, SIGNAL);
      mustEqual(await inspect(), before, 'what is in place after a rehearsal');
      must(checks.length > 0, () => 'a rehearsal without a single check');
      for (const { verdict, what, mend } of checks)
        must(
          verdict === 'pass' || Boolean(mend),
          () => `the check "${what}" did not pass and does not say how to mend it`,
        );
    },
  ],
  [
    'can be started again after a stop, and then holds nothing',
    async ({ provider, take, vips, heldIds, events }) => {
      await take();
      await provider.release(vips, SIGNAL);
      await provider.stop();
      await provider.start(vips, (event) => events.push(event));
      mustEqual(await heldIds(), [], 'VIPs held after a second start');
      for (const outcome of await take())
        mustMatch(outcome, { held: true }, `acquiring ${outcome.vip} after a second start`);
    },
  ],
  [
    'tells at once what was taken away behind its back, and does not put it back by renewing',
    async ({ stage, provider, take, vips, heldIds, events }) => {
      const [vip] = vips;
      if (stage.remove === undefined || vip === undefined)
        throw new DoesNotApply('nobody can take it away here');
      await take();
      await stage.remove(vip);
      await until(
        () => events.some((event) => event.kind === 'lost'),
        `event "lost" after ${vip.id} was taken away`,
      );
      mustEqual(
        events.flatMap((event) => (event.kind === 'lost' ? [event.vip] : [])),
        [vip.id],
        'VIPs told as lost',
      );
      mustMatch(
        (await provider.renew([vip], SIGNAL))[0],
        { held: false },
        `renewing ${vip.id}, which was taken away`,
      );
      mustEqual(
        await heldIds(),
        vips.slice(1).map(({ id }) => id),
        'VIPs held after one was taken away',
      );
    },
  ],
  [
    'tells when this host cannot carry a VIP, refuses it then, and tells when it can again',
    async ({ stage, take, vips, events }) => {
      const [vip] = vips;
      if (stage.cripple === undefined || vip === undefined) throw new DoesNotApply('is always fit here');
      const fitness = () =>
        events
          .flatMap((event) => (event.kind === 'fitness' && event.vip === vip.id ? [event.fit] : []))
          .at(-1);
      const mend = await stage.cripple(vip);
      await until(() => fitness() === false, `event "fitness" with fit: false for ${vip.id}`);
      mustMatch((await take([vip]))[0], { held: false }, `acquiring ${vip.id}, which this host cannot carry`);
      await mend();
      await until(() => fitness() === true, `event "fitness" with fit: true for ${vip.id}`);
      mustMatch(
        (await take([vip]))[0],
        { held: true, code: 'ok' },
        `acquiring ${vip.id}, which this host can carry again`,
      );
    },
  ],
];

export const PROVIDER_CASES: readonly ProviderCase[] = [...OWN_CASES, ...PROVIDER_SILENCE_CASES];
