/** Bad input that changes under a host: credentials, clocks, networks, addresses and instances that are not what they were. Beside trouble.test.ts. */
import { afterEach, describe, expect, it } from 'vitest';
import { LABELS, Scene, type SceneOptions, SIGNAL } from '../../../cloud/gce/scene.ts';

let scene: Scene;

async function open(options: SceneOptions = {}): Promise<Scene> {
  scene = await Scene.open(options);
  scene.requests();
  return scene;
}

afterEach(async () => {
  await scene.end();
});

const LONG = 120_000;
const one = () => scene.vips.slice(0, 1);

describe('named, with how to mend it, and what was held stays held', () => {
  it.each(['alias-ip', 'external-ip', 'route'] as const)(
    'credentials that have expired, in mode %s: what is held stays held, and all is well with new ones',
    async (mode) => {
      await open({ mode, config: { look_interval_ms: 1_000 } });
      const [held, wanted] = [scene.vips.slice(0, 1), scene.vips.slice(1, 2)];
      expect((await scene.take(0, { vips: held })).get('a')).toMatchObject({ held: true });
      const { metadata, provider, events } = scene.host(0);
      metadata.state = 'expired';
      scene.cloud.tokens.clear();
      const outcome = (await scene.take(0, { vips: wanted, fence: 2 })).get('b')!;
      expect(outcome).toMatchObject({ held: false, code: 'permission' });
      expect(outcome.reason).toContain('attach a service account');
      const trouble = () =>
        events.flatMap((event) => (event.kind === 'trouble' ? [event.reason ?? ''] : [])).at(-1);
      await expect
        .poll(trouble, { timeout: 20_000 })
        .toMatch(/authError.*attach a service account.*stay as last known/);
      expect(await provider.renew(held, SIGNAL)).toMatchObject([{ held: true, code: 'ok' }]);
      metadata.state = 'well';
      await expect.poll(trouble, { timeout: 20_000 }).toBe('');
      expect(events.filter(({ kind }) => kind === 'lost')).toEqual([]);
    },
    LONG,
  );

  it(
    'a clock that is minutes off: tokens do not mind, and the rehearsal says so',
    async () => {
      await open();
      scene.cloud.clockAhead = 20 * 60_000;
      expect((await scene.take(0)).get('a')).toMatchObject({ held: true, code: 'ok' });
      const checks = await scene.host(0).provider.test(scene.vips, SIGNAL);
      expect(checks.find(({ what }) => what === 'clock')).toMatchObject({
        verdict: 'fail',
        mend: expect.stringContaining('chrony'),
      });
    },
    LONG,
  );

  it(
    'a member’s interface in another network with the same addresses: who has them there is nobody here',
    async () => {
      await open();
      const elsewhere = scene.project.addInstance('vm-9', {
        primary: '10.0.0.99',
        network: 'other',
        labels: LABELS,
      });
      elsewhere.nics[0]!.aliases = [{ range: '10.0.0.50/32' }];
      expect((await scene.take(0)).get('a')).toMatchObject({ held: true, code: 'ok' });
      expect(scene.requests().changes).toEqual(['Instances.UpdateNetworkInterface']);
      expect(elsewhere.nics[0]!.aliases).toEqual([{ range: '10.0.0.50/32' }]);
    },
    LONG,
  );

  it(
    'an external address that was given back to Google under us',
    async () => {
      await open({ mode: 'external-ip', config: { look_interval_ms: 1_000 } });
      const { instance, events } = scene.host(0);
      await scene.take(0, { vips: one() });
      instance.nics[0]!.accessConfigs = [];
      scene.project.state.addresses.clear();
      await expect
        .poll(() => events.filter(({ kind }) => kind === 'lost').length, { timeout: 20_000 })
        .toBe(1);
      const outcome = (await scene.take(0, { vips: one(), fence: 2 })).get('a')!;
      expect(outcome).toMatchObject({ held: false, code: 'unsupported' });
      expect(outcome.reason).toContain('gcloud compute addresses create');
    },
    LONG,
  );

  it(
    'this instance itself is half deleted',
    async () => {
      await open();
      scene.host(0).instance.status = 'STOPPING';
      const giveUp = new AbortController();
      const taking = scene.take(0, { vips: one(), signal: giveUp.signal });
      await expect.poll(() => scene.cloud.mutations.length, { timeout: 10_000 }).toBeGreaterThan(1);
      giveUp.abort();
      expect((await taking).get('a')).toMatchObject({ held: false });
      scene.project.removeInstance('vm-1');
      const outcome = (await scene.take(0, { vips: one(), fence: 2 })).get('a')!;
      expect(outcome).toMatchObject({ held: false, code: 'interface-missing' });
      expect(outcome.reason).toContain('whether somebody deleted it');
    },
    LONG,
  );
});

describe('JSON that is none, or of something else', () => {
  it.each([
    ['alias-ip', 'Instances.AggregatedList'],
    ['external-ip', 'Addresses.List'],
    ['route', 'Routes.List'],
  ] as const)(
    'mode %s: it says nothing, least of all that nothing is there: it is asked again, and the VIP is taken from its holder once',
    async (mode, listing) => {
      await open({ mode, config: { call_timeout_ms: 1_000 } });
      await scene.take(1, { vips: one() });
      let fence = 1;
      for (const garbage of [
        '',
        'null',
        '[]',
        '7',
        '{"name":',
        '{}',
        '{"items":[]}',
        '{"kind":"compute#list","items":7}',
        '{"kind":"compute#list","items":[null,7,{"a":1}]}',
        '{"error":{}}',
      ]) {
        const at = fence % 2;
        fence += 1;
        scene.project.moves.length = 0;
        scene.cloud.faults.meet({ garbage }, { actions: [listing], times: 1 });
        scene.cloud.faults.meet({ garbage }, { mutating: true, times: 1 });
        const outcome = (await scene.take(1 - at, { vips: one(), fence })).get('a')!;
        expect(outcome, garbage).toMatchObject({ held: true, code: 'ok' });
        expect(Object.values(scene.holders())).toEqual([`vm-${2 - at}`]);
        expect(scene.project.moves.filter(({ to }) => to !== undefined)).toHaveLength(1);
      }
    },
    LONG,
  );
});

describe('a listing of several pages', () => {
  it.each(['alias-ip', 'route'] as const)(
    'is read to its end, in mode %s',
    async (mode) => {
      await open({ mode });
      scene.cloud.pageSize = 1;
      await scene.take(1);
      const outcomes = await scene.take(0, { fence: 2 });
      expect([...outcomes.values()].map(({ held, code }) => [held, code])).toEqual(
        Array(3).fill([true, 'ok']),
      );
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-1']));
      expect(scene.cloud.requests.some(({ parameters }) => parameters['pageToken'] !== undefined)).toBe(true);
    },
    LONG,
  );

  it(
    'that has no end is no answer',
    async () => {
      await open({ mode: 'route', config: { call_timeout_ms: 1_000 } });
      const endless = scene.cloud.faults.meet({
        garbage: '{"kind":"compute#routeList","nextPageToken":"more"}',
      });
      const outcome = await scene.host(0).provider.inspect(one(), SIGNAL);
      expect(outcome).toMatchObject([{ held: false, code: 'timeout' }]);
      expect(outcome[0]!.reason).toContain('a list without end');
      endless();
    },
    LONG,
  );
});
