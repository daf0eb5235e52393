/** Moves in all modes: what the cloud then says, and with how many calls. The real SDK speaks to a make-believe Compute Engine. */
import { afterEach, describe, expect, it } from 'vitest';
import { LABELS, Scene, type SceneOptions, SIGNAL, vip } from '../../../cloud/gce/scene.ts';

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

describe('mode alias-ip', () => {
  it(
    'moves all aliases of a pair of hosts by two changes, and by none what is there already',
    async () => {
      await open();
      const outcomes = await scene.take(0);
      expect([...outcomes.values()].map(({ held, code }) => [held, code])).toEqual(
        Array(3).fill([true, 'ok']),
      );
      expect(scene.requests().changes).toEqual(['Instances.UpdateNetworkInterface']);
      await scene.take(1, { fence: 2 });
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-2']));
      const moved = scene.requests();
      expect(moved.changes).toEqual(Array(2).fill('Instances.UpdateNetworkInterface'));
      await scene.take(1, { fence: 3 });
      expect(scene.requests().changes).toEqual([]);
      await scene.host(1).provider.renew(scene.vips, SIGNAL);
      expect(scene.requests()).toEqual({ reads: 0, changes: [] });
    },
    LONG,
  );

  it(
    'leaves aliases of others alone on both interfaces, and really removes the last one',
    async () => {
      await open();
      const [one, two] = [scene.host(0).instance.nics[0]!, scene.host(1).instance.nics[0]!];
      one.aliases = [{ range: '10.0.0.200/32' }];
      two.aliases = [{ range: '10.7.0.9/32', rangeName: 'vips' }];
      await scene.take(0);
      await scene.take(1, { fence: 2 });
      expect(one.aliases).toEqual([{ range: '10.0.0.200/32' }]);
      expect(two.aliases).toHaveLength(5);
      expect(two.aliases).toContainEqual({ range: '10.7.0.9/32', rangeName: 'vips' });
      one.aliases = [];
      await scene.give(1);
      await scene.take(0, { vips: [scene.vips[0]!], fence: 3 });
      expect(one.aliases).toHaveLength(1);
      const released = await scene.give(0, [scene.vips[0]!]);
      expect(released.get('a')).toMatchObject({ held: false, code: 'ok' });
      expect(one.aliases).toEqual([]);
      expect(two.aliases).toEqual([{ range: '10.7.0.9/32', rangeName: 'vips' }]);
    },
    LONG,
  );

  it(
    'takes from two holders at once with two changes a pair, and from a stopped or deleted instance',
    async () => {
      await open({ hosts: 4 });
      await scene.take(0, { vips: scene.vips.slice(0, 1) });
      await scene.take(1, { vips: scene.vips.slice(1, 2) });
      await scene.take(2, { vips: scene.vips.slice(2) });
      scene.host(0).instance.status = 'TERMINATED';
      scene.project.removeInstance('vm-3');
      scene.requests();
      await scene.take(3, { fence: 2 });
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-4']));
      expect(scene.requests().changes.length).toBeLessThanOrEqual(5);
    },
    LONG,
  );

  it(
    'waits for an instance on its way out, while others go on',
    async () => {
      await open({ hosts: 3 });
      await scene.take(0, { vips: scene.vips.slice(0, 1) });
      await scene.take(1, { vips: scene.vips.slice(1) });
      scene.host(0).instance.status = 'STOPPING';
      const taking = scene.take(2, { fence: 2 });
      await expect.poll(() => scene.holders()['10.0.0.53'], { timeout: 20_000 }).toBe('vm-3');
      expect(scene.holders()['10.0.0.50']).toBe('vm-1');
      scene.project.removeInstance('vm-1');
      const outcomes = await taking;
      expect(outcomes.get('a')).toMatchObject({ held: true, code: 'ok' });
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-3']));
    },
    LONG,
  );

  it(
    'carries addresses of a secondary range',
    async () => {
      await open({ config: { range: 'vips' }, vips: [vip('s', '10.7.0.1')] });
      expect((await scene.take(0)).get('s')).toMatchObject({ held: true });
      expect(scene.host(0).instance.nics[0]!.aliases).toEqual([{ range: '10.7.0.1/32', rangeName: 'vips' }]);
    },
    LONG,
  );
});

