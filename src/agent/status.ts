/** Builds what an operator sees from what the agent knows; decides nothing. */
import type { Quorum } from '../allocation/quorum.ts';
import type { Config } from '../config/config.ts';
import { type MemberId, nameOf } from '../model/member.ts';
import type { AgentPhase, CheckStatus, MemberStatus, Status, VipStatus } from '../model/status.ts';
import type { Instant } from '../model/time.ts';
import { representativeOf, type View } from '../model/view.ts';
import type { Vip, VipId } from '../model/vip.ts';
import { type History, stateOf } from './history.ts';
import type { Holdings } from './holdings.ts';
import { votesOfMember } from './quorum.ts';
import type { Row } from './row.ts';
import { barredBecause, type Seat } from './seat.ts';
import type { Table } from './table.ts';

export interface StatusInput {
  readonly config: Config;
  readonly version: string;
  readonly phase: AgentPhase;
  readonly self: MemberId | undefined;
  readonly view: View | undefined;
  readonly quorum: Quorum | undefined;
  readonly viewSince: Instant;
  readonly table: Table | undefined;
  readonly missing: readonly MemberId[];
  readonly holdings: Holdings;
  readonly history: History;
  readonly unfit: ReadonlyMap<VipId, string>;
  checks(at: (instant: Instant) => string): CheckStatus[];
  readonly trouble: string | undefined;
  /** Why nothing is taken though what is here stays. */
  readonly lesser: string | undefined;
  readonly providerTroubles: ReadonlyMap<string, string>;
  readonly witnessTrouble: string | undefined;
  readonly counters: Readonly<Record<string, number>>;
}

export interface StatusClock {
  readonly now: Instant;
  /** Wall-clock time of `now`, in milliseconds since 1970. */
  readonly wall: number;
}

/** `peers` is left empty: the loop fills it in from the group. */
export function buildStatus(input: StatusInput, clock: StatusClock): Status {
  const { config, view } = input;
  const at = wallClock(clock);
  const counts = heldCounts(input.table);
  return {
    cluster: config.cluster,
    version: input.version,
    self: config.member,
    phase: input.phase,
    ...(view && { view: { id: view.id, epoch: view.epoch, since: at(input.viewSince), cause: view.cause } }),
    primary: input.quorum?.primary === true,
    config_digest: config.digest,
    members: view ? view.members.map((member) => memberStatus(member, counts, input)) : [],
    vips: config.vips.map((vip) => vipStatus(vip, input, at)),
    checks: input.checks(at),
    changes: input.history.changes.map(({ at: instant, what, reason }) => ({
      at: at(instant),
      what,
      reason,
    })),
    peers: [],
    counters: input.counters,
    warnings: warningsOf(input),
  };
}

/** Instants as ISO 8601; many things changed at the same one, so each is written once. */
function wallClock({ now, wall }: StatusClock): (instant: Instant) => string {
  const written = new Map<Instant, string>();
  return (instant) => {
    const known = written.get(instant);
    if (known !== undefined) return known;
    const text = new Date(wall - (now - instant)).toISOString();
    written.set(instant, text);
    return text;
  };
}

/** How many VIPs each member holds, or may hold. */
function heldCounts(table: Table | undefined): ReadonlyMap<MemberId, number> {
  const counts = new Map<MemberId, number>();
  for (const { holders } of table?.rows.values() ?? [])
    for (const member of holders) counts.set(member, (counts.get(member) ?? 0) + 1);
  return counts;
}

function memberStatus(
  member: MemberId,
  counts: ReadonlyMap<MemberId, number>,
  input: StatusInput,
): MemberStatus {
  const { table, view, config } = input;
  const seat = table?.seats.get(member);
  return {
    name: nameOf(member),
    member,
    representative: view !== undefined && representativeOf(view) === member,
    self: member === input.self,
    mature: seat?.standing.mature ?? false,
    draining: seat?.standing.draining ?? false,
    reported: seat?.reported ?? !input.missing.includes(member),
    capacity: seat?.standing.capacity ?? 0,
    votes: seat?.votes ?? votesOfMember(nameOf(member), config),
    ...(seat?.zone !== undefined && { zone: seat.zone }),
    ...(seat !== undefined && Object.keys(seat.tags).length > 0 && { tags: seat.tags }),
    vips: counts.get(member) ?? 0,
    problems: seat ? problemsOf(seat, input) : [],
  };
}

const PROBLEMS_SHOWN_MAX = 5;

function problemsOf(seat: Seat, { config }: StatusInput): string[] {
  const problems: string[] = [];
  const barred = barredBecause(seat);
  if (barred !== undefined) problems.push(barred);
  if (seat.reported && seat.digest !== config.digest)
    problems.push(`its configuration differs (digest ${seat.digest})`);
  for (const { reason, vips } of seat.standing.impaired ?? [])
    problems.push(
      vips === undefined
        ? reason
        : `${reason} (${vips.slice(0, PROBLEMS_SHOWN_MAX).join(', ')}${vips.length > PROBLEMS_SHOWN_MAX ? ', …' : ''})`,
    );
  const reasons = new Map<string, VipId[]>();
  for (const [vip, reason] of [...seat.standing.unfit, ...seat.passed, ...seat.disagreed]) {
    reasons.set(reason, [...(reasons.get(reason) ?? []), vip]);
  }
  for (const [reason, vips] of [...reasons].slice(0, PROBLEMS_SHOWN_MAX)) {
    problems.push(
      vips.length === 1 ? `${vips[0]}: ${reason}` : `${vips.length} VIPs (${vips[0]}, …): ${reason}`,
    );
  }
  return problems;
}

