import { describe, expect, it } from 'vitest';
import type { Ec2, Eni, Subnet } from '../../../../providers/aws/ec2.ts';
import { createElasticIpMode } from '../../../../providers/aws/elastic-ip.ts';
import type { Claim, Shown } from '../../../../providers/aws/fence.ts';
import { judge, planTake } from '../../../../providers/aws/judgement.ts';
import type { Place } from '../../../../providers/aws/place.ts';
import { createRouteMode, tablesInForce } from '../../../../providers/aws/route.ts';
import { createSecondaryIpMode } from '../../../../providers/aws/secondary-ip.ts';
import type { Piece, Seen, Sight } from '../../../../providers/aws/sight.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import { vip } from '../../../cloud/ec2/stage.ts';

const CLAIM: Claim = { fence: 7, lostUnder: undefined };

function holder(
  shown: Shown | undefined,
  more: { member?: boolean; gone?: boolean; eni?: string } = {},
): Seen {
  return {
    state: 'theirs',
    holder: {
      eni: more.eni ?? 'eni-b',
      words: 'eni-b of i-b',
      member: more.member ?? true,
      shown,
      gone: more.gone ?? false,
    },
  };
}

function sightOf(...entries: readonly (readonly [Vip, ...Seen[]])[]): Sight {
  const pieces = entries.map(
    ([{ id, addresses }, ...seen]) =>
      [
        id,
        addresses.map(
          ({ address, family }, at): Piece => ({
            key: `${id} ${address}`,
            vip: id,
            family,
            address,
            eni: 'eni-a',
            register: `eipalloc-${at}`,
            seen: seen[at]!,
          }),
        ),
      ] as const,
  );
  return { pieces: new Map(pieces), refused: new Map(), spare: ['10.0.0.11', '10.0.0.201'] };
}

const eni: Eni = {
  id: 'eni-a',
  subnet: 'subnet-a',
  vpc: 'vpc-a',
  zone: 'zone-a',
  account: '1',
  instance: 'i-a',
  description: '',
  sourceDestCheck: false,
  addresses: [{ address: '10.0.0.11', primary: true, publicIp: undefined }],
  ipv6: [],
  tags: [],
};
const subnet: Subnet = {
  id: 'subnet-a',
  vpc: 'vpc-a',
  zone: 'zone-a',
  cidr: '10.0.0.0/24',
  ipv6Cidrs: ['2001:db8::/64'],
  freeAddresses: 9,
};
const place: Place = {
  region: 'eu-test-1',
  instance: 'i-a',
  instanceType: undefined,
  interfaces: [{ eni, subnet }],
  limits: undefined,
};
const ec2 = {} as Ec2;
const secondaryIp = createSecondaryIpMode({ ec2, place, cluster: 'web' });
const elasticIp = createElasticIpMode({ ec2, place, cluster: 'web' });

