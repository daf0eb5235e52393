/**
 * From the original Wackamole's settings to a configuration file of ours, as text with a comment for everything that is not
 * carried over. Pure.
 */
import { isMemberName } from '../../model/member.ts';
import { parseSpreadDaemon, SPREAD_PORT } from '../spread-daemon.ts';
import { parseVipAddress } from '../vip-section.ts';
import { hookLines } from './hook-lines.ts';
import { notifyLines, notifyRemarks } from './notify-lines.ts';
import {
  formatAddress,
  type OriginalAddress,
  type OriginalConfig,
  type OriginalTime,
  readOriginal,
} from './original.ts';
import type { Complaint } from './scanner.ts';

export interface ImportOptions {
  /** For the head of the result. */
  readonly fileName: string;
  /** The member on whose host the file was used: its preferences are that member's. */
  readonly member: string;
}

export type ImportResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly complaints: readonly Complaint[] };

/** Ends with the first thing that cannot be read; says everything at once that was read and cannot be carried over. */
export function importOriginal(text: string, options: ImportOptions): ImportResult {
  const read = readOriginal(text);
  if (!read.ok) return { ok: false, complaints: [read.complaint] };
  const complaints = complaintsOf(read.original);
  if (complaints.length > 0) return { ok: false, complaints };
  return { ok: true, text: `${write(read.original, options).join('\n')}\n` };
}

const INTERFACE = /^(?!\.{1,2}$)[^\s/:]{1,15}$/;
const UNSPECIFIED = '0.0.0.0';

function complaintsOf({ spread, vifs, notify }: OriginalConfig): Complaint[] {
  const complaints: Complaint[] = [];
  const owners = new Map<string, OriginalAddress>();
  for (const address of vifs.flat()) {
    const { line, column } = address;
    const complain = (what: string, mend: string) => void complaints.push({ line, column, what, mend });
    const twin = owners.get(address.address);
    if (twin !== undefined && address.address !== UNSPECIFIED) {
      complain(
        `${address.address} stands in line ${twin.line} already`,
        'an address belongs to one set; drop one of the two',
      );
    }
    owners.set(address.address, address);
    if (address.interface === undefined)
      complain(`${address.address} names no interface`, `write it as eth0:${formatAddress(address)}`);
    complaints.push(...interfaceComplaints(address));
    if (address.address === UNSPECIFIED) continue;
    const fit = parseVipAddress(`${address.address}/${address.prefixLength}`);
    if (!fit.ok) complain(fit.what, fit.mend);
  }
  for (const { address } of notify)
    if (address !== undefined) complaints.push(...interfaceComplaints(address));
  const daemon = parseSpreadDaemon(spread?.text ?? '');
  if (!daemon.ok) {
    const { line, column } = spread ?? { line: 1, column: 1 };
    complaints.push({ line, column, what: `Spread: ${daemon.what}`, mend: daemon.mend });
  }
  return complaints;
}

function interfaceComplaints({ interface: device, line, column }: OriginalAddress): Complaint[] {
  if (device === undefined || INTERFACE.test(device)) return [];
  const mend = 'write a name as `ip link` shows it, at most 15 characters';
  return [{ line, column, what: `${JSON.stringify(device)} cannot be an interface here`, mend }];
}

function write(original: OriginalConfig, { fileName, member }: ImportOptions): string[] {
  const { cluster, remarks } = clusterOf(original);
  return [
    `# From ${printable(fileName)}, by \`wackamole config import\`. What is not carried over stands in comments.`,
    '# All hosts need the same `vips`. Stop the original on all of them before ours is started on any:',
    '# the two do not know of each other and would both put the addresses up (docs/migrating-from-wackamole.md).',
    ...remarks,
    `cluster: ${cluster}`,
    ...groupLines(original),
    ...providerLines(original),
    ...vipLines(original, member),
    ...agentLines(original),
    ...balanceLines(original),
    ...restLines(original),
  ];
}

