/** Bad input and bad days: each is named with how to mend it, other VIPs go on, and what was held stays held. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Vip } from '../../../../src/model/vip.ts';
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

const one = vip('one', '10.0.0.101');
const two = vip('two', '10.0.0.102');
const QUICK = { look_interval_ms: 1_000, call_timeout_ms: 500 } as const;

async function outcomeOf(on: Stage, which: Vip, fence = 1) {
  return (await on.members[0]!.provider.acquire(atOnce([which]), fence, NEVER))[0]!;
}

describe('bad input', () => {
  it('expired credentials', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one]);
    on.fake.expired = true;
    const outcome = await outcomeOf(on, one);
    expect(outcome).toMatchObject({ held: false, code: 'permission' });
    expect(outcome.reason).toContain('renew the credentials');
  });

  it('a clock that is minutes off', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one]);
    on.fake.clockAhead = 20 * 60_000;
    expect(await outcomeOf(on, one)).toMatchObject({
      held: false,
      code: 'permission',
      reason: expect.stringContaining('set the clock'),
    });
    // The SDK has corrected itself by the answer; the rehearsal says still what to mend.
    expect(await outcomeOf(on, one)).toMatchObject({ held: true, code: 'ok' });
    const checks = await on.members[0]!.provider.test([one], NEVER);
    expect(checks.find(({ what, verdict }) => what === 'clock' && verdict === 'fail')?.mend).toContain(
      'chrony',
    );
  });

  it('the wrong region', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1, config: { region: 'eu-wrong-1' } }, [one]);
    const [event] = on.members[0]!.events.filter(({ kind }) => kind === 'fitness');
    expect(event).toMatchObject({ fit: false, reason: expect.stringContaining('AuthFailure') });
    expect(await outcomeOf(on, one)).toMatchObject({
      held: false,
      reason: expect.stringContaining('credentials'),
    });
  });

  it('an interface of another VPC, for routes', async () => {
    const routed = vip('routed', '172.31.0.1');
    stage = await Stage.open({ mode: 'route', hosts: 1 });
    const { region } = stage;
    const table = region.addTable({ tags: { 'wackamole:cluster': 'web' } });
    const elsewhere = region.addSubnet('10.0.0.0/24', { vpc: 'vpc-0b0b0b0b0b0b0b0b0' });
    const eni = region.addEni(elsewhere, '10.0.0.11', { sourceDestCheck: false });
    const told: string[] = [];
    const strange = stage.provider(eni, { tables: { ids: [table.id] } });
    try {
      await strange.start([routed], (event) => told.push(event.kind));
      expect(await strange.acquire(atOnce([routed]), 1, NEVER)).toMatchObject([
        { held: false, code: 'failed', reason: expect.stringContaining('belong to different networks') },
      ]);
    } finally {
      await strange.stop();
    }
    // Tables that are chosen by tag or subnet are those of its own VPC, which has none here.
    const tagged = stage.provider(eni);
    try {
      await tagged.start([routed], () => undefined);
      expect(await tagged.acquire(atOnce([routed]), 1, NEVER)).toMatchObject([
        { held: false, reason: expect.stringContaining('tag the tables') },
      ]);
    } finally {
      await tagged.stop();
    }
    expect(region.moves).toEqual([]);
  });

  it('an interface of another VPC with the same addresses: who has them there is nobody here', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one], ({ region }) => {
      const elsewhere = region.addSubnet('10.0.0.0/24', { vpc: 'vpc-0b0b0b0b0b0b0b0b0' });
      region.addEni(elsewhere, '10.0.0.11').secondaries.add('10.0.0.101');
    });
    expect(await outcomeOf(on, one)).toMatchObject({ held: true, code: 'ok' });
    expect(on.moving()).toEqual(['AssignPrivateIpAddresses']);
    const there = [...on.region.state.enis.values()].filter(({ secondaries }) =>
      secondaries.has('10.0.0.101'),
    );
    expect(there).toHaveLength(2);
  });

  it('an interface that does not exist', async () => {
    const on = await staged(
      { mode: 'secondary-ip', hosts: 1, config: { interfaces: ['eni-00000000000000099'] } },
      [one],
    );
    expect(await outcomeOf(on, one)).toMatchObject({
      held: false,
      reason: expect.stringContaining('correct `interfaces`'),
    });
  });

  it('an address outside the subnet, while another VIP goes on', async () => {
    const stray = vip('stray', '10.9.9.9');
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one, stray]);
    expect(on.members[0]!.events).toContainEqual(
      expect.objectContaining({
        kind: 'fitness',
        vip: 'stray',
        fit: false,
        reason: expect.stringContaining('mode `route`'),
      }),
    );
    const outcomes = await on.members[0]!.provider.acquire(atOnce([one, stray]), 1, NEVER);
    expect(outcomes.map(({ vip: id, held, code }) => [id, held, code])).toEqual([
      ['one', true, 'ok'],
      ['stray', false, 'unsupported'],
    ]);
  });

  it("an address of a stranger's host, while another VIP goes on", async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one, two], ({ region, subnet }) => {
      region.addEni(subnet, '10.0.0.50', { description: 'db-7' }).secondaries.add('10.0.0.101');
    });
    const outcomes = await on.members[0]!.provider.acquire(atOnce([one, two]), 1, NEVER);
    expect(outcomes[0]).toMatchObject({
      held: false,
      code: 'address-in-use',
      reason: expect.stringContaining('"db-7", which is no member'),
    });
    expect(outcomes[1]).toMatchObject({ held: true });
    expect(on.region.holderOf('10.0.0.101')?.primary).toBe('10.0.0.50');
  });

  it('more addresses than the instance may have: those that fit are held, the others name the limit', async () => {
    const vips = [1, 2, 3, 4, 5].map((at) => vip(`v${at}`, `10.0.0.${100 + at}`));
    const on = await staged({ mode: 'secondary-ip', hosts: 1, region: { ipv4PerInterface: 4 } }, vips);
    const outcomes = await on.members[0]!.provider.acquire(atOnce(vips), 1, NEVER);
    expect(outcomes.filter(({ held }) => held)).toHaveLength(3);
    for (const { held, code, reason } of outcomes)
      if (!held) expect([code, reason]).toEqual(['limit', expect.stringContaining('larger instance type')]);
  });

  it('an Elastic IP that was released from the account under us', async () => {
    const elastic = vip('elastic', '198.51.100.1');
    const on = await staged({ mode: 'elastic-ip', hosts: 1, config: QUICK }, [elastic], ({ region }) => {
      region.addElasticIp('198.51.100.1');
    });
    expect(await outcomeOf(on, elastic)).toMatchObject({ held: true });
    on.region.state.elasticIps.clear();
    expect(await outcomeOf(on, elastic, 2)).toMatchObject({
      held: false,
      code: 'unsupported',
      reason: expect.stringContaining('allocate it there'),
    });
  });

  it('an instance half deleted: its interface is gone', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one]);
    on.region.removeEni(on.members[0]!.eni.id);
    expect(await outcomeOf(on, one)).toMatchObject({
      held: false,
      code: 'interface-missing',
      reason: expect.stringContaining('whether somebody deleted it'),
    });
  });

  it('XML that is none', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one]);
    for (const garbage of [
      '<a><b>',
      'no XML',
      '',
      '<x>\u0000</x>',
      '{"json":true}',
      `<a>${'x'.repeat(100_000)}`,
    ]) {
      on.faults.meet({ garbage }, { times: 1 });
    }
    expect(await outcomeOf(on, one)).toMatchObject({ held: true, code: 'ok' });
  }, 30_000);

  it('a permission that is missing', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1 }, [one]);
    on.fake.deny.add('AssignPrivateIpAddresses');
    expect(await outcomeOf(on, one)).toMatchObject({
      held: false,
      code: 'permission',
      reason: expect.stringContaining('allow ec2:AssignPrivateIpAddresses'),
    });
  });
});

describe('an API that is away', () => {
  it('at start: the agent starts, its VIPs are unfit with why, and fit as soon as it answers', async () => {
    const on = await Stage.open({ mode: 'secondary-ip', hosts: 1, config: QUICK });
    stage = on;
    const calm = on.faults.meet('server-error');
    await on.start([one]);
    const { events } = on.members[0]!;
    expect(events).toContainEqual(expect.objectContaining({ kind: 'fitness', vip: 'one', fit: false }));
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'trouble',
        confined: true,
        reason: expect.stringContaining('InternalError'),
      }),
    );
    calm();
    await eventually(
      () => events.some((event) => event.kind === 'fitness' && event.fit),
      'fit again',
      15_000,
    );
    const troubled = () => events.findLast((event) => event.kind === 'trouble')?.reason !== undefined;
    await eventually(() => !troubled(), 'well again');
  }, 30_000);

  it('while something is held: it stays held as last known, is told, and nothing new is promised', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1, config: QUICK }, [one, two]);
    const { events, provider } = on.members[0]!;
    await outcomeOf(on, one);
    on.faults.meet('hung');
    await eventually(() => events.some(({ kind }) => kind === 'trouble'), 'the trouble is told', 20_000);
    expect(events.findLast(({ kind }) => kind === 'trouble')).toMatchObject({
      reason: expect.stringContaining('stay as last known'),
    });
    expect(events.filter((event) => event.kind === 'fitness').map(({ vip: id, fit }) => [id, fit])).toEqual([
      ['two', false],
    ]);
    expect(await provider.renew([one], NEVER)).toMatchObject([{ held: true, code: 'ok' }]);
    expect(await provider.inspect([one], NEVER)).toMatchObject([
      { held: true, code: 'timeout', reason: expect.stringContaining('as last known') },
    ]);
    expect(events.some(({ kind }) => kind === 'lost')).toBe(false);
  }, 40_000);

  it('in a release: it is left to the next holder, told, and tidied up when the API is back', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1, config: QUICK }, [one]);
    const { provider, events } = on.members[0]!;
    await outcomeOf(on, one);
    on.faults.meet('hung', { mutating: true });
    const [outcome] = await provider.release([one], NEVER);
    expect(outcome).toMatchObject({
      held: false,
      code: 'timeout',
      reason: expect.stringContaining('left to the next holder'),
    });
    on.faults.calm();
    await eventually(() => on.region.holderOf('10.0.0.101') === undefined, 'tidied up', 20_000);
    await eventually(
      () =>
        (events.findLast(({ kind }) => kind === 'trouble') as { reason?: string } | undefined)?.reason ===
        undefined,
      'all is well',
      10_000,
    );
  }, 60_000);

  it('for a single host: the others take what it holds', async () => {
    const on = await staged({ mode: 'secondary-ip' }, [one]);
    await outcomeOf(on, one);
    const from = on.region.moves.length;
    const outcomes = await on.member('b').provider.acquire(atOnce([one]), 2, NEVER);
    expect(outcomes).toMatchObject([
      { held: true, code: 'ok', reason: expect.stringContaining(on.member('a').eni.id) },
    ]);
    expect(on.region.moves.length - from).toBe(1);
  });
});

describe('leftovers', () => {
  it('of an earlier run are adopted by who is asked for them, by no call', async () => {
    const on = await staged(
      { mode: 'secondary-ip', hosts: 1 },
      [one],
      ({ members }) => void members[0]!.eni.secondaries.add('10.0.0.101'),
    );
    expect(await outcomeOf(on, one)).toMatchObject({
      held: true,
      reason: expect.stringContaining('already'),
    });
    expect(on.moving()).toEqual([]);
  });

  it('of an earlier run that nobody asks for are given up after two looks', async () => {
    const on = await staged(
      { mode: 'secondary-ip', hosts: 1, config: QUICK },
      [one],
      ({ members }) => void members[0]!.eni.secondaries.add('10.0.0.101'),
    );
    await eventually(() => on.region.holderOf('10.0.0.101') === undefined, 'swept', 10_000);
    expect(on.fake.requests.filter(({ action }) => action === 'UnassignPrivateIpAddresses')).toHaveLength(1);
  }, 20_000);

  it('of a run that broke under the agent stay its own', async () => {
    const on = await staged({ mode: 'secondary-ip', hosts: 1, config: QUICK }, [one, two]);
    await outcomeOf(on, one);
    await on.members[0]!.provider.stop();
    const again = on.provider(on.members[0]!.eni);
    await again.start([one, two], () => undefined, [one]);
    expect(await again.renew([one, two], NEVER)).toMatchObject([{ held: true }, { held: false }]);
    expect(await again.release([one], NEVER)).toMatchObject([{ held: false, code: 'ok' }]);
    expect(on.region.holderOf('10.0.0.101')).toBeUndefined();
    await again.stop();
  });
});