describe('mode external-ip', () => {
  it(
    'moves an address by one delete and one add, and back',
    async () => {
      await open({ mode: 'external-ip' });
      const [first] = scene.vips;
      expect((await scene.take(0, { vips: [first!] })).get('a')).toMatchObject({ held: true, code: 'ok' });
      expect(scene.requests().changes).toEqual(['Instances.AddAccessConfig']);
      await scene.take(1, { vips: [first!], fence: 2 });
      expect(scene.holders()).toEqual({ '34.1.1.1': 'vm-2' });
      expect(scene.requests().changes).toEqual(['Instances.DeleteAccessConfig', 'Instances.AddAccessConfig']);
      await scene.give(1, [first!]);
      expect(scene.holders()).toEqual({});
    },
    LONG,
  );

  it(
    'takes no second one from its holder, since an interface has one',
    async () => {
      await open({ mode: 'external-ip' });
      await scene.take(0, { vips: scene.vips.slice(0, 1) });
      await scene.take(1, { vips: scene.vips.slice(1) });
      const outcomes = await scene.take(1, { vips: scene.vips.slice(0, 1), fence: 2 });
      expect(outcomes.get('a')).toMatchObject({ held: false, code: 'limit' });
      expect(scene.holders()).toEqual({ '34.1.1.1': 'vm-1', '34.1.1.2': 'vm-2' });
    },
    LONG,
  );

  it(
    'gives two free ones at once to one interface as one',
    async () => {
      await open({ mode: 'external-ip' });
      const outcomes = await scene.take(0);
      expect([...outcomes.values()].map(({ code }) => code).sort()).toEqual(['limit', 'ok']);
      expect(Object.keys(scene.holders())).toHaveLength(1);
    },
    LONG,
  );

  it(
    'displaces no address that is not ours',
    async () => {
      await open({ mode: 'external-ip' });
      scene.host(0).instance.nics[0]!.accessConfigs = [{ name: 'External NAT', natIp: '35.0.0.1' }];
      const outcomes = await scene.take(0, { vips: scene.vips.slice(0, 1) });
      expect(outcomes.get('a')).toMatchObject({ held: false, code: 'limit' });
      expect(outcomes.get('a')!.reason).toContain('35.0.0.1');
      expect(scene.requests().changes).toEqual([]);
    },
    LONG,
  );
});

describe('mode route', () => {
  it(
    'moves each address by one delete and one insert, and none when nothing changes',
    async () => {
      await open({ mode: 'route' });
      await scene.take(0);
      expect(scene.requests().changes).toEqual(Array(4).fill('Routes.Insert'));
      await scene.take(1, { fence: 2 });
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-2']));
      const { changes } = scene.requests();
      expect(changes.filter((each) => each === 'Routes.Delete')).toHaveLength(4);
      expect(changes).toHaveLength(8);
      await scene.take(1, { fence: 3 });
      expect(scene.requests().changes).toEqual([]);
    },
    LONG,
  );

  it(
    'gives up its own alone: a late release does not touch the next holder’s',
    async () => {
      await open({ mode: 'route' });
      await scene.take(0);
      await scene.take(1, { fence: 2 });
      const released = await scene.give(0);
      expect([...released.values()].every(({ held, code }) => !held && code === 'ok')).toBe(true);
      expect(new Set(Object.values(scene.holders()))).toEqual(new Set(['vm-2']));
      await scene.give(1);
      expect(scene.holders()).toEqual({});
    },
    LONG,
  );

  it(
    'refuses where another route leads there already',
    async () => {
      await open({ mode: 'route' });
      const instance = scene.project.url(scene.host(1).instance);
      scene.project.state.routes.set('hand-made', {
        id: '1',
        name: 'hand-made',
        network: 'net',
        destination: '10.9.0.1/32',
        priority: 900,
        description: '',
        instance,
      });
      const outcomes = await scene.take(0);
      expect(outcomes.get('a')).toMatchObject({ held: false, code: 'address-in-use' });
      expect(outcomes.get('a')!.reason).toContain('hand-made');
      expect(outcomes.get('b')).toMatchObject({ held: true });
    },
    LONG,
  );
});

describe('the fence', () => {
  it.each(['alias-ip', 'external-ip', 'route'] as const)(
    'is refused by, when lower than what the holder shows, in mode %s',
    async (mode) => {
      await open({ mode });
      const vips = scene.vips.slice(0, 1);
      await scene.take(0, { vips, fence: 7 });
      await expect
        .poll(() => mode !== 'alias-ip' || Object.keys(scene.host(0).instance.guestAttributes).length > 0)
        .toBe(true);
      scene.requests();
      const outcomes = await scene.take(1, { vips, fence: 6 });
      expect(outcomes.get('a')).toMatchObject({ held: false, code: 'address-in-use' });
      expect(outcomes.get('a')!.reason).toContain('fence 7');
      expect(scene.requests().changes).toEqual([]);
      expect((await scene.take(1, { vips, fence: 8 })).get('a')).toMatchObject({ held: true });
    },
    LONG,
  );
});

describe('an idle agent', () => {
  it(
    'reads once a look, and tells what was led away',
    async () => {
      await open({ config: { look_interval_ms: 1_000 } });
      await scene.take(0);
      scene.requests();
      const before = scene.cloud.requests.length;
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      const looks = scene.cloud.requests
        .slice(before)
        .filter(({ parameters }) => parameters['instance'] === 'vm-1');
      expect(looks.length).toBeGreaterThan(0);
      expect(looks.length).toBeLessThanOrEqual(3);
      scene.project.addInstance('other', { primary: '10.0.0.99', labels: LABELS });
      scene.host(0).instance.nics[0]!.aliases = [];
      scene.project.changed();
      const lost = () => scene.host(0).events.filter(({ kind }) => kind === 'lost').length;
      await expect.poll(lost, { timeout: 20_000 }).toBe(3);
      expect(scene.cloud.mutations).toHaveLength(0);
    },
    LONG,
  );
});
