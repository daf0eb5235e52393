/**
 * Compares what the group decided with what this host has, and says what to do: the level-triggered heart of the agent.
 * Called after every event; doing it twice changes nothing.
 */
import type { MemberId } from '../model/member.ts';
import { nameOf } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { AcquireRequest } from '../provider/provider.ts';
import type { Clearance } from './doubts.ts';
import type { AgentAction } from './events.ts';
import type { Holding, Holdings } from './holdings.ts';
import { type AgentMessage, clip } from './messages.ts';
import type { Row } from './row.ts';
import type { Table } from './table.ts';

export interface ReconcileInput {
  readonly self: MemberId;
  readonly now: Instant;
  /** Absent while reports are being collected: then nothing is acquired, and only what is barred or contested is let go. */
  readonly table: Table | undefined;
  /** The others went on without this member's report: there is no table of theirs, and they may give others what it was to acquire. */
  readonly isLeftOut: boolean;
  /** This member's own definition of each VIP. */
  readonly vips: ReadonlyMap<VipId, Vip>;
  readonly holdings: Holdings;
  /** VIPs that this member already told the view it has acquired. */
  readonly told: Set<VipId>;
  /** Acquires that must wait for an instant. */
  readonly waits: Map<VipId, Instant>;
  /** Why this member must not hold the VIP whatever the table says; undefined: nothing against it. */
  barred(vip: Vip): string | undefined;
  /** How to go about an acquire; undefined: not now, another event will come. */
  clearance(vip: Vip): Clearance | undefined;
  /** Whether its provider has room for it beside what is here; if not, a release under way will make it. */
  hasRoom(vip: Vip): boolean;
}

interface Plan {
  readonly acquires: AcquireRequest[];
  readonly releases: Map<string, Vip[]>;
  readonly cancels: Vip[];
  readonly released: VipId[];
  readonly failed: (readonly [VipId, string])[];
  readonly acquired: VipId[];
}

/** Actions that take something away, which come before any message, and the others. */
export interface Reconciled {
  readonly lettingGo: readonly AgentAction[];
  readonly rest: readonly AgentAction[];
}

export function reconcile(input: ReconcileInput): Reconciled {
  const plan: Plan = {
    acquires: [],
    releases: new Map(),
    cancels: [],
    released: [],
    failed: [],
    acquired: [],
  };
  for (const holding of input.holdings.all()) {
    const reason =
      input.barred(holding.vip) ?? (input.vips.has(holding.vip.id) ? undefined : 'not configured any more');
    if (reason !== undefined) letGo(holding, { reason, plan, input });
    // Also while a new view is collecting reports: what it was asked for by may be long over.
    else if (holding.state === 'acquiring' && input.isLeftOut)
      letGo(holding, { reason: 'the others went on without us', plan, input });
    else if (holding.state === 'acquiring' && isOverhasty(holding, input))
      letGo(holding, { reason: 'contested', plan, input });
  }
  for (const row of input.table?.rows.values() ?? []) reconcileRow(row, plan, input);
  return actionsOf(plan, input);
}

/** What has been heard since it began: nothing may be put up now, or not unasked. */
function isOverhasty({ vip, trusting }: Holding, input: ReconcileInput): boolean {
  const clearance = input.clearance(vip);
  return clearance === undefined || (trusting && clearance.guard.kind !== 'at-once');
}

function reconcileRow(row: Row, plan: Plan, input: ReconcileInput): void {
  const vip = input.vips.get(row.vip.id);
  if (vip === undefined) return disown(row, input.holdings.get(row.vip.id), { plan, input });
  const holding = input.holdings.of(vip);
  if (holding.retired) return;
  if (row.target !== input.self) {
    if (holding.state !== 'idle') {
      const target =
        row.target === undefined ? row.reason : `allocated to ${nameOf(row.target)}: ${row.reason}`;
      letGo(holding, { reason: target, plan, input });
    }
    disown(row, holding, { plan, input });
    return;
  }
  // Our standing is on its way; once it is delivered we are not the target any more and say that we released.
  if (input.barred(vip) !== undefined) return;
  if (holding.state === 'held') {
    if (row.confirmed !== input.self && !input.told.has(vip.id)) {
      input.told.add(vip.id);
      plan.acquired.push(vip.id);
    }
    return;
  }
  if (holding.state !== 'idle' || holding.disowned) return;
  if (holding.retryAt === undefined) acquireIfFree(row, holding, { plan, input });
  else tellFailure(holding, { plan, input });
}

