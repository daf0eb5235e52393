/** Lines of a rehearsal that say what could not be told, or what is only half wrong; one for each. Beside rehearsal.test.ts. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Compute } from '../../../../providers/gcp/compute.ts';
import { GcpFailure } from '../../../../providers/gcp/failures.ts';
import { openSdk } from '../../../../providers/gcp/sdk.ts';
import type { Check } from '../../../../src/provider/provider.ts';
import { LABELS, Scene, type SceneOptions, SIGNAL, vip } from '../../../cloud/gce/scene.ts';

let scene: Scene;

afterEach(async () => {
  await scene.end();
});

const LONG = 60_000;

async function rehearse(options: SceneOptions, spoil: () => void = () => undefined) {
  scene = await Scene.open({ ...options, asleep: true });
  spoil();
  return scene.host(0).provider.test(scene.vips, SIGNAL);
}

/** The real SDK, of which these answers are others. */
const answering = (instead: (compute: Compute) => Partial<Compute>): SceneOptions => ({
  parts: {
    openCompute: async (settings) => {
      const compute = await openSdk(settings);
      return Object.assign(compute, instead(compute));
    },
  },
});

const broken = (method: string) =>
  new GcpFailure('unknown', { method, reason: 'backendError', said: 'it does not say why' });
const lineOf = (checks: readonly Check[], what: string) => checks.find((check) => check.what === what);

it(
  'every line is there where all is well, and each member is asked about',
  async () => {
    const checks = await rehearse({});
    expect(checks.map(({ what }) => what)).toContain('guest agent');
    for (const name of ['updateNetworkInterface', 'getGuestAttributes']) {
      const asked = checks.filter(({ what }) => what === `permission compute.instances.${name}`);
      expect(asked.map(({ detail }) => /vm-\d/.exec(detail)?.[0])).toEqual(['vm-1', 'vm-2']);
    }
  },
  LONG,
);

describe('what is wrong is told, and nothing is asked that needs it', () => {
  it(
    'an SDK that cannot be loaded',
    async () => {
      const openCompute = () => Promise.reject(new Error('it is not installed'));
      const checks = await rehearse({ parts: { openCompute } });
      expect(checks.at(-1)).toMatchObject({ what: 'SDK', verdict: 'fail', detail: 'it is not installed' });
    },
    LONG,
  );

  it(
    'credentials of nobody',
    async () => {
      const checks = await rehearse(
        answering(() => ({ identity: () => Promise.reject(broken('tokeninfo')) })),
      );
      expect(checks.at(-1)).toMatchObject({
        what: 'credentials',
        verdict: 'fail',
        mend: expect.stringContaining('service account'),
      });
    },
    LONG,
  );

  it(
    'a token that does not say its scopes',
    async () => {
      const checks = await rehearse({}, () => (scene.host(0).metadata.scopes = []));
      expect(lineOf(checks, 'token scopes')).toMatchObject({ verdict: 'unknown' });
    },
    LONG,
  );

  it(
    'an end point that takes long',
    async () => {
      let now = 0;
      const checks = await rehearse({ parts: { now: () => (now += 1_500) } });
      expect(lineOf(checks, 'end point')).toMatchObject({ verdict: 'warn', detail: '1500 ms for a read' });
    },
    LONG,
  );

  it.each([
    [60_000, 'behind'],
    [-60_000, 'ahead of'],
  ])(
    'a clock that is off by %i ms',
    async (ahead, word) => {
      const checks = await rehearse({}, () => (scene.cloud.clockAhead = ahead));
      expect(lineOf(checks, 'clock')).toMatchObject({
        verdict: 'warn',
        detail: expect.stringContaining(`${word} Google's`),
      });
    },
    LONG,
  );

  it(
    'an instance of the same address that is another one',
    async () => {
      const config = { project: 'proj-test', zone: 'europe-west3-b', instance: 'vm-9' };
      const checks = await rehearse({ config }, () => {
        const { primary } = scene.host(0).instance.nics[0]!;
        scene.project.addInstance('vm-9', { primary, zone: 'europe-west3-b', labels: LABELS });
      });
      expect(lineOf(checks, 'metadata server')).toMatchObject({
        verdict: 'fail',
        mend: expect.stringContaining('`instance`'),
      });
    },
    LONG,
  );

  it(
    'a metadata server that goes away',
    async () => {
      const checks = await rehearse(
        answering((compute) => {
          const instance = compute.instance.bind(compute);
          return {
            instance: (...asked) => {
              scene.host(0).metadata.state = 'hung';
              return instance(...asked);
            },
          };
        }),
      );
      expect(lineOf(checks, 'metadata server')).toMatchObject({
        verdict: 'warn',
        mend: expect.stringContaining('written out'),
      });
    },
    LONG,
  );

  it(
    'addresses that cannot be listed',
    async () => {
      const checks = await rehearse({ mode: 'external-ip', vips: [vip('a', '34.1.1.1')] }, () =>
        scene.cloud.denied.add('compute.addresses.list'),
      );
      expect(lineOf(checks, 'addresses')).toMatchObject({
        verdict: 'fail',
        mend: expect.stringContaining('compute.addresses.list'),
      });
    },
    LONG,
  );

  it(
    'a public address that a stranger has',
    async () => {
      const checks = await rehearse({ mode: 'external-ip', vips: [vip('a', '34.1.1.1')] }, () => {
        const stranger = scene.project.addInstance('db', { primary: '10.0.0.77' });
        stranger.nics[0]!.accessConfigs = [{ name: 'External NAT', natIp: '34.1.1.1' }];
      });
      expect(lineOf(checks, 'address')).toMatchObject({
        vip: 'a',
        verdict: 'fail',
        detail: expect.stringContaining('no member of this cluster'),
      });
    },
    LONG,
  );

  it(
    'strangers that cannot be listed',
    async () => {
      const checks = await rehearse(
        answering((compute) => {
          const instances = compute.instances.bind(compute);
          return {
            instances: (of, options) =>
              of.label === undefined
                ? Promise.reject(broken('instances.aggregatedList'))
                : instances(of, options),
          };
        }),
      );
      expect(lineOf(checks, 'strangers')).toMatchObject({ verdict: 'unknown' });
    },
    LONG,
  );

  it(
    'permissions that cannot be asked for',
    async () => {
      const checks = await rehearse(
        answering(() => ({ granted: () => Promise.reject(broken('testIamPermissions')) })),
      );
      const asked = checks.filter(({ what }) => what.startsWith('permission'));
      expect(asked.length).toBeGreaterThan(5);
      expect(new Set(asked.map(({ verdict }) => verdict))).toEqual(new Set(['unknown']));
    },
    LONG,
  );
});
