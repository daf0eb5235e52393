/**
 * What agents say to each other through the group, and its codec: one JSON object a message, checked field by field
 * on the way in. A decoder here never throws and never trusts a length.
 *
 * All but `operator` and `neighbours` are about one view; a message of another view is dropped by the receiver.
 */
import { type Impairment, LAST_RESORT } from '../model/health.ts';
import { isMemberId, isMemberName, type MemberId, type MemberName } from '../model/member.ts';
import type { KnownNeighbour } from '../model/neighbour.ts';
import type { OperatorCommand } from '../model/operator.ts';
import type { ViewId } from '../model/view.ts';
import type { PartitionPolicy, ProviderName, VipId } from '../model/vip.ts';
import type { Beside } from './bystanders.ts';
import type { Carrier, Lasting } from './carriers.ts';
import { isKnownNeighbours } from './known-neighbours.ts';

/** What a member says about itself: part of its report, and sent alone when it changes. */
export interface Standing {
  readonly mature: boolean;
  readonly draining: boolean;
  /** Why it must hold nothing for now (outranked, recovering from a stall); empty: nothing of that kind. */
  readonly barred: string;
  /** The agent is stopping: it will leave once it holds nothing. */
  readonly leaving: boolean;
  readonly capacity: number;
  /** VIPs this host cannot carry now, each with why. */
  readonly unfit: readonly (readonly [VipId, string])[];
  /**
   * Its failing health checks. Absent from members of releases that know none: while such a one is in the view, nobody's
   * count, since all must allocate alike.
   */
  readonly impaired?: readonly Impairment[];
  /** Limits of its providers: how many addresses of a family they can hold in all. Absent: none. */
  readonly slots?: undefined | readonly (readonly [ProviderName, 4 | 6, number])[];
}

/** First word of every member in every view. */
export interface Report extends Standing {
  readonly kind: 'report';
  readonly view: ViewId;
  /** Rises within a view when somebody's configuration changed and everybody must report again; 0 at first. */
  readonly round: number;
  /** Digest of the configuration that must be equal everywhere. */
  readonly digest: string;
  readonly votes: number;
  /** Whether its configuration makes this view the primary component, and why (not). The view is primary if all say so. */
  readonly primary: boolean;
  readonly quorum: string;
  /** Whether everybody it expects is in the view, so that nobody need wait for maturity. */
  readonly complete: boolean;
  /** VIPs that its providers confirmed. */
  readonly held: readonly VipId[];
  /** VIPs it may hold besides: acquires and releases under way. */
  readonly claims: readonly VipId[];
  /** VIPs an operator pinned to this member. */
  readonly pinned: readonly VipId[];
  /** VIPs it failed to acquire and does not want for now, each with why. */
  readonly passed: readonly (readonly [VipId, string])[];
  /** VIPs whose last holder may still answer, as far as this member knows. */
  readonly doubts: readonly VipId[];
  /** The allocation rules it knows ({@link RULES}); absent: 1. The lowest of a view are in force. */
  readonly rules?: number;
  readonly zone?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** It has the witness's vote, or does not know yet whether it gets it. */
  readonly witness?: 'held' | 'open';
  /** With the witness's vote the view would be primary, as far as its configuration says. */
  readonly near?: boolean;
  /** Highest fence it knows of; said where there is a witness, with which fences need not be epochs. */
  readonly fence?: number;
  /** By which way it carries VIPs; absent: not said. */
  readonly carriers?: readonly Carrier[];
  /** VIPs that may still be with somebody who went, as far as this member knows; said where members carry VIPs in several ways. */
  readonly lasting?: readonly Lasting[];
  /** Who is missing, as far as this member knows, and may serve in another part of the group (`Departures.astray`). */
  readonly astray?: readonly MemberName[];
  /** Who is outside the view and there all the same, as far as this member knows; absent: nobody. */
  readonly beside?: readonly Beside[];
}

/** The VIPs a member knows; sent only where the digests of a view differ. */
export interface Definitions {
  readonly kind: 'definitions';
  readonly view: ViewId;
  readonly round: number;
  readonly vips: readonly VipDefinition[];
}

/** The part of a VIP that two members must mean alike. */
export interface VipDefinition {
  readonly id: VipId;
  /** `address/prefix`, in order. */
  readonly addresses: readonly string[];
  readonly prefer: readonly string[];
  readonly weight: number;
  readonly policy: PartitionPolicy;
  /** Its spread group; absent: none. */
  readonly spread?: string;
}

export interface StandingMessage extends Standing {
  readonly kind: 'standing';
  readonly view: ViewId;
}