/** The Spread group gives the cluster its name, as far as it can be one. */
function clusterOf({ group = 'wackamole' }: OriginalConfig): { cluster: string; remarks: string[] } {
  const cluster =
    group
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 20) || 'wackamole';
  const plain = isMemberName(cluster) && !(cluster in Object.prototype) ? cluster : 'wackamole';
  if (plain === group) return { cluster: quoted(plain), remarks: [] };
  return {
    cluster: quoted(plain),
    remarks: [`# Group = ${printable(group)} cannot be the name of a cluster as it is.`],
  };
}

function groupLines({ spread, spreadRetryInterval }: OriginalConfig): string[] {
  // To Spread's library an empty name is the daemon at its usual port; our own files write it out.
  const { text: daemon = '' } = spread ?? {};
  return [
    'group:',
    '  engine: spread',
    `  daemon: ${JSON.stringify(daemon === '' ? String(SPREAD_PORT) : daemon)}`,
    "  # Not the original's Spread group: it would take our members for its own. Ours is wackamole-CLUSTER.",
    '  # Name all hosts here and it is known who is missing: members: [a, b]',
    ...(spreadRetryInterval === undefined
      ? []
      : [
          `  # SpreadRetryInterval = ${spreadRetryInterval.text}: a lost daemon is tried again at once, then after growing waits of at most 5s.`,
        ]),
  ];
}

/** In seconds, as ours allows it. */
const SHARE_INTERVAL = { least: 5, most: 3600 };

function providerLines({ vifs, notify, arpCache }: OriginalConfig): string[] {
  const device = mostUsed(vifs.flat().flatMap((address) => address.interface ?? []));
  const lines = [
    ...(device === undefined ? [] : [`    interface: ${quoted(device)}`]),
    ...notifyLines(notify),
    ...(arpCache === undefined ? [] : [`    neighbour_share_interval: ${shareInterval(arpCache)}s`]),
  ];
  return lines.length === 0 ? [] : ['providers:', '  local:', ...lines];
}

function shareInterval({ seconds }: OriginalTime): number {
  return Math.min(Math.max(SHARE_INTERVAL.least, seconds), SHARE_INTERVAL.most);
}

