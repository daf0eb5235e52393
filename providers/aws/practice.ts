/**
 * Takeovers by Amazon's SDK on an EC2 in memory, before the first real one: whatever runs for the first time costs tens of milliseconds of loading,
 * compiling and building, which are spent here, while the provider is loaded, and not between a view and the call that moves its VIPs.
 * It asks nobody and opens no socket.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AwsMode, AwsProviderConfig } from '../../src/config/config.ts';
import type { Millis } from '../../src/model/time.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type { Ec2, Eni } from './ec2.ts';
import { CLUSTER_TAG, fenceTag } from './fence.ts';
import type { Place } from './place.ts';
import { modeOf } from './residence.ts';
import { openUnplugged } from './sdk.ts';
import { Taking } from './taking.ts';

/** Until the compiler has seen enough; more changes nothing that can be measured. */
const TIMES = 25;
/** On a host that is busy with other things a cold start is better than a late one. */
const PRACTICE_MAX: Millis = 2_000;
/** The first round reads the SDK. One that takes longer than this does not end as it should, and is not waited for. */
const ROUND_MAX: Millis = 10_000;
/** More than a round. */
const PATIENCE: Millis = 30_000;
const CLUSTER = 'practice';
const [OWN, OTHER] = ['eni-00000000000000001', 'eni-00000000000000002'];
const TABLE = 'rtb-0';
const NEVER = new AbortController().signal;
/** Entries of an answer: a busy host's. With few of them the code that reads one entry stays cold, which costs 8 ms of processor a hundred. */
const ENTRIES = Array.from({ length: 100 }, (_, at) => at + 1);
/** In these modes each address costs a call of its own. */
const VIPS: Readonly<Record<AwsMode, number>> = { 'secondary-ip': 99, 'elastic-ip': 5, route: 5 };
const NETWORK: Readonly<Record<AwsMode, string>> = {
  'secondary-ip': '10.0.1',
  'elastic-ip': '198.51.100',
  route: '172.31.0',
};
const SIX = '2001:db8::99';

function vipsOf(mode: AwsMode): readonly Vip[] {
  const addresses = ENTRIES.slice(0, VIPS[mode]).map((at) => `${NETWORK[mode]}.${at}`);
  if (mode === 'secondary-ip') addresses.push(SIX);
  return addresses.map((address) => {
    const [family, prefixLength] = address.includes(':') ? ([6, 128] as const) : ([4, 32] as const);
    const addresses = [{ family, address, prefixLength }];
    return { id: address, addresses, prefer: [], weight: 1, policy: 'primary', providers: ['aws'] };
  });
}

const eni: Eni = {
  id: OWN,
  subnet: 'subnet-0',
  vpc: 'vpc-0',
  zone: 'z',
  account: '0',
  instance: 'i-1',
  description: '',
  sourceDestCheck: false,
  addresses: [{ address: '10.0.0.11', primary: true, publicIp: undefined }],
  ipv6: [],
  tags: [],
};
const PLACE: Place = {
  region: 'us-east-1',
  instance: 'i-1',
  instanceType: undefined,
  interfaces: [
    {
      eni,
      subnet: {
        id: 'subnet-0',
        vpc: 'vpc-0',
        zone: 'z',
        cidr: '10.0.0.0/16',
        ipv6Cidrs: ['2001:db8::/64'],
        freeAddresses: 0,
      },
    },
  ],
  limits: undefined,
};

const items = <T>(all: readonly T[], item: (each: T) => string) =>
  all.map((each) => `\n    <item>${item(each)}</item>`).join('');
const TAGS = items(
  [{ key: CLUSTER_TAG, value: CLUSTER }, fenceTag(CLUSTER, { fence: 1, since: 0 })],
  (tag) => `<key>${tag.key}</key><value>${tag.value}</value>`,
);

/** Of an interface, as Amazon tells them: what is read by the description of the API is read by code of its own for each kind of field. */
const FACTS =
  '<subnetId>subnet-0</subnetId><vpcId>vpc-0</vpcId><availabilityZone>z</availabilityZone><description>d</description><ownerId>0</ownerId><requesterManaged>false</requesterManaged><status>in-use</status><macAddress>02:00:00:00:00:01</macAddress><privateIpAddress>10.0.0.11</privateIpAddress><privateDnsName>d</privateDnsName><sourceDestCheck>true</sourceDestCheck><groupSet><item><groupId>sg-0</groupId><groupName>g</groupName></item></groupSet><attachment><attachmentId>eni-attach-0</attachmentId><instanceId>i-1</instanceId><instanceOwnerId>0</instanceOwnerId><deviceIndex>0</deviceIndex><status>attached</status><attachTime>2026-11-28T14:40:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></attachment><interfaceType>interface</interfaceType>';

/** EC2 as far as a takeover sees it, with two hosts. Whoever is `holder` has all of them. */
class Memory {
  holder = OTHER;
  /** IPv6 changes its interface by two calls. */
  six: string | undefined = OTHER;

