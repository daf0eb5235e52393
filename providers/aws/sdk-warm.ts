/**
 * The verbs of a takeover, said to nobody: the first call of each costs an SDK tens of milliseconds of loading, compiling and building, which
 * are spent here, while the provider is loaded, and not between a view and the call that moves its VIPs.
 */
import type { AwsMode } from '../../src/config/config.ts';
import type { Millis } from '../../src/model/time.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { Change, Ec2 } from './ec2.ts';
import { Ec2Failure } from './failures.ts';

/** Until the compiler has seen enough; more changes nothing that can be measured. */
const TIMES = 25;
/** On a host that is busy with other things a cold start is better than a late one. */
const WARMING_MAX: Millis = 2_000;
/** Entries of an answer: a busy host's. With few of them the code that reads one entry stays cold, which costs 8 ms of processor a hundred. */
const ENTRIES = Array.from({ length: 100 }, (_, at) => at + 1);
const itemsOf = (item: (at: number) => string) => ENTRIES.map((at) => `<item>${item(at)}</item>`).join('');
const SIGNAL = new AbortController().signal;
const ENI = 'eni-00000000000000000';
/** Answers nobody gave, by the action in the request: of the shape of real ones. */
const ANSWERS: Readonly<Record<string, string>> = {
  DescribeNetworkInterfaces: `<networkInterfaceSet><item><networkInterfaceId>${ENI}</networkInterfaceId><privateIpAddressesSet>${itemsOf((at) => `<privateIpAddress>10.0.0.${at}</privateIpAddress><primary>${at === 1}</primary>`)}</privateIpAddressesSet><tagSet><item><key>k</key><value>v</value></item></tagSet></item></networkInterfaceSet>`,
  DescribeAddresses: `<addressesSet>${itemsOf((at) => `<publicIp>198.51.100.${at}</publicIp><allocationId>eipalloc-${at}</allocationId><associationId>eipassoc-0</associationId><networkInterfaceId>${ENI}</networkInterfaceId>`)}</addressesSet>`,
  DescribeRouteTables: `<routeTableSet><item><routeTableId>rtb-0</routeTableId><routeSet>${itemsOf((at) => `<destinationCidrBlock>10.1.0.${at}/32</destinationCidrBlock><networkInterfaceId>${ENI}</networkInterfaceId><state>active</state>`)}</routeSet></item></routeTableSet>`,
  DescribeTags: `<tagSet><item><resourceId>${ENI}</resourceId><key>k</key><value>v</value></item></tagSet>`,
  AssignPrivateIpAddresses: `<networkInterfaceId>${ENI}</networkInterfaceId>`,
  AssignIpv6Addresses: `<networkInterfaceId>${ENI}</networkInterfaceId>`,
  AssociateAddress: '<associationId>eipassoc-0</associationId>',
};

export function answerTo(body: string): string {
  const action = /Action=([A-Za-z0-9]+)/.exec(body)?.[1] ?? '';
  return `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>0</requestId>${ANSWERS[action] ?? '<return>true</return>'}</${action}Response>`;
}

const READS: Readonly<Record<AwsMode, (ec2: Ec2) => readonly Promise<unknown>[]>> = {
  'secondary-ip': (ec2) => [
    ec2.enis([{ name: 'addresses.private-ip-address', values: ENTRIES.map((at) => `10.0.0.${at}`) }], {
      signal: SIGNAL,
    }),
  ],
  'elastic-ip': (ec2) => [
    ec2.elasticIps([{ name: 'public-ip', values: ENTRIES.map((at) => `198.51.100.${at}`) }], {
      signal: SIGNAL,
    }),
    ec2.enis([{ name: 'network-interface-id', values: [ENI] }], { signal: SIGNAL }),
    ec2.tags([{ name: 'key', values: ['k'] }], { signal: SIGNAL }),
  ],
  route: (ec2) => [
    ec2.routeTables([{ name: 'route-table-id', values: ['rtb-0'] }], { signal: SIGNAL }),
    ec2.tags([{ name: 'key', values: ['k'] }], { signal: SIGNAL }),
  ],
};
const TAG = { key: 'k', value: 'v' };
const CHANGES: Readonly<Record<AwsMode, readonly Change[]>> = {
  'secondary-ip': [
    {
      kind: 'assign',
      family: 4,
      eni: ENI,
      addresses: ENTRIES.slice(0, 50).map((at) => `10.0.0.${at}`),
      steal: true,
    },
    { kind: 'assign', family: 6, eni: ENI, addresses: ['2001:db8::2'], steal: false },
    { kind: 'unassign', family: 6, eni: ENI, addresses: ['2001:db8::2'] },
    { kind: 'tag', resource: ENI, tag: TAG },
  ],
  'elastic-ip': [
    { kind: 'associate', allocation: 'eipalloc-0', eni: ENI, privateAddress: '10.0.0.2', steal: true },
  ],
  route: [
    { kind: 'route', how: 'replace', table: 'rtb-0', family: 4, destination: '10.1.0.1/32', eni: ENI },
    { kind: 'route', how: 'create', table: 'rtb-0', family: 6, destination: '2001:db8::1/128', eni: ENI },
  ],
};

/** `ec2` must lead nowhere. What does not come to warmth here costs time later, and nothing else: its failure, for tests. */
export async function rehearseVerbs(ec2: Ec2, mode: AwsMode): Promise<Ec2Failure | undefined> {
  try {
    const until = monotonicNow() + WARMING_MAX;
    for (let times = 0; times < TIMES && monotonicNow() < until; times += 1) {
      await Promise.all(READS[mode](ec2));
      for (const change of CHANGES[mode]) await ec2.change(change, { signal: SIGNAL });
    }
    return undefined;
  } catch (error) {
    if (error instanceof Ec2Failure) return error;
    throw error;
  }
}