/** The target acquires only when nobody else may hold it, and goes about it as the history of the VIP demands. */
function acquireIfFree(
  row: Row,
  holding: Holding,
  { plan, input }: { plan: Plan; input: ReconcileInput },
): void {
  const { vip } = holding;
  if (row.holders.some((member) => member !== input.self)) return;
  if (input.table?.isHeldOtherwise(row.vip.id, input.self)) return;
  const clearance = input.clearance(vip);
  if (clearance === undefined || !input.hasRoom(vip) || input.holdings.hasRenamed(vip)) return;
  const { guard, notBefore } = clearance;
  if (notBefore !== undefined && notBefore > input.now) {
    input.waits.set(vip.id, notBefore);
    return;
  }
  input.waits.delete(vip.id);
  input.told.delete(vip.id);
  input.holdings.set(holding, 'acquiring', input.now);
  holding.trusting = guard.kind === 'at-once';
  plan.acquires.push({ vip, guard });
}

/** Once a view, whether it failed in this one or before. */
function tellFailure(holding: Holding, { plan, input }: { plan: Plan; input: ReconcileInput }): void {
  if (input.table?.seats.get(input.self)?.passed.has(holding.vip.id)) return;
  holding.disowned = true;
  plan.failed.push([holding.vip.id, clip(holding.failure)]);
}

function letGo(
  holding: Holding,
  { reason, plan, input }: { reason: string; plan: Plan; input: ReconcileInput },
): void {
  if (holding.state === 'acquiring') {
    input.holdings.set(holding, 'cancelling', input.now);
    plan.cancels.push(holding.vip);
  } else if (holding.state === 'held') {
    input.holdings.set(holding, 'releasing', input.now);
    const batch = plan.releases.get(reason);
    if (batch) batch.push(holding.vip);
    else plan.releases.set(reason, [holding.vip]);
  }
}

/** Tells the view, once, that this member does not hold what it might have held. */
function disown(
  row: Row,
  holding: Holding | undefined,
  { plan, input }: { plan: Plan; input: ReconcileInput },
): void {
  if (!row.holders.includes(input.self)) return;
  if (holding !== undefined && (holding.state !== 'idle' || holding.disowned)) return;
  if (input.holdings.hasRenamed(row.vip)) return;
  if (holding !== undefined) holding.disowned = true;
  plan.released.push(row.vip.id);
}

function actionsOf(plan: Plan, input: ReconcileInput): Reconciled {
  const lettingGo: AgentAction[] = [];
  if (plan.cancels.length > 0) lettingGo.push({ kind: 'cancel', vips: plan.cancels });
  for (const [reason, vips] of plan.releases) lettingGo.push({ kind: 'release', vips, reason });
  const { table } = input;
  if (table === undefined) return { lettingGo, rest: [] };
  const view = table.view.id;
  const rest: AgentAction[] = [];
  const say = (message: AgentMessage) => rest.push({ kind: 'multicast', message });
  if (plan.released.length > 0) say({ kind: 'released', view, vips: plan.released });
  if (plan.failed.length > 0) say({ kind: 'failed', view, vips: plan.failed });
  if (plan.acquired.length > 0) say({ kind: 'acquired', view, vips: plan.acquired });
  if (plan.acquires.length > 0) rest.push({ kind: 'acquire', requests: plan.acquires, fence: table.fence });
  return { lettingGo, rest };
}
