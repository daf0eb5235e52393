/**
 * One address among many that EC2 does not give, for a reason that no look shows: the call for all of them is refused, and the others are
 * carried all the same, soon and by few calls, while the bad one is named with how to mend it. The real SDK against the make-believe EC2.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Parting } from '../../../../providers/aws/parting.ts';
import type { Piece } from '../../../../providers/aws/sight.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { VipOutcome } from '../../../../src/provider/provider.ts';
import { atOnce, eventually, NEVER, Stage, vip } from '../../../cloud/ec2/stage.ts';

/** On a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage | undefined;

afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

const VIPS = Array.from({ length: 48 }, (_, at) => vip(`v${at}`, `10.0.0.${100 + at}`));
const BAD = '10.0.0.117';
const ASSIGN = 'AssignPrivateIpAddresses';
/** EC2 says so and names nobody (aws-sdk-go#2864). */
const NAMELESS = 'secondary-addresses';

interface Told {
  readonly on: Stage;
  readonly outcomes: ReadonlyMap<string, VipOutcome>;
  /** Changing calls, the fence's tag left out. */
  readonly calls: readonly string[];
}

/** Everything is with `a`, and `b` takes it over; the good ones must be had. */
async function takenOver(spoil: (on: Stage) => void, bad: readonly string[]): Promise<Told> {
  const on = await Stage.open({ mode: 'secondary-ip' });
  stage = on;
  spoil(on);
  for (const { addresses } of VIPS)
    if (!bad.includes(addresses[0]!.address)) on.member('a').eni.secondaries.add(addresses[0]!.address);
  await on.start(VIPS);
  const from = on.fake.requests.length;
  const outcomes = await on.member('b').provider.acquire(atOnce(VIPS), 2, NEVER);
  const good = VIPS.filter(({ addresses }) => !bad.includes(addresses[0]!.address));
  const held = outcomes.filter(({ held: has, code }) => has && code === 'ok').map(({ vip: id }) => id);
  expect(held).toEqual(good.map(({ id }) => id));
  expect(on.member('b').eni.secondaries.size).toBe(good.length);
  return {
    on,
    outcomes: new Map(outcomes.map((outcome) => [outcome.vip, outcome])),
    calls: on.moving(from),
  };
}

const idOf = (address: string): string => VIPS.find(({ addresses }) => addresses[0]!.address === address)!.id;

