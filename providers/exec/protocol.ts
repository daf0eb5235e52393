/**
 * What is said to the operator's program and what it may answer, version 1 (docs/writing-a-provider.md). Pure: texts in, values out.
 * Whatever the program writes, reading it never throws and never takes longer than its length.
 */
import type { Instant } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { AcquireGuard, Check, OutcomeCode, ProviderPlace } from '../../src/provider/provider.ts';

export const PROTOCOL_VERSION = 1;

export type ExecVerb = 'inspect' | 'acquire' | 'release' | 'renew' | 'announce' | 'test';

export interface Asked {
  readonly verb: ExecVerb;
  readonly provider: string;
  readonly place: ProviderPlace;
  readonly vips: readonly Vip[];
  readonly fence?: number;
  readonly guards?: ReadonlyMap<VipId, AcquireGuard>;
  readonly now: Instant;
}

/** The question as one line of JSON. */
export function question({ verb, provider, place, vips, fence, guards, now }: Asked): string {
  return `${JSON.stringify({
    version: PROTOCOL_VERSION,
    verb,
    provider,
    cluster: place.cluster,
    member: place.member,
    ...(fence !== undefined && { fence }),
    vips: vips.map((vip) => {
      const guard = guards?.get(vip.id);
      return {
        id: vip.id,
        addresses: vip.addresses.map(({ address, family, prefixLength, interface: device }) => ({
          address,
          family,
          prefix_length: prefixLength,
          ...(device !== undefined && { interface: device }),
        })),
        ...(guard?.kind === 'when-silent' && { when_silent_ms: Math.max(0, Math.round(guard.until - now)) }),
      };
    }),
  })}\n`;
}

/** What the program says of one VIP. */
export interface Said {
  readonly held: boolean;
  readonly code: OutcomeCode;
  readonly reason: string;
  /** Whether this host could carry it; absent: the program does not say. */
  readonly fit?: boolean;
}

export type Answer =
  | { readonly kind: 'vips'; readonly said: ReadonlyMap<VipId, Said>; readonly missing: readonly VipId[] }
  | { readonly kind: 'checks'; readonly checks: readonly Check[] }
  /** It does not know this verb, and need not. */
  | { readonly kind: 'unsupported' }
  /** What is wrong with the answer, for the person who wrote the program. */
  | { readonly kind: 'garbage'; readonly problem: string };

/** What it may leave out, and what stands in for it. */
const OPTIONAL: ReadonlySet<ExecVerb> = new Set(['renew', 'announce', 'test']);
const TEXT_MAX = 500;
const CHECKS_MAX = 1000;

/** Of the answer of `verb` for these VIPs. */
export function readAnswer(verb: ExecVerb, vips: readonly Vip[], text: string): Answer {
  if (verb === 'announce' && text.trim() === '') return { kind: 'vips', said: new Map(), missing: [] };
  const answer = parse(text);
  if (typeof answer === 'string') return garbage(answer);
  const { version, unsupported } = answer;
  if (version !== PROTOCOL_VERSION)
    return garbage(
      `its answer has version ${quoted(version)}, and version ${PROTOCOL_VERSION} is spoken here`,
    );
  if (unsupported === true)
    return OPTIONAL.has(verb) ? { kind: 'unsupported' } : garbage(`it says that it does not support ${verb}`);
  if (verb === 'announce') return { kind: 'vips', said: new Map(), missing: [] };
  return verb === 'test' ? readChecks(answer['checks']) : readVips(vips, answer['vips']);
}

function parse(text: string): Record<string, unknown> | string {
  if (text.trim() === '') return 'it answered nothing on standard output';
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    return `its answer is no JSON object: ${quoted(text)}`;
  } catch {
    return `its answer is not one JSON text: ${quoted(text)}`;
  }
}

function readVips(vips: readonly Vip[], list: unknown): Answer {
  if (!Array.isArray(list)) return garbage('its answer has no list `vips`');
  const asked = new Set(vips.map(({ id }) => id));
  const said = new Map<VipId, Said>();
  for (const entry of list.slice(0, asked.size + 1) as unknown[]) {
    const one = readSaid(entry, asked);
    if (typeof one === 'string') return garbage(one);
    if (said.has(one.id)) return garbage(`it names ${one.id} twice`);
    said.set(one.id, one.said);
  }
  return { kind: 'vips', said, missing: [...asked].filter((id) => !said.has(id)) };
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

function readSaid(entry: unknown, asked: ReadonlySet<VipId>): { id: VipId; said: Said } | string {
  if (typeof entry !== 'object' || entry === null) return 'an entry of `vips` is no object';
  const { id, held, code = 'ok', reason = '', fit } = entry as Record<string, unknown>;
  if (typeof id !== 'string' || !asked.has(id)) return `it names ${quoted(id)}, which was not asked for`;
  if (typeof held !== 'boolean')
    return `it does not say of ${id} whether it is held (\`held\`: true or false)`;
  if (!CODES.has(code)) return `it gives ${id} the unknown code ${quoted(code)}`;
  if (typeof reason !== 'string') return `its reason for ${id} is no text`;
  if (fit !== undefined && typeof fit !== 'boolean') return `\`fit\` of ${id} is neither true nor false`;
  const said = { held, code: code as OutcomeCode, reason: reason.slice(0, TEXT_MAX) };
  return { id, said: fit === undefined ? said : { ...said, fit } };
}

const VERDICTS: ReadonlySet<unknown> = new Set<Check['verdict']>(['pass', 'warn', 'fail', 'unknown']);

function readChecks(list: unknown): Answer {
  if (!Array.isArray(list)) return garbage('its answer has no list `checks`');
  const checks: Check[] = [];
  for (const entry of list.slice(0, CHECKS_MAX) as unknown[]) {
    const { vip, what, verdict, detail = '', mend } = (entry ?? {}) as Record<string, unknown>;
    if (typeof what !== 'string' || what === '')
      return garbage('a check does not say what was checked (`what`)');
    if (!VERDICTS.has(verdict))
      return garbage(`the check ${quoted(what)} has the verdict ${quoted(verdict)}`);
    checks.push({
      ...(typeof vip === 'string' && { vip }),
      what: what.slice(0, TEXT_MAX),
      verdict: verdict as Check['verdict'],
      detail: typeof detail === 'string' ? detail.slice(0, TEXT_MAX) : '',
      ...(verdict !== 'pass' && { mend: mendOf(mend) }),
    });
  }
  return { kind: 'checks', checks };
}

function mendOf(mend: unknown): string {
  return typeof mend === 'string' && mend !== '' ? mend.slice(0, TEXT_MAX) : 'the program does not say';
}

function garbage(problem: string): Answer {
  return { kind: 'garbage', problem };
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return JSON.stringify(text.slice(0, 60));
}
