/**
 * From keepalived.conf of one or several hosts to a configuration file of ours, as text with a comment for everything that has no
 * counterpart. Pure: files that an `include` names are asked for and the import is begun anew with them.
 */
import { isMemberName } from '../../../model/member.ts';
import { type FoundHost, groupLines, withAddresses } from './group-lines.ts';
import { checkLines, duration } from './health.ts';
import { hookLines } from './hook-lines.ts';
import { readLines } from './lines.ts';
import { type Model, readModel } from './model.ts';
import { reasonFor } from './reasons.ts';
import { type Claim, free, type HostModel, type MovingSet, setsOf } from './sets.ts';
import { type Complaint, type Includes, Missing, type SourceFile, type Wanted, Wrong } from './source.ts';
import { readTree } from './tree.ts';
import { comment, flow, quoted } from './yaml.ts';

/** The file of one host, and what is known of that host. */
export interface KeepalivedHost {
  readonly file: SourceFile;
  /** Absent: `router_id` in the file, or the name of the file. */
  readonly member?: string;
  /** Where its agent shall listen; absent: the source address in the file, or a place to be filled in. */
  readonly address?: string;
}

export interface KeepalivedOptions {
  readonly includes: Includes;
  /** Of a file alone that names no host. */
  readonly hostName: string;
  /** An address of the host on which the import runs. */
  addressOn?(interfaceName: string): string | undefined;
}

export type KeepalivedResult =
  | { readonly kind: 'done'; readonly text: string }
  | { readonly kind: 'wrong'; readonly complaints: readonly Complaint[] }
  /** Files to be read first. */
  | { readonly kind: 'wants'; readonly wanted: Wanted };

const VIP_ADDRESSES_MAX = 64;

/** Ends with the first thing that cannot be read; says everything at once that was read and cannot be carried over. Never throws. */
export function importKeepalived(
  hosts: readonly KeepalivedHost[],
  options: KeepalivedOptions,
): KeepalivedResult {
  try {
    return convert(hosts, options);
  } catch (error) {
    if (error instanceof Wrong) return { kind: 'wrong', complaints: [error.complaint] };
    if (error instanceof Missing) return { kind: 'wants', wanted: error.wanted };
    throw error;
  }
}

interface Read {
  readonly hosts: readonly HostModel[];
  readonly remarks: readonly string[];
}

function convert(given: readonly KeepalivedHost[], options: KeepalivedOptions): KeepalivedResult {
  const { hosts, remarks } = readAll(given, options);
  const { sets, complaints, remarks: more } = setsOf(hosts);
  if (complaints.length > 0) return { kind: 'wrong', complaints };
  const names = [...new Set(given.map(({ file }) => file.name))];
  const lines = [
    comment(
      `From ${names.join(', ')}, by \`wackamole config import\`. What is not carried over stands in comments.`,
    ),
    '# Two owners are worse than none: stop keepalived on all hosts before ours is started on any (docs/migrating-from-keepalived.md).',
    ...[...remarks, ...more].map(comment),
    '# VRRP has no name for what belongs together; choose one.',
    'cluster: vrrp',
    ...groupLines(hosts, sets),
    ...providerLines(sets),
    ...vipLines(sets, hosts),
    ...checkLines(sets, hosts),
    ...balanceLines(sets),
    ...hookLines(sets),
    ...noteLines(hosts),
  ];
  return { kind: 'done', text: `${lines.join('\n')}\n` };
}

function readAll(given: readonly KeepalivedHost[], options: KeepalivedOptions): Read {
  const taken = new Set<string>();
  const remarks: string[] = [];
  const found = given.map(({ file, member, address }): FoundHost => {
    const config = member ?? (given.length === 1 ? options.hostName : stem(file.name));
    const { lines, remarks: own } = readLines(file, { host: config, includes: options.includes });
    remarks.push(...own);
    const model = readModel(readTree(lines));
    const device = model.instances[0]?.interface;
    // A file alone that names no host is this host's own.
    const here =
      given.length === 1 && member === undefined && device !== undefined
        ? options.addressOn?.(device)
        : undefined;
    const name = free(member ?? nameFor(model, config), taken);
    return { member: name, model, given: address, here };
  });
  return { hosts: withAddresses(found), remarks };
}

function nameFor({ routerId }: Model, otherwise: string): string {
  return (
    [routerId, otherwise].find(
      (name) => name !== undefined && isMemberName(name) && !(name in Object.prototype),
    ) ?? 'a'
  );
}

function stem(file: string): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  return name.replace(/\.(conf|cfg|txt)$/, '');
}

function providerLines(sets: readonly MovingSet[]): string[] {
  const device = mostUsed(
    sets.flatMap(({ addresses }) => addresses.flatMap((address) => address.interface ?? [])),
  );
  return device === undefined
    ? ['# No instance names an interface.', 'providers: { local: { interface: eth0 } }']
    : [`providers: { local: { interface: ${quoted(device)} } }`];
}