describe('an address that EC2 does not give fails the call for all', () => {
  it('and names it: the others go together by the next call', async () => {
    const { outcomes, calls } = await takenOver(
      ({ region }) => region.kept.set(BAD, `Address ${BAD} is in subnet's reserved address range`),
      [BAD],
    );
    // The call for all, then the others and the named one beside each other.
    expect(calls).toEqual([ASSIGN, ASSIGN, ASSIGN]);
    expect(outcomes.get(idOf(BAD))).toMatchObject({ held: false, code: 'failed' });
    expect(outcomes.get(idOf(BAD))!.reason).toMatch(
      /^10\.0\.0\.117: .*reserved address range.*choose an address of the subnet/,
    );
  });

  it('and names none: halves find it, and the others are had on the way', async () => {
    const { outcomes, calls } = await takenOver(({ region }) => region.kept.set(BAD, NAMELESS), [BAD]);
    // 48 → 24 → 12 → 6 → 3 → 2 → 1: two calls each, at most, after the first.
    expect(calls.length).toBeLessThanOrEqual(13);
    expect(outcomes.get(idOf(BAD))!.reason).toMatch(/^10\.0\.0\.117: .*choose an address of the subnet/);
  });

  it('and is one of three, each for a reason of its own', async () => {
    const [named, nameless, foreign] = ['10.0.0.101', '10.0.0.120', '10.0.0.147'] as const;
    const { outcomes, calls, on } = await takenOver(
      ({ region, subnet }) => {
        region.kept.set(named, `Address ${named} is in subnet's reserved address range`);
        region.kept.set(nameless, NAMELESS);
        region.addEni(subnet, '10.0.0.60', { hidden: true }).secondaries.add(foreign);
      },
      [named, nameless, foreign],
    );
    expect(calls.length).toBeLessThanOrEqual(20);
    expect([named, nameless, foreign].map((each) => outcomes.get(idOf(each))!.code)).toEqual([
      'failed',
      'failed',
      'address-in-use',
    ]);
    expect(outcomes.get(idOf(foreign))!.reason).toMatch(/move is not allowed.*find out who has it/);
    expect(on.region.holderOf(foreign)?.hidden).toBe(true);
  });

  it('when a stranger that we may not see has it: the others do not wait for it for long', async () => {
    const began = performance.now();
    const { outcomes, calls } = await takenOver(
      ({ region, subnet }) => void region.addEni(subnet, '10.0.0.60', { hidden: true }).secondaries.add(BAD),
      [BAD],
    );
    // For all, for the others, and the named one until it is believed.
    expect(calls.length).toBeLessThanOrEqual(5);
    expect(outcomes.get(idOf(BAD))).toMatchObject({ held: false, code: 'address-in-use' });
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('nothing is asked again of it by itself, and what is held is not asked for', async () => {
    const { on, outcomes } = await takenOver(({ region }) => region.kept.set(BAD, NAMELESS), [BAD]);
    const from = on.fake.mutations.length;
    const again = await on
      .member('b')
      .provider.acquire(atOnce(VIPS.filter(({ id }) => outcomes.get(id)!.held)), 2, NEVER);
    expect(again.every(({ held }) => held)).toBe(true);
    expect(on.fake.mutations.slice(from).filter(({ action }) => action === ASSIGN)).toEqual([]);
    await eventually(() => on.member('b').eni.secondaries.size === VIPS.length - 1, 'all others');
  });

  it('and is out of the subnet, or a primary address: it costs no call at all', async () => {
    const vips: readonly Vip[] = [...VIPS.slice(0, 3), vip('out', '10.9.0.1'), vip('primary', '10.0.0.11')];
    const on = await Stage.open({ mode: 'secondary-ip' });
    stage = on;
    await on.start(vips);
    const outcomes = await on.member('b').provider.acquire(atOnce(vips), 2, NEVER);
    expect(outcomes.map(({ held }) => held)).toEqual([true, true, true, false, false]);
    expect(on.moving()).toEqual([ASSIGN]);
  });
});

describe('an interface that is gone', () => {
  it('is not asked address by address', async () => {
    const on = await Stage.open({ mode: 'secondary-ip' });
    stage = on;
    await on.start(VIPS);
    on.region.removeEni(on.member('b').eni.id);
    const outcomes = await on.member('b').provider.acquire(atOnce(VIPS), 2, NEVER);
    expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(['interface-missing']));
    expect(on.moving()).toEqual([ASSIGN]);
  });
});

describe('who shares a call', () => {
  const pieces = ['10.0.0.1', '10.0.0.11', '10.0.0.111', '2001:db8::1', '2001:db8::11'].map(
    (address): Piece => ({
      key: address,
      vip: address,
      family: 4,
      address,
      eni: 'eni-1',
      seen: { state: 'free' },
    }),
  );
  const together = (said: string): readonly (readonly string[])[] => {
    const parting = new Parting();
    parting.part(pieces, said);
    return [...Map.groupBy(pieces, ({ key }) => parting.groups.get(key)).values()].map((some) =>
      some.map(({ address }) => address),
    );
  };

  it.each([
    ['Address 10.0.0.11 is kept', ['10.0.0.11']],
    ['[10.0.0.1] assigned, but move is not allowed.', ['10.0.0.1']],
    ['it is 10.0.0.111.', ['10.0.0.111']],
    ['The address 2001:DB8::1 is already assigned to eni-2', ['2001:db8::1']],
  ])('%s: all others', (said, alone) => {
    expect(together(said).toSorted((a, b) => a.length - b.length)).toEqual([
      alone,
      pieces.map(({ address }) => address).filter((address) => !alone.includes(address)),
    ]);
  });

  it.each([
    ['nobody is named', ''],
    ['110.0.0.1 and 10.0.0.1.1 are others', '110.0.0.1, 10.0.0.1.1, 12001:db8::1'],
    ['all are named', pieces.map(({ address }) => address).join(', ')],
  ])('%s: halves', (_, said) => {
    expect(together(said).map(({ length }) => length)).toEqual([3, 2]);
  });
});
