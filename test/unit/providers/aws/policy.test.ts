import { describe, expect, it } from 'vitest';
import { awsPolicy } from '../../../../providers/aws/policy.ts';
import { atOnce, NEVER, Stage, vip } from '../../../cloud/ec2/stage.ts';

const actionsOf = (policy: ReturnType<typeof awsPolicy>) => policy.Statement.flatMap(({ Action }) => Action);

describe('the least-privilege policy', () => {
  it('narrows reads to the region, and changes to what carries the mark of the cluster', () => {
    const policy = awsPolicy({
      cluster: 'web',
      providers: [{ mode: 'secondary-ip', region: 'eu-central-1' }],
      ipv6: false,
    });
    expect(policy.Statement.map(({ Sid }) => Sid)).toEqual(['Look', 'MoveSecondaryAddresses', 'ShowFence']);
    const [look, move, fence] = policy.Statement;
    expect(look).toMatchObject({
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': ['eu-central-1'] } },
    });
    expect(move).toMatchObject({
      Resource: ['arn:aws:ec2:eu-central-1:*:network-interface/*'],
      Condition: { StringEquals: { 'aws:ResourceTag/wackamole:cluster': 'web' } },
    });
    expect(fence?.Condition?.['ForAllValues:StringEquals']).toEqual({
      'aws:TagKeys': ['wackamole:web:fence'],
    });
  });

  it('knows the partitions, and that a region may not be known', () => {
    const of = (region: string | undefined) =>
      awsPolicy({
        cluster: 'web',
        providers: [{ mode: 'route', ...(region !== undefined && { region }) }],
        ipv6: false,
      }).Statement[1]?.Resource;
    expect(of('cn-north-1')).toEqual(['arn:aws-cn:ec2:cn-north-1:*:route-table/*']);
    expect(of('us-gov-west-1')).toEqual(['arn:aws-us-gov:ec2:us-gov-west-1:*:route-table/*']);
    expect(of(undefined)).toEqual(['arn:*:ec2:*:*:route-table/*']);
  });

  it('allows all that a failover and a rehearsal ask for, and nothing more', async () => {
    const asked = new Set<string>();
    const six = vip('six', '2001:db8::101');
    for (const [mode, vips] of [
      ['secondary-ip', [vip('one', '10.0.0.101'), six]],
      ['elastic-ip', [vip('elastic', '198.51.100.1')]],
      ['route', [vip('routed', '172.31.0.1')]],
    ] as const) {
      const stage = await Stage.open({ mode });
      stage.region.addElasticIp('198.51.100.1');
      stage.region.addTable({ tags: { 'wackamole:cluster': 'web' } });
      await stage.start(vips);
      for (const [at, name] of ['a', 'b', 'a'].entries())
        await stage.member(name).provider.acquire(atOnce(vips), at + 1, NEVER);
      await stage.member('a').provider.release(vips, NEVER);
      await stage.member('a').provider.test(vips, NEVER);
      for (const { action } of stage.fake.requests) asked.add(`ec2:${action}`);
      await stage.close();
    }
    // Of STS, and needs no permission.
    asked.delete('ec2:GetCallerIdentity');
    const policy = awsPolicy({
      cluster: 'web',
      providers: [{ mode: 'secondary-ip' }, { mode: 'elastic-ip' }, { mode: 'route' }],
      ipv6: true,
    });
    const allowed = new Set(actionsOf(policy));
    expect([...asked].filter((action) => !allowed.has(action))).toEqual([]);
    // Asked for with an instance type alone, which needs the metadata service.
    expect([...allowed].filter((action) => !asked.has(action))).toEqual(['ec2:DescribeInstanceTypes']);
  }, 60_000);
});
