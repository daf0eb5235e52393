/** Provider `aws` with the real SDK against the make-believe EC2: how many calls, what it says of trouble, and what it never undoes. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Vip } from '../../../../src/model/vip.ts';
import type { VipOutcome } from '../../../../src/provider/provider.ts';
import { atOnce, eventually, NEVER, Stage, type StageOptions, vip } from '../../../cloud/ec2/stage.ts';

/** On a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage | undefined;

afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function staged(
  options: StageOptions,
  vips: readonly Vip[],
  prepare?: (stage: Stage) => void,
): Promise<Stage> {
  stage = await Stage.open(options);
  prepare?.(stage);
  await stage.start(vips);
  return stage;
}

const many = (count: number) => Array.from({ length: count }, (_, at) => vip(`v${at}`, `10.0.0.${100 + at}`));
/** Member, VIPs, fence. */
const take = (on: Stage, ...[name, vips, fence]: [string, readonly Vip[], number]) =>
  on.member(name).provider.acquire(atOnce(vips), fence, NEVER);
const brief = (outcomes: readonly VipOutcome[]) =>
  outcomes.map(({ vip: id, held, code }) => [id, held, code]);

describe('calls of a failover', () => {
  it('secondary-ip: two change something for fifty addresses, and none when nothing has to change', async () => {
    const vips = many(48);
    const on = await staged({ mode: 'secondary-ip' }, vips);
    await take(on, 'a', vips, 1);
    const from = on.fake.requests.length;
    const outcomes = await take(on, 'b', vips, 2);
    expect(outcomes.every(({ held, code }) => held && code === 'ok')).toBe(true);
    const changing = on.fake.requests.slice(from).filter(({ mutating }) => mutating);
    expect(changing.map(({ action }) => action).toSorted()).toEqual([
      'AssignPrivateIpAddresses',
      'CreateTags',
    ]);
    expect(on.member('b').eni.secondaries.size).toBe(48);
    expect(on.member('a').eni.secondaries.size).toBe(0);
    const again = on.fake.mutations.length;
    await take(on, 'b', vips, 2);
    expect(on.fake.mutations).toHaveLength(again);
  });

  it('elastic-ip: one for each address', async () => {
    const addresses = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
    const vips = addresses.map((address, at) => vip(`v${at}`, address));
    const on = await staged({ mode: 'elastic-ip' }, vips, ({ region, members }) => {
      for (const address of addresses) region.addElasticIp(address);
      for (const { eni } of members)
        for (const at of [1, 2]) eni.secondaries.add(`10.0.0.${100 + 10 * eni.primary.length + at}`);
      for (const at of [1, 2]) members[1]!.eni.secondaries.add(`10.0.0.${220 + at}`);
    });
    await take(on, 'a', vips, 1);
    const from = on.fake.requests.length;
    await take(on, 'b', vips, 2);
    expect(
      on.fake.requests
        .slice(from)
        .filter(({ mutating }) => mutating)
        .map(({ action }) => action),
    ).toEqual(['AssociateAddress', 'AssociateAddress', 'AssociateAddress']);
    expect(addresses.map((address) => on.region.elasticIp(address)?.association?.eni)).toEqual(
      addresses.map(() => on.member('b').eni.id),
    );
  });

  it('route: one for each address and table', async () => {
    const vips = [vip('one', '172.31.0.1'), vip('six', 'fd00::6')];
    const on = await staged({ mode: 'route' }, vips, ({ region }) => {
      for (const _ of [1, 2, 3]) region.addTable({ tags: { 'wackamole:cluster': 'web' } });
      region.addTable({ tags: { 'wackamole:cluster': 'other' } });
    });
    await take(on, 'a', vips, 1);
    expect(on.moving()).toEqual(Array.from({ length: 6 }, () => 'CreateRoute'));
    const from = on.fake.requests.length;
    await take(on, 'b', vips, 2);
    expect(
      on.fake.requests
        .slice(from)
        .filter(({ mutating }) => mutating)
        .map(({ action }) => action),
    ).toEqual(Array.from({ length: 6 }, () => 'ReplaceRoute'));
    const untouched = [...on.region.state.tables.values()].at(-1);
    expect(untouched?.routes.size).toBe(0);
  });

  it('an idle provider reads once in its interval, and renews without asking', async () => {
    const vips = many(2);
    const on = await staged({ mode: 'secondary-ip', hosts: 1, config: { look_interval_ms: 2_000 } }, vips);
    const from = on.fake.requests.length;
    for (let at = 0; at < 40; at += 1) {
      await on.members[0]!.provider.renew(vips, NEVER);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const since = on.fake.requests.slice(from).map(({ action }) => action);
    expect(since.length).toBeGreaterThanOrEqual(1);
    expect(since.length).toBeLessThanOrEqual(2);
    expect(new Set(since)).toEqual(new Set(['DescribeNetworkInterfaces']));
  });
});

describe('an old holder undoes nothing', () => {
  it('secondary-ip: its late release names its own interface', async () => {
    const [one] = many(1);
    const on = await staged({ mode: 'secondary-ip' }, [one!]);
    await take(on, 'a', [one!], 1);
    await take(on, 'b', [one!], 2);
    expect(brief(await on.member('a').provider.release([one!], NEVER))).toEqual([['v0', false, 'ok']]);
    expect(on.region.holderOf('10.0.0.100')?.id).toBe(on.member('b').eni.id);
  });

  it('elastic-ip: its late release names an association that is over', async () => {
    const one = vip('one', '198.51.100.1');
    const on = await staged(
      { mode: 'elastic-ip' },
      [one],
      ({ region }) => void region.addElasticIp('198.51.100.1'),
    );
    await take(on, 'a', [one], 1);
    await take(on, 'b', [one], 2);
    expect(brief(await on.member('a').provider.release([one], NEVER))).toEqual([['one', false, 'ok']]);
    expect(on.region.elasticIp('198.51.100.1')?.association?.eni).toBe(on.member('b').eni.id);
  });

  it('route: its release changes nothing at all', async () => {
    const one = vip('one', '172.31.0.1');
    const on = await staged(
      { mode: 'route' },
      [one],
      ({ region }) => void region.addTable({ tags: { 'wackamole:cluster': 'web' } }),
    );
    await take(on, 'a', [one], 1);
    await take(on, 'b', [one], 2);
    const before = on.fake.mutations.length;
    await on.member('a').provider.release([one], NEVER);
    expect(on.fake.mutations).toHaveLength(before);
  });

  it('a member of an older view takes nothing from one that shows a newer fence', async () => {
    const [one] = many(1);
    const on = await staged({ mode: 'secondary-ip' }, [one!]);
    await take(on, 'b', [one!], 9);
    await eventually(
      () =>
        on.fake.mutations.some(
          ({ action, input }) => action === 'CreateTags' && JSON.stringify(input).includes('9 since'),
        ),
      'the fence of b',
    );
    const [outcome] = await take(on, 'a', [one!], 8);
    expect(outcome).toMatchObject({
      held: false,
      code: 'address-in-use',
      reason: expect.stringContaining('fence 9'),
    });
    expect(on.region.holderOf('10.0.0.100')?.id).toBe(on.member('b').eni.id);
    expect(brief(await take(on, 'a', [one!], 10))).toEqual([['v0', true, 'ok']]);
  });

  it('who lost it under a fence takes it back only under a higher one', async () => {
    const [one] = many(1);
    const on = await staged({ mode: 'secondary-ip', config: { look_interval_ms: 1_000 } }, [one!]);
    const { provider, events } = on.member('a');
    await take(on, 'a', [one!], 5);
    await take(on, 'b', [one!], 5);
    await eventually(() => events.some(({ kind }) => kind === 'lost'), 'a is told');
    expect(events.find(({ kind }) => kind === 'lost')).toMatchObject({
      vip: 'v0',
      reason: expect.stringContaining(on.member('b').eni.id),
    });
    const moves = on.region.moves.length;
    expect(brief(await provider.acquire(atOnce([one!]), 5, NEVER))).toEqual([
      ['v0', false, 'address-in-use'],
    ]);
    expect(on.region.moves).toHaveLength(moves);
    expect(brief(await provider.acquire(atOnce([one!]), 6, NEVER))).toEqual([['v0', true, 'ok']]);
  });
});

describe('answers that do not come, or come late', () => {
  it('an answer that is lost after the change costs no second change', async () => {
    const vips = many(3);
    const on = await staged({ mode: 'secondary-ip' }, vips);
    on.faults.meet('lost-answer', { actions: ['AssignPrivateIpAddresses'], times: 1 });
    expect((await take(on, 'a', vips, 1)).every(({ held }) => held)).toBe(true);
    expect(on.moving()).toEqual(['AssignPrivateIpAddresses']);
  });

  it('a call that hangs is given up after its own timeout and tried again', async () => {
    const vips = many(2);
    const on = await staged({ mode: 'secondary-ip', config: { call_timeout_ms: 500 } }, vips);
    on.faults.meet('hung', { mutating: true, times: 2 });
    expect((await take(on, 'a', vips, 1)).every(({ held }) => held)).toBe(true);
  });

  it('throttling is waited out', async () => {
    const vips = many(2);
    const on = await staged({ mode: 'secondary-ip' }, vips);
    on.faults.meet('throttled', { times: 4 });
    expect((await take(on, 'a', vips, 1)).every(({ held }) => held)).toBe(true);
  });

  it('is held only once it is seen, and the change is not repeated meanwhile', async () => {
    const vips = many(2);
    const on = await staged({ mode: 'secondary-ip' }, vips);
    on.region.lag = 800;
    const began = performance.now();
    expect((await take(on, 'a', vips, 1)).every(({ held }) => held)).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(700);
    expect(on.moving()).toEqual(['AssignPrivateIpAddresses']);
  });

  it('a look that is out of date ends in the truth: what seems free is taken from who has it', async () => {
    const [one] = many(1);
    const on = await staged({ mode: 'secondary-ip' }, [one!]);
    on.region.lag = 600;
    await take(on, 'a', [one!], 1);
    await on.member('a').provider.release([one!], NEVER);
    await take(on, 'a', [one!], 1);
    expect(brief(await take(on, 'b', [one!], 2))).toEqual([['v0', true, 'ok']]);
    expect(on.region.holderOf('10.0.0.100')?.id).toBe(on.member('b').eni.id);
  });

  it('IPv6 is stripped from the old holder first, in spite of looks that lag', async () => {
    const six = vip('six', '2001:db8::6');
    const on = await staged({ mode: 'secondary-ip' }, [six]);
    await take(on, 'a', [six], 1);
    await new Promise((resolve) => setTimeout(resolve, 600));
    on.region.lag = 500;
    expect(brief(await take(on, 'b', [six], 2))).toEqual([['six', true, 'ok']]);
    expect(on.moving().slice(1)).toEqual(['UnassignIpv6Addresses', 'AssignIpv6Addresses']);
  });

  it('an abort settles within 100 ms; what was asked for counts as held, and a release takes it back', async () => {
    const [one] = many(1);
    const on = await staged({ mode: 'secondary-ip' }, [one!]);
    on.faults.delay = 300;
    const abort = new AbortController();
    const acquiring = on.member('a').provider.acquire(atOnce([one!]), 1, abort.signal);
    await eventually(() => on.moving().length > 0, 'the change is under way');
    await new Promise((resolve) => setTimeout(resolve, 400));
    const raised = performance.now();
    abort.abort();
    const [outcome] = await acquiring;
    expect(performance.now() - raised).toBeLessThan(1_000);
    expect(outcome).toMatchObject({ held: true, code: 'aborted' });
    on.faults.calm();
    await on.member('a').provider.release([one!], NEVER);
    expect(on.region.holderOf('10.0.0.100')).toBeUndefined();
  });

  it('a release that comes in the midst of an acquire wins', async () => {
    const [one] = many(1);
    const on = await staged({ mode: 'secondary-ip' }, [one!]);
    on.faults.delay = 200;
    const acquiring = take(on, 'a', [one!], 1);
    await eventually(() => on.moving().length > 0, 'the change is under way');
    await on.member('a').provider.release([one!], NEVER);
    await acquiring;
    expect(on.region.holderOf('10.0.0.100')).toBeUndefined();
    expect((await on.member('a').provider.inspect([one!], NEVER))[0]?.held).toBe(false);
  });
});