function mostUsed(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function vipLines(sets: readonly MovingSet[], hosts: readonly HostModel[]): string[] {
  if (sets.length === 0) return ['# No instance has an address.', 'vips: {}'];
  const lines = sets.flatMap((set) => vipEntry(set, hosts));
  const alone =
    hosts.length === 1
      ? [
          '# This file knows only its own priorities. Give the files of all hosts at once, and `prefer` is the order of their priorities.',
        ]
      : [];
  return [...alone, 'vips:', ...lines];
}

function vipEntry(set: MovingSet, hosts: readonly HostModel[]): string[] {
  const parts = chunks(set.addresses, VIP_ADDRESSES_MAX);
  const called = set.name === set.called ? [] : [`  ${comment(`vrrp_instance or group ${set.called}`)}`];
  const split =
    parts.length > 1
      ? [
          `  ${comment(`${set.addresses.length} addresses: more than the ${VIP_ADDRESSES_MAX} that one VIP may have, so these may part.`)}`,
        ]
      : [];
  const { prefer, remark } = preferenceOf(set, hosts);
  return [
    ...called,
    ...split,
    ...(remark === undefined ? [] : [`  ${comment(remark)}`]),
    ...parts.flatMap((addresses, index) => [
      `  ${quoted(index === 0 ? set.name : `${set.name}-${index + 1}`)}:`,
      '    addresses:',
      ...addresses.map(({ text, interface: device }) =>
        device === undefined
          ? `      - ${quoted(text)}`
          : `      - { address: ${quoted(text)}, interface: ${quoted(device)} }`,
      ),
      ...(prefer.length === 0 ? [] : [`    prefer: ${flow(prefer)}`]),
    ]),
  ];
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

interface Preference {
  readonly prefer: readonly string[];
  readonly remark?: string;
}

/** By priority, highest first; where one host alone speaks, its state says whether it is the first. */
function preferenceOf({ claims }: MovingSet, hosts: readonly HostModel[]): Preference {
  const told = claims
    .map(({ member, priority, instances: [first] }) => `${member} ${first?.state ?? 'BACKUP'} ${priority}`)
    .join(', ');
  if (claims.some(({ instances }) => instances.some(({ nopreempt }) => nopreempt)))
    return {
      prefer: [],
      remark: `nopreempt (${told}): whoever has it keeps it, which is what happens here without \`prefer\`.`,
    };
  const order = [...claims].sort((a, b) => b.priority - a.priority || compare(a, b));
  if (hosts.length > 1) {
    const equal = order.every(({ priority }) => priority === order[0]!.priority);
    if (equal) return { prefer: [], remark: `all have the same priority (${told}): nobody is preferred.` };
    return { prefer: order.map(({ member }) => member), remark: `priorities: ${told}` };
  }
  const [only] = order as [Claim];
  if (startsFirst(only)) return { prefer: [only.member], remark: `${told}: preferred here.` };
  return { prefer: [], remark: `${told}: another host is preferred, which one this file does not say.` };
}

function compare(a: Claim, b: Claim): number {
  return Number(startsFirst(b)) - Number(startsFirst(a));
}

function startsFirst({ instances: [first], priority }: Claim): boolean {
  return first?.state === 'MASTER' || priority === 255;
}

function balanceLines(sets: readonly MovingSet[]): string[] {
  const delays = sets.flatMap(({ claims }) =>
    claims.flatMap(({ instances }) => instances.flatMap(({ preemptDelay }) => preemptDelay ?? [])),
  );
  const longest = Math.max(0, ...delays);
  if (longest === 0) return [];
  return [
    `# preempt_delay: a host that is back is left alone for so long before \`prefer\` counts again.`,
    `balance: { hold_down: ${duration(longest)} }`,
  ];
}

/** Each setting once, whatever has it. */
function noteLines(hosts: readonly HostModel[]): string[] {
  const lines = new Set<string>();
  for (const { model } of hosts) {
    for (const { keyword, text } of model.notes) lines.add(comment(`${text}: ${reasonFor(keyword)}`));
    for (const instance of model.instances) {
      for (const { options } of instance.addresses)
        if (options.length > 0)
          lines.add(
            comment(
              `addresses of ${instance.name} with ${optionNames(options)}: ours are put up plain, with a lifetime that only a healthy agent renews.`,
            ),
          );
    }
  }
  return [...lines];
}

function optionNames(options: readonly string[]): string {
  const known = options.filter((word) =>
    /^(brd|scope|label|peer|home|-nodad|mngtmpaddr|noprefixroute|autojoin|no_track|preferred_lft|use_vmac)$/.test(
      word,
    ),
  );
  return known.length === 0 ? options.join(' ') : known.join(', ');
}