/** The sender does not hold these (any more). */
export interface Released {
  readonly kind: 'released';
  readonly view: ViewId;
  readonly vips: readonly VipId[];
}

export interface Acquired {
  readonly kind: 'acquired';
  readonly view: ViewId;
  readonly vips: readonly VipId[];
}

/** The sender could not acquire these, holds nothing of them, and wants to be passed over until it says `retry`. */
export interface Failed {
  readonly kind: 'failed';
  readonly view: ViewId;
  readonly vips: readonly (readonly [VipId, string])[];
}

export interface Retry {
  readonly kind: 'retry';
  readonly view: ViewId;
  readonly vips: readonly VipId[];
}

/** From the representative: planned moves. */
export interface Moves {
  readonly kind: 'moves';
  readonly view: ViewId;
  readonly moves: readonly {
    readonly vip: VipId;
    readonly from: MemberId;
    readonly to: MemberId;
    readonly reason: string;
  }[];
}

/** From the representative: go on without the reports of these. */
export interface Proceed {
  readonly kind: 'proceed';
  readonly view: ViewId;
  readonly round: number;
  readonly without: readonly MemberId[];
}

export interface Operator {
  readonly kind: 'operator';
  readonly command: OperatorCommand;
  /** Agent whose control socket took the command, and its number there: the answer finds its way back. */
  readonly via: MemberName;
  readonly number: number;
}

/** Neighbours on its links that the sender's kernel knows; nothing is decided by it. Releases that do not know it ignore it. */
export interface Neighbours {
  readonly kind: 'neighbours';
  /** At most `KNOWN_NEIGHBOURS_MAX`. */
  readonly neighbours: readonly KnownNeighbour[];
}

export type AgentMessage =
  | Report
  | Definitions
  | StandingMessage
  | Released
  | Acquired
  | Failed
  | Retry
  | Moves
  | Proceed
  | Operator
  | Neighbours;

const TEXT_MAX = 500;
const TAGS_MAX = 64;

/**
 * Allocation rules this release knows: 2 has zones and slots beside those of 1, and 3 leaves bystanders what they have. Members that decide by different rules would
 * not decide the same, so a view acts by the lowest that anybody in it knows.
 */
export const RULES = 3;

/** Version of these messages; a message of another version is counted and ignored. */
export const MESSAGE_VERSION = 1;

/** Cuts a text for people to what {@link decodeMessage} accepts. */
export function clip(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeMessage(message: AgentMessage): Uint8Array {
  return encoder.encode(`{"v":${MESSAGE_VERSION},${JSON.stringify(message).slice(1)}`);
}

export type Decoded =
  | { readonly ok: true; readonly message: AgentMessage }
  | { readonly ok: false; readonly error: string };

/** Never throws. The error names the field that is wrong. */
export function decodeMessage(bytes: Uint8Array): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return { ok: false, error: 'not a JSON text in UTF-8' };
  }
  if (!isRecord(value)) return { ok: false, error: 'not an object' };
  const version = value['v'];
  if (version !== MESSAGE_VERSION)
    return {
      ok: false,
      error: `message version ${typeof version === 'number' ? version : 'that is no number'}`,
    };
  const shape = typeof value['kind'] === 'string' ? SHAPES.get(value['kind']) : undefined;
  if (shape === undefined) return { ok: false, error: 'unknown kind of message' };
  for (const [field, check] of shape) {
    if (!check(value[field])) return { ok: false, error: `${value['kind']}: field ${field}` };
  }
  return { ok: true, message: value as unknown as AgentMessage };
}

type Check = (value: unknown) => boolean;

const isRecord = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);
const isText: Check = (v) => typeof v === 'string' && v.length <= TEXT_MAX;
const isName: Check = (v) => typeof v === 'string' && v.length > 0 && v.length <= 100;
const isFlag: Check = (v) => typeof v === 'boolean';
const isAmount: Check = (v) => typeof v === 'number' && Number.isFinite(v) && v >= 0;
const isMember: Check = (v) => typeof v === 'string' && isMemberId(v);
const listOf =
  (check: Check): Check =>
  (v) =>
    Array.isArray(v) && v.every(check);
const pairOf =
  (first: Check, second: Check): Check =>
  (v) =>
    Array.isArray(v) && v.length === 2 && first(v[0]) && second(v[1]);
const isNames = listOf(isName);
const isPenalty: Check = (v) => typeof v === 'number' && Number.isInteger(v) && v >= 1 && v <= LAST_RESORT;
const isImpairment: Check = (v) =>
  isRecord(v) &&
  isPenalty(v['penalty']) &&
  isText(v['reason']) &&
  (v['vips'] === undefined || isNames(v['vips']));
