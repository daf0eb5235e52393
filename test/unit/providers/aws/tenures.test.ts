/**
 * Modes whose every address costs a call: a failover has none beside them; the fence is shown at rest, and until then nothing is taken from
 * who came after our first look.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Ec2 } from '../../../../providers/aws/ec2.ts';
import { createAwsProvider } from '../../../../providers/aws/provider.ts';
import { openSdk } from '../../../../providers/aws/sdk.ts';
import { Tenures } from '../../../../providers/aws/tenures.ts';
import type { AwsMode } from '../../../../src/config/config.ts';
import { monotonicNow } from '../../../../src/platform/clock.ts';
import type { Provider } from '../../../../src/provider/provider.ts';
import { atOnce, CLUSTER, eventually, NEVER, Stage, vip } from '../../../cloud/ec2/stage.ts';

const ADDRESSES = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
const VIPS = ADDRESSES.map((address, at) => vip(`v${at}`, address));
let stage: Stage | undefined;
let extra: Provider | undefined;

afterEach(async () => {
  await extra?.stop();
  await stage?.close();
  extra = undefined;
  stage = undefined;
});

/** Each address with room for it on every member; two tables. */
async function open(mode: AwsMode): Promise<Stage> {
  const on = await Stage.open({ mode, hosts: 3, config: { look_interval_ms: 100 } });
  stage = on;
  for (const [at, { eni }] of on.members.entries()) {
    on.region.tag(eni.id, { 'wackamole:cluster': CLUSTER });
    for (const spare of [1, 2]) eni.secondaries.add(`10.0.0.${100 + at * 10 + spare}`);
  }
  if (mode === 'elastic-ip') for (const address of ADDRESSES) on.region.addElasticIp(address);
  else for (const _ of [1, 2]) on.region.addTable({ tags: { 'wackamole:cluster': CLUSTER } });
  return on;
}

function holderOf(on: Stage, address: string): string | undefined {
  const eni =
    on.mode === 'elastic-ip'
      ? on.region.elasticIp(address)?.association?.eni
      : [...on.region.state.tables.values()].map(({ routes }) => routes.get(`${address}/32`)?.eni)[0];
  return on.members.find((each) => each.eni.id === eni)?.name;
}

describe.each(['elastic-ip', 'route'] as const)('mode %s', (mode) => {
  it('a failover costs one call for each address and table, and none beside; the fence is shown at rest', async () => {
    const on = await open(mode);
    const { eni } = on.member('b');
    // Stands still until it is at rest.
    let now = monotonicNow();
    const events: unknown[] = [];
    extra = createAwsProvider('aws', { config: on.config(eni), cluster: CLUSTER }, { now: () => now });
    await on.member('a').provider.start(VIPS, () => undefined);
    await extra.start(VIPS, (event) => events.push(event));
    await on.member('a').provider.acquire(atOnce(VIPS), 7, NEVER);
    await on.member('a').provider.stop();
    const from = on.fake.requests.length;
    const outcomes = await extra.acquire(atOnce(VIPS), 9, NEVER);
    expect(outcomes.map(({ held }) => held)).toEqual([true, true, true]);
    const looks = () => on.fake.requests.slice(from).filter(({ mutating }) => !mutating).length;
    const before = looks();
    await eventually(() => looks() > before + 5, 'some looks more');
    const changes = on.fake.requests.slice(from).filter(({ mutating }) => mutating);
    expect(changes.map(({ action }) => action)).toEqual(
      mode === 'elastic-ip' ? Array(3).fill('AssociateAddress') : Array(6).fill('ReplaceRoute'),
    );
    now += 501;
    const shown = () => on.region.state.tags.get(eni.id)?.get(`wackamole:${CLUSTER}:fence`);
    await eventually(() => shown()?.startsWith('9 since') === true, 'the fence at rest');
    expect(events.filter((event) => (event as { kind: string }).kind === 'lost')).toEqual([]);
  });

  it('who stood still between look and call leaves alone what a newer view has taken meanwhile', async () => {
    const on = await open(mode);
    const [first] = VIPS as [(typeof VIPS)[number]];
    await on.start(VIPS);
    await on.member('a').provider.acquire(atOnce([first]), 7, NEVER);
    let ahead = 0;
    let stalls = 0;
    const stalling = async (ec2: Ec2): Promise<Ec2> => {
      const stall = async <T>(answer: T): Promise<T> => {
        if (stalls > 0) {
          stalls -= 1;
          // While this one is frozen with its answer in hand, a newer view moves the VIP on.
          await on.member('c').provider.acquire(atOnce([first]), 9, NEVER);
          ahead = 10_000;
        }
        return answer;
      };
      const [elasticIps, routeTables] = [ec2.elasticIps.bind(ec2), ec2.routeTables.bind(ec2)];
      return Object.assign(ec2, {
        elasticIps: async (...asked: Parameters<typeof elasticIps>) => stall(await elasticIps(...asked)),
        routeTables: async (...asked: Parameters<typeof routeTables>) => stall(await routeTables(...asked)),
      });
    };
    const frozen = createAwsProvider(
      'aws',
      { config: on.config(on.member('b').eni), cluster: CLUSTER },
      { now: () => monotonicNow() + ahead, openEc2: async (settings) => stalling(await openSdk(settings)) },
    );
    extra = frozen;
    await frozen.start([], () => undefined);
    stalls = 1;
    const [outcome] = await frozen.acquire(atOnce([first]), 8, NEVER);
    expect(outcome).toMatchObject({ held: false, code: 'address-in-use' });
    expect(outcome!.reason).toContain(
      'while we were about to take it: only a newer view takes it from there',
    );
    expect(holderOf(on, ADDRESSES[0]!)).toBe('c');
    // And a newer wish does.
    const [again] = await frozen.acquire(atOnce([first]), 10, NEVER);
    expect(again).toMatchObject({ held: true });
    expect(holderOf(on, ADDRESSES[0]!)).toBe('b');
  });
});

describe('Tenures', () => {
  const seen = (words: string | undefined, gone = false) =>
    words === undefined
      ? ({ state: 'free' } as const)
      : ({
          state: 'theirs',
          holder: { eni: words, words, member: true, shown: undefined, ...(gone && { gone }) },
        } as const);
  const look = (tenures: Tenures, state: ReturnType<typeof seen> | { readonly state: 'ours' }) =>
    tenures.judged({
      pieces: new Map([
        ['v', [{ key: 'v', vip: 'v', family: 4, address: '1.2.3.4', eni: 'e', seen: state }]],
      ]),
      refused: new Map(),
    }).refused.size;

  it.each([
    ['the same one', ['x', 'x'], [0, 0]],
    ['another one', ['x', 'y'], [0, 1]],
    ['nobody first', [undefined, 'y'], [0, 1]],
    ['nobody then', ['x', undefined], [0, 0]],
    ['back again', ['x', 'y', 'x'], [0, 1, 0]],
  ] as const)('%s', (_, holders, refused) => {
    const tenures = new Tenures();
    expect(holders.map((each) => look(tenures, seen(each)))).toEqual(refused);
  });

  it('one whose interface is gone is nobody; ours is not judged', () => {
    const tenures = new Tenures();
    expect(look(tenures, { state: 'ours' })).toBe(0);
    expect(look(tenures, seen('x'))).toBe(0);
    expect(look(tenures, seen('y', true))).toBe(0);
  });
});
