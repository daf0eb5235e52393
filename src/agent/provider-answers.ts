/**
 * What providers answer and tell, made fit for the agent core: providers are other people's code. Whatever comes, each VIP asked for
 * has one outcome, and nobody's text is longer than an agent's message may carry. Never throws.
 *
 * What is missing or unreadable counts as held, since nobody knows: then it is taken away before anybody else is told otherwise.
 */
import type { Vip, VipId } from '../model/vip.ts';
import type { OutcomeCode, ProviderEvent, VipOutcome } from '../provider/provider.ts';
import { isKnownNeighbours } from './known-neighbours.ts';
import { clip } from './messages.ts';

export interface Answer {
  /** In the order of the VIPs asked for. */
  readonly outcomes: readonly VipOutcome[];
  /** What breaks the contract (`src/provider/provider.ts`), for the log; empty: nothing does. */
  readonly complaint: string;
}

const CODES: ReadonlySet<unknown> = new Set<OutcomeCode>([
  'ok',
  'aborted',
  'address-in-use',
  'interface-missing',
  'link-down',
  'permission',
  'limit',
  'unsupported',
  'lease-expired',
  'lost',
  'timeout',
  'failed',
]);

/** Entries looked at beyond one for each VIP: an answer may not keep us busy by its length. */
const EXTRA_ENTRIES_MAX = 100;

/** The outcomes of a call for these VIPs. */
export function readAnswer(vips: readonly Vip[], answer: unknown): Answer {
  const complaints: string[] = [];
  const outcomes = new Map<VipId, VipOutcome>();
  const asked = new Set(vips.map(({ id }) => id));
  for (const entry of entriesOf(answer, vips.length, complaints)) {
    const outcome = guarded(() => readOutcome(entry, asked));
    if (typeof outcome === 'string' || outcome === undefined) {
      complaints.push(outcome ?? 'an outcome that cannot be read');
      continue;
    }
    const earlier = outcomes.get(outcome.vip);
    if (earlier !== undefined) complaints.push(`two outcomes for ${outcome.vip}`);
    // Of two that differ the one that says it is held: a wrong guess then costs a release, not a second holder.
    if (earlier?.held !== true) outcomes.set(outcome.vip, outcome);
  }
  const missing = vips.filter(({ id }) => !outcomes.has(id));
  if (missing.length > 0) complaints.push(`no outcome for ${missing[0]!.id} and ${missing.length - 1} more`);
  return {
    outcomes: vips.map(({ id }) => outcomes.get(id) ?? unanswered(id)),
    complaint: summary(complaints),
  };
}

/** An event that a provider told; a text says why it is none. `known`: the configured VIPs. */
export function readEvent(known: ReadonlySet<VipId>, event: unknown): ProviderEvent | string {
  return guarded(() => readKnownEvent(known, event)) ?? 'an event that cannot be read';
}

/** For every VIP of a call that failed as a whole. */
export function brokenAnswer(vips: readonly Vip[], problem: string): readonly VipOutcome[] {
  const reason = clip(`the provider failed unexpectedly: ${problem}`);
  return vips.map(({ id }) => ({ vip: id, held: true, code: 'failed', reason }));
}

/** What was thrown, in words; never throws itself. */
export function problemOf(thrown: unknown): string {
  const text = guarded(() => (thrown instanceof Error ? thrown.message : String(thrown)));
  return typeof text === 'string' ? clip(text) : 'it threw what cannot be read';
}

function entriesOf(answer: unknown, asked: number, complaints: string[]): unknown[] {
  const read = guarded(() =>
    Array.isArray(answer)
      ? Array.from({ length: entryCount(answer, asked) }, (_, at) => answer[at] as unknown)
      : undefined,
  );
  if (read === undefined) complaints.push('the answer is no list of outcomes');
  else if (guarded(() => (answer as unknown[]).length) !== read.length)
    complaints.push('the answer has far more outcomes than VIPs');
  return read ?? [];
}

function entryCount(answer: readonly unknown[], asked: number): number {
  return Math.min(answer.length, asked + EXTRA_ENTRIES_MAX);
}

/** A text says what is wrong with it. */
function readOutcome(entry: unknown, asked: ReadonlySet<VipId>): VipOutcome | string {
  if (typeof entry !== 'object' || entry === null) return 'an outcome that is no object';
  const { vip, held, code, reason } = entry as Record<string, unknown>;
  if (typeof vip !== 'string' || !asked.has(vip))
    return `an outcome for ${quoted(vip)}, which was not asked for`;
  if (typeof held !== 'boolean') return `the outcome for ${vip} does not say whether it is held`;
  const known = CODES.has(code);
  return {
    vip,
    held,
    code: known ? (code as OutcomeCode) : 'failed',
    reason: typeof reason === 'string' ? clip(reason) : 'the provider gives no reason',
  };
}

function readKnownEvent(known: ReadonlySet<VipId>, event: unknown): ProviderEvent | string {
  if (typeof event !== 'object' || event === null) return 'an event that is no object';
  const { kind, vip, reason, fit, fenced, confined } = event as Record<string, unknown>;
  if (kind === 'trouble') {
    if (reason !== undefined && typeof reason !== 'string') return 'a trouble whose reason is no text';
    const text = reason === undefined ? undefined : clip(reason);
    return { kind, reason: text, ...(confined === true && { confined }) };
  }
  if (kind === 'slots') return readSlots(event as Record<string, unknown>);
  if (kind === 'neighbours') {
    const { neighbours, again } = event as Record<string, unknown>;
    if (!isKnownNeighbours(neighbours)) return 'neighbours that cannot be read';
    if (again === undefined) return { kind, neighbours };
    const readable = typeof again === 'number' && Number.isFinite(again) && again >= 0;
    return readable
      ? { kind, neighbours, again }
      : 'neighbours without a time after which they are told again';
  }
  if (kind !== 'lost' && kind !== 'fitness') return `an event of unknown kind ${quoted(kind)}`;
  if (typeof vip !== 'string' || !known.has(vip)) return `${kind} of ${quoted(vip)}, which is not configured`;
  const why = typeof reason === 'string' ? clip(reason) : 'the provider gives no reason';
  if (kind === 'lost') return { kind, vip, reason: why, ...(fenced === true && { fenced }) };
  if (typeof fit !== 'boolean') return `fitness of ${vip} that does not say whether it is fit`;
  return { kind, vip, fit, reason: why };
}

function readSlots({ family, slots }: Record<string, unknown>): ProviderEvent | string {
  if (family !== 4 && family !== 6) return 'slots of a family that is neither 4 nor 6';
  if (slots === undefined) return { kind: 'slots', family, slots };
  if (typeof slots !== 'number' || !Number.isSafeInteger(slots) || slots < 0)
    return `slots of IPv${family} that are no count`;
  return { kind: 'slots', family, slots };
}

function unanswered(vip: VipId): VipOutcome {
  return { vip, held: true, code: 'failed', reason: 'the provider did not say what became of it' };
}

function summary(complaints: readonly string[]): string {
  const [first] = complaints;
  if (first === undefined) return '';
  return clip(complaints.length === 1 ? first : `${first}; and ${complaints.length - 1} more`);
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `a ${typeof value}`;
}

/** Objects of strangers may throw at every look. */
function guarded<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