function mostUsed(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function vipLines({ vifs, prefer }: OriginalConfig, member: string): string[] {
  const served = vifs.filter((set) => set[0]!.address !== UNSPECIFIED);
  const idle = served.length < vifs.length;
  const lost = prefer.filter(
    (wanted) => !served.some((set) => set.some((address) => covers(wanted, address))),
  );
  const lines = [
    ...(idle ? ['# The VIP 0.0.0.0 meant that this host takes none.', 'capacity: 0'] : []),
    ...lost.map((wanted) => `# Prefer ${formatAddress(wanted)}: no VIP has such an address.`),
  ];
  if (served.length === 0) return [...lines, 'vips: {}'];
  const preferred = (set: readonly OriginalAddress[]) =>
    set.some((address) => prefer.some((wanted) => covers(wanted, address)));
  const remark = served.some(preferred)
    ? [
        '# `prefer` comes from this host alone: put the names of the hosts that prefer the same VIP together, in the file of all.',
      ]
    : [];
  return [
    ...lines,
    ...remark,
    'vips:',
    ...served.flatMap((set) => vipOf(set, preferred(set) ? member : undefined)),
  ];
}

function vipOf(set: readonly OriginalAddress[], member: string | undefined): string[] {
  return [
    `  ${set[0]!.address}:`,
    '    addresses:',
    ...set.map(({ interface: device, address, prefixLength }) => {
      return `      - { address: ${address}/${prefixLength}, interface: ${quoted(device ?? '')} }`;
    }),
    ...(member === undefined ? [] : [`    prefer: [${quoted(member)}]`]),
  ];
}

/** A prefix stands for every address in it. */
function covers(wanted: OriginalAddress, { address }: OriginalAddress): boolean {
  const bits = 2 ** (32 - wanted.prefixLength);
  return Math.floor(numberOf(wanted.address) / bits) === Math.floor(numberOf(address) / bits);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function agentLines({ mature }: OriginalConfig): string[] {
  if (mature === undefined) {
    return ['# Mature was not set: the original said 5s and waited 5 minutes; ours waits 5s.'];
  }
  const seconds = Math.min(mature.seconds, 3600);
  return [
    ...hours('Mature', mature),
    'agent:',
    `  maturity: ${seconds}s${seconds < mature.seconds ? '  # at most an hour' : ''}`,
  ];
}

function arpCacheRemark(arpCache: OriginalTime): string[] {
  const bounds = `\`neighbour_share_interval\` is at least ${SHARE_INTERVAL.least}s and at most an hour.`;
  const { text, seconds } = arpCache;
  if (isHours(arpCache))
    return [
      `# Arp-Cache = ${text} meant ${seconds} seconds: the original does not multiply hours. ${bounds}`,
    ];
  return shareInterval(arpCache) === seconds ? [] : [`# Arp-Cache = ${text}: ${bounds}`];
}

function isHours({ text }: OriginalTime): boolean {
  return /h$/i.test(text);
}

/** The original reads `1h` as one second. */
function hours(keyword: string, time: OriginalTime): string[] {
  if (!isHours(time)) return [];
  const { text, seconds } = time;
  return [
    `# ${keyword} = ${text} meant ${seconds} seconds: the original does not multiply hours. Write ${text.toLowerCase()} if hours are meant.`,
  ];
}

function balanceLines({ acquisitions, balanceInterval }: OriginalConfig): string[] {
  if (acquisitions === undefined && balanceInterval === undefined) {
    return [
      '# Balance was not set: the original said 4s and moved one VIP every 5 minutes; ours moves up to 10 every 10s.',
    ];
  }
  const lines = [
    ...(balanceInterval === undefined ? [] : hours('Balance interval', balanceInterval)),
    'balance:',
  ];
  if (acquisitions === 0) lines.push('  enabled: false');
  if (acquisitions === 'all') lines.push('  # AcquisitionsPerRound = all', '  moves_per_round_max: 10000');
  else if (acquisitions !== undefined && acquisitions > 0)
    lines.push(`  moves_per_round_max: ${Math.min(acquisitions, 10_000)}`);
  if (balanceInterval !== undefined)
    lines.push(`  interval: ${Math.min(Math.max(1, balanceInterval.seconds), 86_400)}s`);
  return lines;
}

const WHY: Readonly<Record<string, string>> = {
  LogFacility:
    'the original ignored it; ours logs to standard error, which the journal keeps, or to `log: {file: …}`.',
  ModuleDir: 'ours loads no code: hooks are programs (docs/hooks.md).',
  PerlUse: 'ours runs no Perl of its own: hooks are programs, in Perl or anything else (docs/hooks.md).',
  PerlUseLib: 'ours runs no Perl of its own: hooks are programs, in Perl or anything else (docs/hooks.md).',
  Prefer: 'the original looked the name up and never found it; write addresses.',
};

function restLines({ control, arpCache, notify, others }: OriginalConfig): string[] {
  return [
    ...(control === undefined
      ? []
      : [
          `# Control = ${printable(control.text)}: ours listens on /run/wackamole/CLUSTER.sock and is asked by \`wackamole status\`; wackatrl does not understand it.`,
        ]),
    ...(arpCache === undefined ? [] : arpCacheRemark(arpCache)),
    ...notifyRemarks(notify),
    ...others
      .filter(({ keyword }) => keyword !== 'RunDynamic')
      .map(({ keyword, text }) => `# ${keyword} ${printable(text)}: ${WHY[keyword]}`),
    ...hookLines(others, printable),
  ];
}

/** On one line, whatever it holds. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\u2028\u2029]/gu, '?').slice(0, 200);
}

/** Plain where YAML reads it as the text it is. */
function quoted(text: string): string {
  const plain =
    /^[A-Za-z][A-Za-z0-9_-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}
