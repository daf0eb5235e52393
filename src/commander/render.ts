/** A status as a picture for people. Pure. */
import type { MemberStatus, Status, VipStatus } from '../model/status.ts';
import { count, formatSince, printable } from './format.ts';
import { type Paint, painter, type Style } from './paint.ts';
import { type Cell, cut, renderTable, type TableOptions } from './table.ts';

export interface RenderOptions {
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  readonly color: boolean;
  /** Characters a line; absent: no bound. */
  readonly width?: number;
}

/** Newest changes shown; `--json` has all that the agent keeps. */
const CHANGES_SHOWN = 8;

/** Ends with a line end. */
export function renderStatus(status: Status, { now, color, width }: RenderOptions): string {
  const paint = painter(color);
  const table: TableOptions = { paint, ...(width !== undefined && { width }) };
  const sections = [
    headSection(status, { paint, now }),
    section('MEMBERS', membersTable(status, table), paint),
    section(`VIPS  ${vipSummary(status.vips)}`, vipsTable(status.vips, { table, now }), paint),
    section('PEERS WITH PROBLEMS', peersTable(status, table), paint),
    section('LAST CHANGES', changesTable(status, { table, now }), paint),
    section('WARNINGS', warningLines(status, { paint, width }), paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** One line that says how things stand. */
export function summaryLine(status: Status): string {
  const parts = [count(status.members.length, 'member'), vipSummary(status.vips)];
  if (status.warnings.length > 0) parts.push(count(status.warnings.length, 'warning'));
  return `cluster ${status.cluster}, member ${status.self} is ${status.phase}: ${parts.join(', ')}`;
}

interface Drawing {
  readonly table: TableOptions;
  readonly now: number;
}

function headSection(status: Status, { paint, now }: { paint: Paint; now: number }): string[] {
  const phase = paint(PHASE_STYLE[status.phase], status.phase);
  const component = status.primary ? 'primary component' : paint('busy', 'not the primary component');
  const lines = [
    `${paint('bold', `cluster ${status.cluster}`)}, member ${status.self} is ${phase}, ${component}`,
    paint('dim', `wackamole ${printable(status.version)}, configuration ${status.config_digest}`),
  ];
  if (status.view !== undefined) {
    const { epoch, since, cause } = status.view;
    lines.push(paint('dim', `view ${epoch} since ${formatSince(since, now)}, because of: ${cause}`));
  }
  return lines;
}

const PHASE_STYLE: Readonly<Record<Status['phase'], Style>> = {
  settled: 'good',
  joining: 'busy',
  collecting: 'busy',
  leaving: 'busy',
  outranked: 'bad',
  detached: 'bad',
};

function membersTable({ members }: Status, table: TableOptions): string[] {
  if (members.length === 0) return [];
  const rows = members.map((member): Cell[] => [
    { text: `${member.name}${member.self ? ' (here)' : ''}`, style: 'bold' },
    { text: member.representative ? 'representative' : '' },
    { text: String(member.vips) },
    { text: String(member.capacity) },
    { text: String(member.votes) },
    stateOf(member),
  ]);
  return renderTable(['member', 'role', 'VIPs', 'capacity', 'votes', 'state'], rows, table);
}

function stateOf(member: MemberStatus): Cell {
  const notes = [
    ...(member.reported ? [] : ['report missing']),
    ...(member.mature ? [] : ['not mature yet']),
    ...(member.draining ? ['draining'] : []),
  ];
  const texts = [...notes, ...member.problems.map(printable)];
  if (texts.length === 0) return { text: 'well', style: 'good' };
  return { text: texts.join('; '), style: member.problems.length > 0 ? 'bad' : 'busy' };
}

const VIP_STYLE: Readonly<Record<VipStatus['state'], Style>> = {
  held: 'good',
  acquiring: 'busy',
  releasing: 'busy',
  waiting: 'busy',
  unserved: 'bad',
};

function vipSummary(vips: readonly VipStatus[]): string {
  const states = ['held', 'acquiring', 'releasing', 'waiting', 'unserved'] as const;
  const numbers = states.map((state) => [state, vips.filter((vip) => vip.state === state).length] as const);
  const parts = numbers
    .filter(([state, number]) => number > 0 || state === 'held')
    .map(([state, n]) => `${n} ${state}`);
  return `${parts.join(', ')} of ${vips.length}`;
}

function vipsTable(vips: readonly VipStatus[], { table, now }: Drawing): string[] {
  if (vips.length === 0) return [];
  const rows = vips.flatMap((vip): Cell[][] => [
    [
      { text: vip.vip, style: 'bold' },
      { text: vip.addresses.join(' ') },
      { text: holderOf(vip) },
      { text: vip.state, style: VIP_STYLE[vip.state] },
      { text: formatSince(vip.since, now) },
      { text: printable(vip.reason) },
    ],
    ...vip.passed_over.map(({ member, reason }): Cell[] => [
      ...['', '', '', '', ''].map((text) => ({ text })),
      { text: `passed over ${member}: ${printable(reason)}`, style: 'busy' },
    ]),
  ]);
  return renderTable(['VIP', 'addresses', 'holder', 'state', 'since', 'why'], rows, table);
}

/** `a`, `a → b` during a handoff, `→ b` while nobody holds it yet, `nobody`. */
function holderOf({ holder, allocated }: VipStatus): string {
  if (holder === undefined && allocated === undefined) return 'nobody';
  if (holder === allocated) return holder!;
  if (allocated === undefined) return `${holder} → nobody`;
  return holder === undefined ? `→ ${allocated}` : `${holder} → ${allocated}`;
}

function peersTable({ peers }: Status, table: TableOptions): string[] {
  const troubled = peers.filter(({ problem }) => problem !== undefined);
  if (troubled.length === 0) return [];
  const rows = troubled.map((peer): Cell[] => [
    { text: printable(peer.name), style: 'bold' },
    { text: printable(peer.address) },
    { text: printable(peer.stream) },
    { text: printable(peer.host) },
    { text: printable(peer.agent) },
    { text: printable(peer.problem!), style: 'bad' },
  ]);
  return renderTable(['peer', 'address', 'stream', 'host', 'agent', 'problem'], rows, table);
}

function changesTable({ changes }: Status, { table, now }: Drawing): string[] {
  const newest = changes.slice(-CHANGES_SHOWN).reverse();
  if (newest.length === 0) return [];
  const rows = newest.map(({ at, what, reason }): Cell[] => [
    { text: formatSince(at, now), style: 'dim' },
    { text: printable(what) },
    { text: printable(reason), style: 'dim' },
  ]);
  return renderTable(['when', 'what', 'why'], rows, table);
}

function warningLines(
  { warnings }: Status,
  { paint, width }: { paint: Paint; width: number | undefined },
): string[] {
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - 4;
  return warnings.map((warning) => `  ${paint('bad', '!')} ${cut(printable(warning), room)}`);
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint('bold', title), ...lines];
}
