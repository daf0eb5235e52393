/** What goes wrong: each line of bad input and each trouble of the network is named, mended where it can be, and hurts nothing else. */
import { afterEach, describe, expect, it } from 'vitest';
import { Scene, type SceneOptions, SIGNAL, vip } from '../../../cloud/gce/scene.ts';

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
const UPDATE = 'Instances.UpdateNetworkInterface';

describe('passing trouble is waited for', () => {
  it.each([
    ['a throttled change', 'throttled', [UPDATE]],
    ['a change whose answer is lost', 'lost-answer', [UPDATE]],
    ['a change whose connection is cut', 'cut', [UPDATE]],
    ['a server error', 'server-error', [UPDATE]],
    ['a change that hangs', 'hung', [UPDATE]],
    ['a look that hangs', 'hung', ['Instances.AggregatedList']],
    ['an operation that cannot be asked for', 'server-error', ['ZoneOperations.Wait']],
  ] as const)(
    '%s',
    async (_, fate, actions) => {
      await open({ config: { call_timeout_ms: 1_000 } });
      scene.cloud.operations.duration = 200;
      scene.cloud.faults.meet(fate, { actions, times: 1 });
      const outcomes = await scene.take(0);
      expect([...outcomes.values()].map(({ code }) => code)).toEqual(['ok', 'ok', 'ok']);
      expect(scene.project.moves.filter(({ to }) => to === 'vm-1')).toHaveLength(4);
    },
    LONG,
  );

  it(
    'garbage for an answer',
    async () => {
      await open();
      scene.cloud.faults.meet({ garbage: '<html>proxy</html>' }, { times: 2 });
      expect((await scene.take(0)).get('a')).toMatchObject({ held: true });
    },
    LONG,
  );

  it(
    'a lost answer is asked again under the same number, and done once',
    async () => {
      await open();
      scene.cloud.faults.meet('lost-answer', { actions: [UPDATE], times: 1 });
      await scene.take(0);
      const numbers = scene.cloud.mutations.map(({ parameters }) => parameters['requestId']);
      expect(numbers).toHaveLength(2);
      expect(numbers[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(numbers[0]).toBe(numbers[1]);
      expect(scene.host(0).instance.nics[0]!.aliases).toHaveLength(4);
    },
    LONG,
  );

  it(
    'an interface that others change meanwhile: 412, look again, and nothing of theirs is lost',
    async () => {
      await open();
      await scene.take(0);
      const [nic] = scene.host(0).instance.nics;
      let meddled = false;
      scene.cloud.faults.delay = 1;
      const taking = scene.take(1, { fence: 2 });
      const meddle = setInterval(() => {
        if (meddled || scene.cloud.requests.every(({ action }) => action !== 'Instances.GetGuestAttributes'))
          return;
        meddled = true;
        nic!.aliases = [...nic!.aliases, { range: '10.0.0.222/32' }];
        nic!.fingerprint = scene.project.fingerprint();
      }, 0);
      expect((await taking).get('a')).toMatchObject({ held: true });
      clearInterval(meddle);
      expect(meddled).toBe(true);
      expect(nic!.aliases).toEqual([{ range: '10.0.0.222/32' }]);
    },
    LONG,
  );

  it(
    'reads that lag behind: it is believed when seen, and asked for once',
    async () => {
      await open();
      await scene.take(0);
      scene.project.lag = 1_500;
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      scene.requests();
      expect((await scene.take(1, { fence: 2 })).get('b')).toMatchObject({ held: true, code: 'ok' });
      const done = scene.cloud.mutations.filter(({ reason }) => reason === undefined);
      expect(done.length).toBeLessThanOrEqual(3);
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-2']));
    },
    LONG,
  );

  it(
    'slow operations, and waits that end early',
    async () => {
      await open();
      scene.cloud.operations.duration = 2_000;
      scene.cloud.operations.impatient = true;
      expect((await scene.take(0)).get('a')).toMatchObject({ held: true });
      expect(scene.requests().changes).toHaveLength(1);
    },
    LONG,
  );

  it(
    'too many operations at a time are no denial',
    async () => {
      await open({ mode: 'route' });
      scene.cloud.operations.duration = 100;
      scene.cloud.operations.concurrent = 2;
      const outcomes = await scene.take(0);
      expect([...outcomes.values()].every(({ code }) => code === 'ok')).toBe(true);
    },
    LONG,
  );
});

describe('what does not pass is said, with how to mend it', () => {
  const one = () => scene.vips.slice(0, 1);

  it(
    'a permission that is missing',
    async () => {
      await open();
      scene.cloud.denied.add('compute.instances.updateNetworkInterface');
      const outcome = (await scene.take(0)).get('a')!;
      expect(outcome).toMatchObject({ held: false, code: 'permission' });
      expect(outcome.reason).toContain('wackamole providers policy gcp');
    },
    LONG,
  );

  it(
    'a stranger that has the address',
    async () => {
      await open();
      const stranger = scene.project.addInstance('db', { primary: '10.0.0.77' });
      stranger.nics[0]!.aliases = [{ range: '10.0.0.50/32' }];
      const outcomes = await scene.take(0);
      expect(outcomes.get('a')).toMatchObject({ held: false, code: 'address-in-use' });
      expect(outcomes.get('a')!.reason).toContain('find out who has it');
      expect(outcomes.get('b')).toMatchObject({ held: true });
      expect(stranger.nics[0]!.aliases).toHaveLength(1);
    },
    LONG,
  );

  it(
    'addresses outside the subnetwork, reserved ones, and the host’s own',
    async () => {
      const vips = [
        vip('out', '10.1.0.1'),
        vip('reserved', '10.0.0.1'),
        vip('own', '10.0.0.11'),
        vip('good', '10.0.0.60'),
      ];
      await open({ vips });
      const outcomes = await scene.take(0, { vips });
      expect(outcomes.get('out')!.reason).toContain('outside 10.0.0.0/24');
      expect(outcomes.get('reserved')!.reason).toContain('reserved by Google');
      expect(outcomes.get('own')!.reason).toContain('never moves');
      for (const id of ['out', 'reserved', 'own'])
        expect(outcomes.get(id)).toMatchObject({ held: false, code: 'unsupported' });
      expect(outcomes.get('good')).toMatchObject({ held: true, code: 'ok' });
      const unfit = scene
        .host(0)
        .events.flatMap((event) => (event.kind === 'fitness' && !event.fit ? [event.vip] : []));
      expect(unfit.sort()).toEqual(['out', 'own', 'reserved']);
    },
    LONG,
  );

  it(
    'an operation that fails: the others of the batch go on',
    async () => {
      await open();
      scene.project.addInstance('db', { primary: '10.0.0.53' });
      const outcomes = await scene.take(0);
      expect(outcomes.get('c')).toMatchObject({ held: false, code: 'address-in-use' });
      expect(outcomes.get('a')).toMatchObject({ held: true });
      expect(outcomes.get('b')).toMatchObject({ held: true });
    },
    LONG,
  );

  it(
    'no room: nobody is robbed of what cannot be carried',
    async () => {
      await open({ config: { alias_limit: 3 } });
      await scene.take(0, { vips: scene.vips.slice(1) });
      scene.host(1).instance.nics[0]!.aliases = [{ range: '10.0.0.201/32' }, { range: '10.0.0.202/32' }];
      const outcomes = await scene.take(1, { vips: scene.vips.slice(1), fence: 2 });
      expect(outcomes.get('b')).toMatchObject({ held: false, code: 'limit' });
      expect(outcomes.get('c')).toMatchObject({ held: true });
      expect(scene.holders()['10.0.0.51']).toBe('vm-1');
    },
    LONG,
  );

  it(
    'a limit of the platform that we did not know',
    async () => {
      await open();
      scene.project.aliasesPerNic = 3;
      const outcomes = await scene.take(0);
      expect([...outcomes.values()].map(({ code }) => code).sort()).toEqual(['limit', 'ok', 'ok']);
      expect(scene.host(0).instance.nics[0]!.aliases.length).toBeGreaterThan(1);
    },
    LONG,
  );

  it(
    'an external address that is not reserved here',
    async () => {
      await open({ mode: 'external-ip', vips: [vip('x', '34.9.9.9')] });
      const outcome = (await scene.take(0)).get('x')!;
      expect(outcome).toMatchObject({ held: false, code: 'unsupported' });
      expect(outcome.reason).toContain('gcloud compute addresses create');
    },
    LONG,
  );

  it(
    'an instance that may not forward, and an address of the subnetwork, for routes',
    async () => {
      await open({ mode: 'route', vips: [vip('in', '10.0.0.99'), vip('ok', '10.9.0.1')] });
      expect((await scene.take(0)).get('in')!.reason).toContain('alias-ip');
      scene.host(1).instance.canIpForward = false;
      await scene.host(1).provider.stop();
      await scene.host(1).provider.start(scene.vips, () => undefined);
      expect((await scene.take(1, { fence: 2 })).get('ok')!.reason).toContain('can-ip-forward');
    },
    LONG,
  );

  it(
    'no service account',
    async () => {
      await open({ asleep: true });
      const { provider, metadata, events } = scene.host(0);
      metadata.state = 'no-account';
      const began = performance.now();
      await provider.start(scene.vips, (event) => events.push(event));
      expect(performance.now() - began).toBeLessThan(10_000);
      const outcome = (await scene.take(0)).get('a')!;
      expect(outcome).toMatchObject({ held: false });
      expect(outcome.reason).toContain('service account');
      expect(events.some(({ kind }) => kind === 'trouble')).toBe(true);
    },
    LONG,
  );

  it(
    'a wrong project or zone',
    async () => {
      await open({ config: { zone: 'europe-west3-c' }, hosts: 1 });
      const outcome = (await scene.take(0, { vips: one() })).get('a')!;
      expect(outcome.reason).toContain('check project, zone and names');
    },
    LONG,
  );
});

describe('nothing is lost', () => {
  it(
    'the API is away for long: what is held stays held, and is told',
    async () => {
      await open({ config: { look_interval_ms: 1_000, call_timeout_ms: 500 } });
      await scene.take(0);
      const calm = scene.cloud.faults.meet('server-error');
      const trouble = () =>
        scene
          .host(0)
          .events.flatMap((event) => (event.kind === 'trouble' ? [event.reason] : []))
          .at(-1);
      await expect.poll(trouble, { timeout: 20_000 }).toContain('3 VIPs held here stay as last known');
      const renewed = await scene.host(0).provider.renew(scene.vips, SIGNAL);
      expect(renewed.every(({ held }) => held)).toBe(true);
      const inspected = await scene.host(0).provider.inspect(scene.vips, SIGNAL);
      expect(inspected.every(({ held, code }) => held && code === 'timeout')).toBe(true);
      expect(scene.host(0).events.filter(({ kind }) => kind === 'lost')).toEqual([]);
      calm();
      await expect.poll(trouble, { timeout: 20_000 }).toBeUndefined();
    },
    LONG,
  );

  it(
    'a release that cannot be done says so in time, and is done later',
    async () => {
      await open({ config: { look_interval_ms: 1_000, call_timeout_ms: 500 } });
      await scene.take(0);
      const calm = scene.cloud.faults.meet('server-error', { mutating: true });
      const outcomes = await scene.give(0);
      expect(outcomes.get('a')).toMatchObject({ held: false, code: 'timeout' });
      expect(outcomes.get('a')!.reason).toContain('left to the next holder');
      calm();
      await expect.poll(() => Object.keys(scene.holders()), { timeout: 30_000 }).toEqual([]);
    },
    LONG,
  );

  it(
    'a call that is given up settles at once, and its operation is not undone by accident',
    async () => {
      await open();
      scene.cloud.operations.duration = 1_500;
      const giveUp = new AbortController();
      const taking = scene.take(0, { signal: giveUp.signal });
      await expect.poll(() => scene.cloud.mutations.length, { timeout: 10_000 }).toBe(1);
      giveUp.abort();
      const began = performance.now();
      expect((await taking).get('a')).toMatchObject({ code: 'aborted' });
      expect(performance.now() - began).toBeLessThan(100);
      expect((await scene.take(0, { fence: 2 })).get('a')).toMatchObject({ held: true, code: 'ok' });
      expect(scene.cloud.mutations).toHaveLength(1);
    },
    LONG,
  );

  it(
    'what an earlier run left here and nobody wants goes away',
    async () => {
      await open({ config: { look_interval_ms: 1_000 }, asleep: true, hosts: 1 });
      scene.host(0).instance.nics[0]!.aliases = [{ range: '10.0.0.50/32' }, { range: '10.0.0.240/32' }];
      await scene.host(0).provider.start(scene.vips, () => undefined);
      await expect
        .poll(() => scene.host(0).instance.nics[0]!.aliases, { timeout: 20_000 })
        .toEqual([{ range: '10.0.0.240/32' }]);
    },
    LONG,
  );
});
