/** A status as a picture for people. Pure. */
import type { MemberStatus, Status, VipStatus } from '../model/status.ts';
import { count, formatSince, printable, printableThroughout } from './format.ts';
import { type Paint, painter, type Style } from './paint.ts';
import { type Cell, type Row, renderTable, type TableOptions, tableWidth, wrap } from './table.ts';

export interface RenderOptions {
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  readonly color: boolean;
  /** Characters a line; absent: no bound. */
  readonly width?: number;
}

/** Newest changes shown; `--json` has all that the agent keeps. */
const CHANGES_SHOWN = 8;

/** A thousand VIPs that nobody serves are one picture, not a thousand warnings. */
const WARNINGS_SHOWN = 12;

/** Ends with a line end. */
export function renderStatus(given: Status, { now, color, width }: RenderOptions): string {
  const status = printableThroughout(given);
  const paint = painter(color);
  const table: TableOptions = { paint, ...(width !== undefined && { width }) };
  const sections = [
    headSection(status, { paint, now }),
    section('MEMBERS', membersTable(status, table), paint),
    section(`VIPS  ${vipSummary(status.vips)}`, vipsTable(status.vips, { table, now }), paint),
    section('HEALTH CHECKS HERE', checksTable(status, { table, now }), paint),
    section('PEERS WITH PROBLEMS', peersTable(status, table), paint),
    section(`HOOKS  ${hookSummary(status)}`, hooksTable(status, { table, now }), paint),
    section('LAST CHANGES', changesTable(status, { table, now }), paint),
    section('WARNINGS', warningLines(status, { paint, width }), paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** One line that says how things stand. */
export function summaryLine(given: Status): string {
  const status = printableThroughout(given);
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
  const rows = members.map(
    (member): Row => ({
      cells: [
        { text: `${member.name}${member.self ? ' (here)' : ''}`, style: 'bold' },
        { text: member.representative ? 'representative' : '' },
        { text: String(member.vips) },
        { text: String(member.capacity) },
        { text: String(member.votes) },
        stateOf(member),
      ],
      notes: problemsOf(member).map((problem): Cell => ({ text: printable(problem), style: 'bad' })),
    }),
  );
  return renderTable(['member', 'role', 'VIPs', 'capacity', 'votes', 'state'], rows, table);
}

function stateOf(member: MemberStatus): Cell {
  const notes = conditionsOf(member);
  if (problemsOf(member).length > 0) return { text: [...notes, 'see below'].join(', '), style: 'bad' };
  return notes.length > 0 ? { text: notes.join(', '), style: 'busy' } : { text: 'well', style: 'good' };
}

function conditionsOf({ reported, mature, draining }: MemberStatus): string[] {
  return [
    ...(reported ? [] : ['report missing']),
    ...(mature ? [] : ['not mature yet']),
    ...(draining ? ['draining'] : []),
  ];
}

/** Those that the state does not say already. */
function problemsOf(member: MemberStatus): string[] {
  const said = conditionsOf(member);
  return member.problems.filter((problem) => !said.includes(problem));
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

const VIP_COLUMNS = ['VIP', 'address', 'holder', 'state', 'since', 'why'];

/** Where the terminal is too narrow for the reasons, those of VIPs that are not simply held stand below them. */
function vipsTable(vips: readonly VipStatus[], { table, now }: Drawing): string[] {
  if (vips.length === 0) return [];
  const wide = vips.map((vip) => vipRow(vip, { now, reasonBelow: false }));
  if (table.width === undefined || tableWidth(VIP_COLUMNS, wide) <= table.width) {
    return renderTable(VIP_COLUMNS, wide, table);
  }
  return renderTable(
    VIP_COLUMNS,
    vips.map((vip) => vipRow(vip, { now, reasonBelow: true })),
    table,
  );
}

function vipRow(vip: VipStatus, { now, reasonBelow }: { now: number; reasonBelow: boolean }): Row {
  const cells: Cell[] = [
    { text: vip.vip, style: 'bold' },
    { text: addressesOf(vip) },
    { text: holderOf(vip) },
    { text: vip.state, style: VIP_STYLE[vip.state] },
    { text: formatSince(vip.since, now) },
    { text: reasonBelow ? '' : printable(vip.reason) },
  ];
  const notes: Cell[] = vip.passed_over.map(({ member, reason }) => ({
    text: `passed over ${member}: ${printable(reason)}`,
    style: 'busy',
  }));
  if (reasonBelow && vip.state !== 'held') notes.unshift({ text: printable(vip.reason) });
  return { cells, notes };
}

/** The first address names the set; `--json` has all. */
function addressesOf({ addresses }: VipStatus): string {
  const [first = ''] = addresses;
  return printable(addresses.length > 1 ? `${first} +${addresses.length - 1}` : first);
}

/** `a`, `a → b` during a handoff, `→ b` while nobody holds it yet, `nobody`. */
function holderOf({ holder, allocated }: VipStatus): string {
  if (holder === undefined && allocated === undefined) return 'nobody';
  if (holder === allocated) return holder!;
  if (allocated === undefined) return `${holder} → nobody`;
  return holder === undefined ? `→ ${allocated}` : `${holder} → ${allocated}`;
}

function checksTable({ checks = [] }: Status, { table, now }: Drawing): string[] {
  if (checks.length === 0) return [];
  const rows = checks.map(
    ({ check, failing, since, vips, penalty }): Row => ({
      cells: [
        { text: printable(check), style: 'bold' },
        failing === undefined ? { text: 'passes', style: 'good' } : { text: 'fails', style: 'bad' },
        { text: since === undefined ? '' : formatSince(since, now) },
        { text: vips === undefined ? 'all' : count(vips.length, 'VIP') },
        { text: penalty === undefined ? '' : String(penalty) },
        { text: printable(failing ?? '') },
      ],
    }),
  );
  return renderTable(['check', 'state', 'since', 'concerns', 'penalty', 'why'], rows, table);
}

function peersTable({ peers }: Status, table: TableOptions): string[] {
  const troubled = peers.filter(({ problem }) => problem !== undefined);
  if (troubled.length === 0) return [];
  const rows = troubled.map(
    (peer): Row => ({
      cells: [
        { text: printable(peer.name), style: 'bold' },
        { text: printable(peer.address) },
        { text: printable(peer.stream) },
        { text: printable(peer.host) },
        { text: printable(peer.agent) },
      ],
      notes: [{ text: printable(peer.problem!), style: 'bad' }],
    }),
  );
  return renderTable(['peer', 'address', 'stream', 'host', 'agent'], rows, table);
}

function changesTable({ changes }: Status, { table, now }: Drawing): string[] {
  const newest = changes.slice(-CHANGES_SHOWN).reverse();
  if (newest.length === 0) return [];
  const rows = newest.map(
    ({ at, what, reason }): Row => ({
      cells: [
        { text: formatSince(at, now), style: 'dim' },
        { text: printable(what) },
        { text: printable(reason), style: 'dim' },
      ],
    }),
  );
  return renderTable(['when', 'what', 'why'], rows, table);
}

const HOOKS_SHOWN = 5;

function hookSummary({ hooks }: Status): string {
  return hooks === undefined ? '' : `${hooks.running} running, ${hooks.waiting} waiting`;
}

function hooksTable({ hooks }: Status, { table, now }: Drawing): string[] {
  const newest = (hooks?.results ?? []).slice(-HOOKS_SHOWN).reverse();
  if (newest.length === 0) return [];
  const rows = newest.map(
    ({ at, event, vip, command, ok, result, duration_ms: duration }): Row => ({
      cells: [
        { text: formatSince(at, now), style: 'dim' },
        { text: printable(vip === undefined ? event : `${event} ${vip}`) },
        { text: printable(command) },
        { text: printable(result), style: ok ? 'good' : 'bad' },
        { text: `${duration} ms`, style: 'dim' },
      ],
    }),
  );
  return renderTable(['when', 'event', 'command', 'end', 'took'], rows, table);
}

function warningLines(
  { warnings }: Status,
  { paint, width }: { paint: Paint; width: number | undefined },
): string[] {
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - 4;
  const lines = warnings
    .slice(0, WARNINGS_SHOWN)
    .flatMap((warning) =>
      wrap(printable(warning), room).map(
        (line, index) => `  ${index === 0 ? paint('bad', '!') : ' '} ${line}`,
      ),
    );
  const more = warnings.length - WARNINGS_SHOWN;
  return more > 0 ? [...lines, `    and ${more} more: wackamole status --json`] : lines;
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint('bold', title), ...lines];
}
