/**
 * How the members find each other: from source addresses and peers of VRRP. Ours speak with each other by one family alone, where VRRP had a group of peers for
 * each instance, so that a host of two families stands there twice.
 */
import { formatIp, parseIp } from '../../ip.ts';
import type { HostModel, MovingSet } from './sets.ts';
import { comment, quoted } from './yaml.ts';

/** A host as its file has it. */
export interface FoundHost extends Omit<HostModel, 'address'> {
  /** Where its agent shall listen, as the operator says. */
  readonly given: string | undefined;
  /** An address of the host that the import runs on, where that may be this one. */
  readonly here: string | undefined;
}

/** Each with an address of the family of the first that has one. */
export function withAddresses(found: readonly FoundHost[]): HostModel[] {
  const own = found.map(({ given, here, model }) => {
    const sources = model.instances.flatMap(({ source }) => source ?? []);
    return given === undefined ? [...sources, ...(here === undefined ? [] : [here])] : [canonical(given)];
  });
  const family = familyOf(own.flat()[0] ?? found.flatMap(({ model }) => peersOf(model))[0]);
  return found.map(({ member, model, given }, index) => {
    const address = own[index]!.find((one) => given !== undefined || familyOf(one) === family);
    return { member, model, ...(address !== undefined && { address }) };
  });
}

const peersOf = ({ instances }: HostModel['model']): readonly string[] =>
  instances.flatMap(({ peers }) => peers);

function familyOf(address: string | undefined): 4 | 6 {
  return address?.includes(':') ? 6 : 4;
}

/** `--member` is checked where the command line is read. */
function canonical(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

/** Documentation addresses (RFC 5737, RFC 3849): config check takes them, and nobody has them. */
const PLACEHOLDERS = { 4: '192.0.2.', 6: '2001:db8::' } as const;

interface Strangers {
  readonly family: 4 | 6;
  /** Peers that are none of the hosts, and of the family in which members speak. */
  readonly named: string[];
  /** Of the other one: hosts that are named already, or have to be. */
  readonly others: readonly string[];
}

function strangersOf(hosts: readonly HostModel[]): Strangers {
  const peers = [...new Set(hosts.flatMap(({ model }) => peersOf(model)))];
  const sources = hosts.flatMap(({ model }) => model.instances.flatMap(({ source }) => source ?? []));
  const known = new Set([...hosts.map(({ address }) => address), ...sources]);
  const strangers = peers.filter((peer) => !known.has(peer));
  const family = familyOf(hosts.find(({ address }) => address !== undefined)?.address ?? peers[0]);
  const isSpoken = (peer: string) => familyOf(peer) === family;
  return {
    family,
    named: strangers.filter(isSpoken),
    others: strangers.filter((peer) => !isSpoken(peer)),
  };
}

export function groupLines(hosts: readonly HostModel[], sets: readonly MovingSet[]): string[] {
  const instances = sets.flatMap(({ claims }) => claims.flatMap((claim) => claim.instances));
  const { family, named: strangers, others: unspoken } = strangersOf(hosts);
  const lacking = hosts.filter(({ address }) => address === undefined);
  // With two hosts, each names the other: what is left over is the one address that is not known.
  const left = lacking.length === 1 && strangers.length === 1 && hosts.length > 1 ? strangers.splice(0) : [];
  const peers = hosts.map(({ member, address }, index) => {
    const where = address ?? left[0] ?? `${PLACEHOLDERS[family]}${index + 1}`;
    const gap = address === undefined && left.length === 0;
    return `    ${quoted(member)}: ${quoted(where)}${gap ? '  # TO BE FILLED IN: an address of this host; VRRP over multicast named none' : ''}`;
  });
  const others = strangers.map(
    (peer, index) =>
      `    ${quoted(`peer-${index + 1}`)}: ${quoted(peer)}  # TO BE RENAMED: the name of that host`,
  );
  const alone = hosts.length === 1 && others.length + unspoken.length === 0 && instances.length > 0;
  const device = instances[0]?.interface;
  return [
    ...(hosts.length === 1
      ? [`member: ${quoted(hosts[0]!.member)}`]
      : [
          '# Each host finds itself by its host name; where that is another than here, write member: NAME on it.',
        ]),
    'group:',
    '  peers:',
    ...peers,
    ...others,
    ...unspokenLines(unspoken, family),
    ...(alone && device !== undefined
      ? [
          '  # The file names no other host. They find each other on this link; name them all in `peers` and it is known who is missing.',
          `  multicast: { interface: ${quoted(device)} }`,
        ]
      : []),
    '  # auth_pass kept nobody out. Make a key with `wackamole key generate /etc/wackamole/cluster.key` and copy it to all hosts.',
    '  key_file: /etc/wackamole/cluster.key',
    ...profileLines(instances.flatMap(({ advertInterval }) => advertInterval ?? [])),
  ];
}

function unspokenLines(addresses: readonly string[], family: 4 | 6): string[] {
  if (addresses.length === 0) return [];
  const text = `Members speak IPv${family} with each other, so ${addresses.join(', ')} ${addresses.length === 1 ? 'is' : 'are'} left out: where a host with such an address is not named above, add it by its IPv${family} address.`;
  return [`  ${comment(text)}`];
}

/** Three missed adverts and a skew of less than one, against probes that the kernel answers. */
function profileLines(intervals: readonly number[]): string[] {
  const interval = intervals.length === 0 ? 1 : Math.min(...intervals);
  const before = `advert_int ${interval} meant a takeover after ${Math.round(30 * interval) / 10} to ${Math.round(40 * interval) / 10} s`;
  if (interval < 0.1)
    return [
      `  # ${before}; profile fast notices a silent host within about 50ms, lan within 220ms.`,
      '  profile: fast',
    ];
  return [
    `  # ${before}; profile lan notices a silent host within 220ms. For hosts on a slow link write: profile: wan`,
  ];
}