describe('judging who has a VIP', () => {
  const one = vip('one', '10.0.0.101');
  const verdict = (seen: Seen, claim = CLAIM) => judge(one, sightOf([one, seen]), claim);

  it('takes what is free, and leaves alone what is ours', () => {
    expect(verdict({ state: 'free' }).kind).toBe('take');
    expect(verdict({ state: 'ours' }).kind).toBe('ours');
  });

  it.each<[string, Seen, Partial<Claim>, string | undefined]>([
    ['a member that shows nothing', holder(undefined), {}, undefined],
    ['a member that shows a lower fence', holder({ fence: 6, since: 0 }), {}, undefined],
    [
      'a member that shows our own: it gave it up in this view',
      holder({ fence: 7, since: 0 }),
      {},
      undefined,
    ],
    ['a member that shows a higher one', holder({ fence: 8, since: 0 }), {}, 'shows fence 8, and ours is 7'],
    [
      'a member that is gone, whatever it showed',
      holder({ fence: 8, since: 0 }, { gone: true }),
      {},
      undefined,
    ],
    ['a stranger', holder(undefined, { member: false }), {}, 'no member of this cluster'],
    [
      'who took it from us under this very fence',
      holder(undefined),
      { lostUnder: 7 },
      'was taken from us under fence 7',
    ],
    ['who took it from us under an earlier fence', holder(undefined), { lostUnder: 6 }, undefined],
  ])('from %s', (...[, seen, claim, objection]) => {
    const result = verdict(seen, { ...CLAIM, ...claim });
    if (objection === undefined) expect(result.kind).toBe('take');
    else
      expect(result).toMatchObject({
        kind: 'refuse',
        refusal: { code: 'address-in-use', reason: expect.stringContaining(objection) },
      });
  });

  it('has a VIP whole or not at all: what leads here of a refused one is given back', () => {
    const pair = vip('pair', '10.0.0.101', '10.0.0.102');
    const sight = sightOf([pair, { state: 'ours' }, holder({ fence: 9, since: 0 })]);
    const plan = planTake(secondaryIp, {
      vips: [pair],
      sight,
      claimOf: () => CLAIM,
      granted: () => false,
      apart: new Map(),
    });
    expect(plan.calls).toEqual([]);
    expect(plan.refused.get('pair')?.code).toBe('address-in-use');
    expect(plan.giveBack.map(({ address }) => address)).toEqual(['10.0.0.101']);
  });
});

describe('planning calls', () => {
  const plan = (
    mode: typeof secondaryIp,
    sight: Sight,
    { vips, apart = new Map() }: { vips: readonly Vip[]; apart?: ReadonlyMap<string, number> },
  ) => planTake(mode, { vips, sight, claimOf: () => CLAIM, granted: () => false, apart });

  it('takes fifty addresses by one call, stealing only where somebody has one', () => {
    const vips = Array.from({ length: 50 }, (_, at) => vip(`v${at}`, `10.0.0.${100 + at}`));
    const free = plan(secondaryIp, sightOf(...vips.map((each) => [each, { state: 'free' }] as const)), {
      vips,
    });
    expect(free.calls).toHaveLength(1);
    expect(free.calls[0]?.call).toMatchObject({ kind: 'assign', family: 4, steal: false });
    const taken = plan(secondaryIp, sightOf(...vips.map((each) => [each, holder(undefined)] as const)), {
      vips,
    });
    expect(taken.calls).toHaveLength(1);
    expect(taken.calls[0]?.call).toMatchObject({ steal: true });
    expect(taken.calls[0]?.pieces).toHaveLength(50);
  });

  it('sends what failed a batch by itself', () => {
    const vips = [vip('a', '10.0.0.101'), vip('b', '10.0.0.102'), vip('c', '10.0.0.103')];
    const sight = sightOf(...vips.map((each) => [each, { state: 'free' }] as const));
    const { calls } = plan(secondaryIp, sight, { vips, apart: new Map([['b 10.0.0.102', 1]]) });
    expect(calls.map(({ pieces }) => pieces.map(({ vip: id }) => id))).toEqual([['a', 'c'], ['b']]);
  });

  it('strips the holder of an IPv6 address first, once a holder', () => {
    const six = [vip('a', '2001:db8::101'), vip('b', '2001:db8::102'), vip('c', '2001:db8::103')];
    const sight = sightOf(
      [six[0]!, holder(undefined)],
      [six[1]!, holder(undefined)],
      [six[2]!, { state: 'free' }],
    );
    const { calls } = plan(secondaryIp, sight, { vips: six });
    expect(
      calls.map(({ call, frees }) => [call.kind, 'eni' in call ? call.eni : '', frees === true]),
    ).toEqual([
      ['unassign', 'eni-b', true],
      ['assign', 'eni-a', false],
    ]);
  });

  it('asks for nothing when everything is ours', () => {
    const one = vip('one', '10.0.0.101');
    expect(plan(secondaryIp, sightOf([one, { state: 'ours' }]), { vips: [one] })).toMatchObject({
      calls: [],
      ours: ['one'],
    });
  });

  it('lays each Elastic IP on a private address of its own, and refuses whole VIPs where there are too few', () => {
    const vips = [vip('a', '198.51.100.1'), vip('b', '198.51.100.2', '198.51.100.3')];
    const sight = sightOf([vips[0]!, { state: 'free' }], [vips[1]!, { state: 'free' }, { state: 'free' }]);
    const { calls, refused } = plan(elasticIp, sight, { vips });
    expect(calls.map(({ call }) => call)).toMatchObject([
      { kind: 'associate', privateAddress: '10.0.0.11', steal: false },
    ]);
    expect(refused.get('b')).toMatchObject({
      code: 'limit',
      reason: expect.stringContaining('secondary address'),
    });
  });

  it('names the association it saw when it gives an Elastic IP up, and nothing without one', () => {
    const one = vip('one', '198.51.100.1');
    const ours = sightOf([one, { state: 'ours', token: 'eipassoc-1' }]).pieces.get('one')!;
    expect(elasticIp.giveCalls(ours).map(({ call }) => call)).toEqual([
      { kind: 'disassociate', association: 'eipassoc-1' },
    ]);
    expect(elasticIp.giveCalls(sightOf([one, holder(undefined)]).pieces.get('one')!)).toEqual([]);
  });

  it('creates a route that is not there, replaces one that is, and never deletes any', () => {
    const route = createRouteMode({ ec2, place, cluster: 'web', tables: { by: 'id', ids: ['rtb-1'] } });
    const vips = [vip('a', '172.31.0.1'), vip('b', 'fd00::1')];
    const sight = sightOf([vips[0]!, { state: 'free', blank: true }], [vips[1]!, holder(undefined)]);
    expect(plan(route, sight, { vips }).calls.map(({ call }) => call)).toMatchObject([
      { how: 'create', destination: '172.31.0.1/32', family: 4 },
      { how: 'replace', destination: 'fd00::1/128', family: 6 },
    ]);
    expect(route.giveCalls([...sight.pieces.values()].flat())).toEqual([]);
  });
});

