/** The least a host's role must be allowed for a configuration, as an IAM policy. Pure; Terraform and `providers policy` use the same. */
import type { AwsMode, AwsProviderConfig } from '../../src/config/config.ts';
import { CLUSTER_TAG, fenceKey } from './fence.ts';

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyQuestion {
  readonly cluster: string;
  /** The providers of kind `aws` of the configuration. */
  readonly providers: readonly Pick<AwsProviderConfig, 'mode' | 'region'>[];
  /** Whether a VIP has IPv6 addresses. */
  readonly ipv6: boolean;
  /** Absent: any. */
  readonly account?: string;
}

/** Calls that read; EC2 knows no resources for them (Service Authorization Reference, EC2). */
const READS: Readonly<Record<AwsMode, readonly string[]>> = {
  'secondary-ip': [],
  'elastic-ip': ['DescribeAddresses', 'DescribeTags'],
  route: ['DescribeRouteTables', 'DescribeTags'],
};
const READS_ALWAYS = ['DescribeNetworkInterfaces', 'DescribeSubnets', 'DescribeInstanceTypes'];

interface Mutation {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

function mutationsOf(mode: AwsMode, ipv6: boolean): readonly Mutation[] {
  switch (mode) {
    case 'secondary-ip':
      return [
        {
          sid: 'MoveSecondaryAddresses',
          actions: [
            'AssignPrivateIpAddresses',
            'UnassignPrivateIpAddresses',
            ...(ipv6 ? ['AssignIpv6Addresses', 'UnassignIpv6Addresses'] : []),
          ],
          resources: ['network-interface'],
        },
      ];
    case 'elastic-ip':
      return [
        {
          sid: 'MoveElasticIps',
          actions: ['AssociateAddress', 'DisassociateAddress'],
          resources: ['elastic-ip', 'network-interface', 'instance'],
        },
      ];
    case 'route':
      return [{ sid: 'MoveRoutes', actions: ['CreateRoute', 'ReplaceRoute'], resources: ['route-table'] }];
  }
}

export function awsPolicy({ cluster, providers, ipv6, account = '*' }: PolicyQuestion): PolicyDocument {
  const modes = [...new Set(providers.map(({ mode }) => mode))].sort();
  const regions = [...new Set(providers.flatMap(({ region }) => region ?? []))].sort();
  const anyRegion = regions.length === 0 || providers.some(({ region }) => region === undefined);
  const places = anyRegion ? ['*'] : regions;
  const arns = (kinds: readonly string[]) =>
    kinds.flatMap((kind) =>
      places.map((region) => `arn:${partitionOf(region)}:ec2:${region}:${account}:${kind}/*`),
    );
  const inRegion = anyRegion ? {} : { Condition: { StringEquals: { 'aws:RequestedRegion': regions } } };
  const reads = [...new Set([...READS_ALWAYS, ...modes.flatMap((mode) => READS[mode])])].sort();
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'Look', Effect: 'Allow', Action: ec2(reads), Resource: '*', ...inRegion },
      ...modes
        .flatMap((mode) => mutationsOf(mode, ipv6))
        .map(
          ({ sid, actions, resources }): PolicyStatement => ({
            Sid: sid,
            Effect: 'Allow',
            Action: ec2(actions),
            Resource: arns(resources),
            Condition: { StringEquals: { [`aws:ResourceTag/${CLUSTER_TAG}`]: cluster } },
          }),
        ),
      {
        Sid: 'ShowFence',
        Effect: 'Allow',
        Action: ec2(['CreateTags']),
        Resource: arns(['network-interface']),
        Condition: {
          StringEquals: { [`aws:ResourceTag/${CLUSTER_TAG}`]: cluster },
          'ForAllValues:StringEquals': { 'aws:TagKeys': [fenceKey(cluster)] },
        },
      },
    ],
  };
}

function ec2(actions: readonly string[]): readonly string[] {
  return actions.map((action) => `ec2:${action}`);
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  return region === '*' ? '*' : 'aws';
}