function vipStatus(vip: Vip, input: StatusInput, at: (instant: Instant) => string): VipStatus {
  const { id } = vip;
  const addresses = vip.addresses.map((a) => a.address);
  const row = input.table?.rows.get(id);
  if (row === undefined) return withoutTable(id, addresses, { input, at });
  const passed = [...(input.table?.seats.values() ?? [])]
    .map((seat) => ({ member: nameOf(seat.member), reason: passedReason(seat, id, input.table) }))
    .filter((entry): entry is { member: string; reason: string } => entry.reason !== undefined);
  return {
    vip: id,
    addresses,
    ...(row.confirmed !== undefined && { holder: nameOf(row.confirmed) }),
    ...(row.target !== undefined && { allocated: nameOf(row.target) }),
    state: stateOf(row),
    since: at(input.history.since(id) ?? row.changed),
    reason: reasonOf(row, input.table),
    passed_over: passed,
  };
}

function reasonOf(row: Row, table: Table | undefined): string {
  const whereabouts = table?.aside.whereabouts(row.vip.id);
  const elsewhere = whereabouts === undefined ? '' : `; ${whereabouts}`;
  const others = row.holders.filter((member) => member !== row.target).map(nameOf);
  const waiting =
    others.length > 0 && row.target !== undefined ? `; waiting for ${others.join(', ')} to release it` : '';
  const failure =
    row.failure === undefined ? '' : `; last failed on ${nameOf(row.failure.member)}: ${row.failure.reason}`;
  return `${row.reason}${waiting}${failure}${elsewhere}`;
}

function passedReason(seat: Seat, vip: VipId, table: Table | undefined): string | undefined {
  return (
    table?.aside.objection(seat.member, vip) ??
    seat.passed.get(vip) ??
    seat.standing.unfit.find(([id]) => id === vip)?.[1] ??
    seat.disagreed.get(vip)
  );
}

/** Before the reports are in, a member knows for certain only what it has itself. */
function withoutTable(
  vip: VipId,
  addresses: readonly string[],
  { input, at }: { input: StatusInput; at: (instant: Instant) => string },
): VipStatus {
  const holding = input.holdings.get(vip);
  const held = holding?.state === 'held';
  const reason =
    input.trouble ??
    (held
      ? 'held by this member; waiting for the reports of the view'
      : 'waiting for the reports of the view');
  return {
    vip,
    addresses,
    ...(held && { holder: input.config.member }),
    state: held ? 'held' : 'waiting',
    since: at(input.history.since(vip) ?? input.viewSince),
    reason,
    passed_over: [],
  };
}

function warningsOf(input: StatusInput): string[] {
  const warnings: string[] = [];
  if (input.trouble !== undefined) warnings.push(input.trouble);
  if (input.lesser !== undefined) warnings.push(`keeping what is here and taking nothing: ${input.lesser}`);
  if (input.witnessTrouble !== undefined) warnings.push(`witness: ${input.witnessTrouble}`);
  for (const [name, reason] of input.providerTroubles) warnings.push(`provider ${name}: ${reason}`);
  for (const [vip, reason] of [...input.unfit].slice(0, PROBLEMS_SHOWN_MAX))
    warnings.push(`${vip} cannot be carried here: ${reason}`);
  if (input.missing.length > 0)
    warnings.push(`waiting for the reports of ${input.missing.map(nameOf).join(', ')}`);
  const deaf = input.table?.heedsHealth === false ? deafTo(input.table) : undefined;
  if (deaf !== undefined) warnings.push(deaf);
  for (const row of input.table?.rows.values() ?? []) {
    const impairment = row.target === undefined ? undefined : input.table?.impairment(row.target, row.vip.id);
    if (row.target !== undefined && impairment !== undefined)
      warnings.push(servedAllTheSame(row, row.target, impairment));
    if (row.target === undefined) warnings.push(unserved(row, input.table));
    if (warnings.length > 20) break;
  }
  return warnings;
}

function unserved({ vip, reason }: Row, table: Table | undefined): string {
  const whereabouts = table?.aside.whereabouts(vip.id);
  return whereabouts === undefined ? `${vip.id} is unserved: ${reason}` : `${vip.id}: ${whereabouts}`;
}

function servedAllTheSame(row: Row, target: MemberId, impairment: string): string {
  return `${row.vip.id} is served by ${nameOf(target)} though it should not be, since nobody is better off: ${impairment}`;
}

/** A rolling upgrade is half way. */
function deafTo({ seats }: Table): string | undefined {
  const ill = [...seats.values()].some(({ standing }) => (standing.impaired ?? []).length > 0);
  const old = [...seats.values()].filter(({ standing }) => standing.impaired === undefined);
  if (!ill) return undefined;
  return `failing health checks move nothing until all members know of them: upgrade ${old.map(({ member }) => nameOf(member)).join(', ')}`;
}