const isImpairments = listOf(isImpairment);
const optional =
  (check: Check): Check =>
  (v) =>
    v === undefined || check(v);
const isReasons = listOf(pairOf(isName, isText));

const isMove: Check = (v) =>
  isRecord(v) && isName(v['vip']) && isMember(v['from']) && isMember(v['to']) && isText(v['reason']);

const isSlots: Check = (v) =>
  Array.isArray(v) && v.length === 3 && isName(v[0]) && (v[1] === 4 || v[1] === 6) && isAmount(v[2]);

const isTags: Check = (v) =>
  isRecord(v) &&
  Object.keys(v).length <= TAGS_MAX &&
  Object.entries(v).every(([key, value]) => isName(key) && isName(value));

const isCarrier: Check = (v) =>
  isRecord(v) &&
  isName(v['provider']) &&
  isFlag(v['askable']) &&
  isAmount(v['lasts']) &&
  optional(isNames)(v['vips']);

const isLasting: Check = (v) =>
  isRecord(v) &&
  isName(v['vip']) &&
  isName(v['provider']) &&
  isFlag(v['askable']) &&
  isAmount(v['rest']) &&
  optional(isNames)(v['addresses']);

const isBeside: Check = (v) =>
  isRecord(v) &&
  typeof v['name'] === 'string' &&
  isMemberName(v['name']) &&
  isFlag(v['reached']) &&
  isNames(v['vips']);

const isDefinition: Check = (v) =>
  isRecord(v) &&
  isName(v['id']) &&
  isNames(v['addresses']) &&
  isNames(v['prefer']) &&
  isAmount(v['weight']) &&
  (v['policy'] === 'component' || v['policy'] === 'primary') &&
  optional(isName)(v['spread']);

const isCommand: Check = (v) => {
  if (!isRecord(v)) return false;
  if (v['kind'] === 'rebalance') return true;
  if (v['kind'] === 'move') return isName(v['vip']) && typeof v['to'] === 'string' && isMemberName(v['to']);
  const named = typeof v['member'] === 'string' && isMemberName(v['member']);
  return (v['kind'] === 'drain' || v['kind'] === 'undrain') && named;
};

const STANDING: readonly (readonly [string, Check])[] = [
  ['view', isName],
  ['mature', isFlag],
  ['draining', isFlag],
  ['barred', isText],
  ['leaving', isFlag],
  ['capacity', isAmount],
  ['unfit', isReasons],
  ['impaired', optional(isImpairments)],
  ['slots', optional(listOf(isSlots))],
];

const SHAPES: ReadonlyMap<string, readonly (readonly [string, Check])[]> = new Map([
  [
    'report',
    [
      ...STANDING,
      ['round', isAmount],
      ['digest', isName],
      ['votes', isAmount],
      ['primary', isFlag],
      ['quorum', isText],
      ['complete', isFlag],
      ['held', isNames],
      ['claims', isNames],
      ['pinned', isNames],
      ['passed', isReasons],
      ['doubts', isNames],
      ['rules', optional(isAmount)],
      ['zone', optional(isName)],
      ['tags', optional(isTags)],
      ['witness', optional((v) => v === 'held' || v === 'open')],
      ['near', optional(isFlag)],
      ['fence', optional(isAmount)],
      ['carriers', optional(listOf(isCarrier))],
      ['lasting', optional(listOf(isLasting))],
      ['astray', optional(isNames)],
      ['beside', optional(listOf(isBeside))],
    ],
  ],
  ['standing', STANDING],
  [
    'definitions',
    [
      ['view', isName],
      ['round', isAmount],
      ['vips', listOf(isDefinition)],
    ],
  ],
  [
    'released',
    [
      ['view', isName],
      ['vips', isNames],
    ],
  ],
  [
    'acquired',
    [
      ['view', isName],
      ['vips', isNames],
    ],
  ],
  [
    'failed',
    [
      ['view', isName],
      ['vips', isReasons],
    ],
  ],
  [
    'retry',
    [
      ['view', isName],
      ['vips', isNames],
    ],
  ],
  [
    'moves',
    [
      ['view', isName],
      ['moves', listOf(isMove)],
    ],
  ],
  [
    'proceed',
    [
      ['view', isName],
      ['round', isAmount],
      ['without', listOf(isMember)],
    ],
  ],
  ['neighbours', [['neighbours', isKnownNeighbours]]],
  [
    'operator',
    [
      ['command', isCommand],
      ['via', isName],
      ['number', isAmount],
    ],
  ],
]);