describe('what this host can never carry', () => {
  it.each([
    [secondaryIp, vip('x', '10.0.1.5'), 'lies in no subnet of this host'],
    [secondaryIp, vip('x', '10.0.0.2'), 'reserved by Amazon'],
    [secondaryIp, vip('x', '10.0.0.11'), 'primary address'],
    [secondaryIp, vip('x', '2001:db8:1::5'), 'lies in no subnet'],
    [elasticIp, vip('x', '2001:db8::5'), 'Elastic IPs are IPv4'],
    [
      createRouteMode({ ec2, place, cluster: 'web', tables: { by: 'id', ids: [] } }),
      vip('x', '10.0.0.99'),
      'inside the subnet',
    ],
    [
      createRouteMode({
        ec2,
        place: { ...place, interfaces: [{ eni: { ...eni, sourceDestCheck: true }, subnet }] },
        cluster: 'web',
        tables: { by: 'id', ids: [] },
      }),
      vip('x', '172.31.0.1'),
      'source/destination check of eni-a is on',
    ],
  ])('%#', (mode, which, words) => {
    expect(mode.objection(which)?.reason).toContain(words);
  });
});

describe('tables in force', () => {
  const table = (id: string, main: boolean, ...subnets: string[]) => ({
    id,
    vpc: 'v',
    main,
    subnets,
    routes: [],
  });
  const found = [
    table('rtb-main', true),
    table('rtb-a', false, 'subnet-a'),
    table('rtb-b', false, 'subnet-b'),
  ];

  it('are those of the subnets; one without its own follows the main one', () => {
    const ids = (subnets: string[]) => tablesInForce(found, { by: 'subnet', subnets }).map(({ id }) => id);
    expect(ids(['subnet-a'])).toEqual(['rtb-a']);
    expect(ids(['subnet-a', 'subnet-x', 'subnet-y'])).toEqual(['rtb-a', 'rtb-main']);
  });
});