  answer(body: string): string {
    const action = /Action=([A-Za-z0-9]+)/.exec(body)?.[1] ?? '';
    const answer = this.#answerTo(action, body);
    return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>0</requestId>${answer}</${action}Response>`;
  }

  #answerTo(action: string, body: string): string {
    switch (action) {
      case 'DescribeNetworkInterfaces':
        return `<networkInterfaceSet>${this.#interfaces(body)}</networkInterfaceSet>`;
      case 'DescribeAddresses':
        return `<addressesSet>${items(ENTRIES, (at) => `<publicIp>198.51.100.${at}</publicIp><allocationId>eipalloc-${at}</allocationId><domain>vpc</domain><associationId>eipassoc-0</associationId><networkInterfaceId>${this.holder}</networkInterfaceId><networkInterfaceOwnerId>0</networkInterfaceOwnerId><privateIpAddress>10.0.1.${at}</privateIpAddress><instanceId>i-1</instanceId><networkBorderGroup>r</networkBorderGroup><tagSet>${TAGS}</tagSet>`)}</addressesSet>`;
      case 'DescribeRouteTables':
        return `<routeTableSet><item><routeTableId>${TABLE}</routeTableId><routeSet>${this.#routes()}</routeSet></item></routeTableSet>`;
      case 'DescribeTags':
        return `<tagSet>${items([OWN, OTHER], (id) => `<resourceId>${id}</resourceId><key>${CLUSTER_TAG}</key><value>${CLUSTER}</value>`)}</tagSet>`;
      case 'UnassignIpv6Addresses':
        this.six = undefined;
        return `<networkInterfaceId>${OTHER}</networkInterfaceId>`;
      case 'AssignIpv6Addresses':
        this.six = OWN;
        return `<networkInterfaceId>${OWN}</networkInterfaceId>`;
      case 'CreateTags':
        return '<return>true</return>';
      default:
        this.holder = OWN;
        return `<networkInterfaceId>${OWN}</networkInterfaceId><associationId>eipassoc-0</associationId><return>true</return>`;
    }
  }

  #interfaces(body: string): string {
    const one = (id: string, addresses: string, six: string) =>
      `<item><networkInterfaceId>${id}</networkInterfaceId>${FACTS}<privateIpAddressesSet>${addresses}</privateIpAddressesSet><ipv6AddressesSet>${six}</ipv6AddressesSet><tagSet>${TAGS}</tagSet></item>`;
    const address = (text: string, primary = false) =>
      `<privateIpAddress>${text}</privateIpAddress><privateDnsName>${text}.internal</privateDnsName><primary>${primary}</primary>`;
    // By their addresses, or our own for its private addresses.
    if (body.includes('ipv6-addresses'))
      return this.six === undefined
        ? ''
        : one(this.six, '', `<item><ipv6Address>${SIX}</ipv6Address></item>`);
    return one(
      body.includes('private-ip-address') ? this.holder : OWN,
      items(ENTRIES, (at) => address(`10.0.1.${at}`, at > VIPS['secondary-ip'])),
      '',
    );
  }

  /** One that is not there is created, the others are replaced. */
  #routes(): string {
    const some = this.holder === OWN ? ENTRIES : ENTRIES.slice(1);
    return items(
      some,
      (at) =>
        `<destinationCidrBlock>${NETWORK.route}.${at}/32</destinationCidrBlock><networkInterfaceId>${this.holder}</networkInterfaceId><instanceId>i-1</instanceId><origin>CreateRoute</origin><state>active</state>`,
    );
  }
}

/**
 * While the provider is loaded, and not within the time that its start has. Rejects with an Error for a person where the SDK is not installed;
 * resolves with what kept it cold: that costs time later, and nothing else.
 */
export async function practise(mode: AwsMode): Promise<string | undefined> {
  const memory = new Memory();
  const ec2 = await openUnplugged((body) => memory.answer(body));
  try {
    const until = monotonicNow() + PRACTICE_MAX;
    for (let times = 0; times < TIMES && monotonicNow() < until; times += 1) {
      [memory.holder, memory.six] = [OTHER, OTHER];
      const failed = await takeOver(ec2, mode, times + 2);
      if (failed !== undefined) return failed;
    }
    return undefined;
  } finally {
    ec2.close();
  }
}

/** Resolves with why not. */
async function takeOver(ec2: Ec2, mode: AwsMode, fence: number): Promise<string | undefined> {
  const config: AwsProviderConfig = {
    kind: 'aws',
    mode,
    interfaces: [OWN],
    tables: { ids: [TABLE] },
    call_timeout_ms: PATIENCE,
    settle_timeout_ms: PATIENCE,
    look_interval_ms: PATIENCE,
  };
  const tag = fenceTag(CLUSTER, { fence, since: 0 });
  const taking = new Taking(
    vipsOf(mode),
    { settle: PATIENCE, patience: PATIENCE, byTenure: mode !== 'secondary-ip' },
    {
      ec2,
      mode: modeOf(config, { ec2, place: PLACE, cluster: CLUSTER }),
      now: monotonicNow,
      random: () => 0,
      sleep: (length) => delay(length),
      claimOf: () => ({ fence, lostUnder: undefined }),
      wanted: () => true,
      // As in a real taking it goes out beside the moves, and nobody waits for it: what comes of it in memory tells nothing.
      acting: () =>
        void ec2.change({ kind: 'tag', resource: OWN, tag }, { signal: NEVER }).catch(() => undefined),
    },
  );
  const taken = [...(await taking.run(AbortSignal.timeout(ROUND_MAX))).values()];
  return taken.find(({ outcome }) => !outcome.held || outcome.code !== 'ok')?.outcome.reason;
}
