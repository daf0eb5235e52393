/**
 * What Compute Engine answers when it does not do it, told apart by what to do about it. Pure. A 403 may mean "never" or "not so
 * fast", so the reason decides and not the number; an operation may fail after its call succeeded.
 */
import type { OutcomeCode } from '../../src/provider/provider.ts';

/**
 * - `denied`, `credentials`: nothing will work until somebody mends it;
 * - `absent`: an instance, interface, address or route that is not there (any more);
 * - `stale`: somebody changed the interface since we looked: look again;
 * - `held`: somebody has the address; `exists`: there is such a route already;
 * - `limit`, `refused`: this call will not work as it is;
 * - `throttled`, `busy`: later, nothing was done; `unknown`: nobody knows whether it was done.
 */
export type FailureKind =
  | 'denied'
  | 'credentials'
  | 'absent'
  | 'stale'
  | 'held'
  | 'exists'
  | 'limit'
  | 'refused'
  | 'throttled'
  | 'busy'
  | 'unknown'
  | 'aborted';

export interface RawError {
  /** Method, as `instances.get`. */
  readonly method: string;
  /** Reason of the first inner error, code of an operation's error, or name of a socket error. */
  readonly reason: string;
  /** What Google said. */
  readonly said: string;
  /** Undefined: of an operation, or there was no answer. */
  readonly httpStatus: number | undefined;
  /** It is how an accepted call ended. */
  readonly ofOperation?: boolean;
}

export class GcpFailure extends Error {
  readonly kind: FailureKind;
  readonly method: string;
  readonly reason: string;

  constructor(kind: FailureKind, raw: Pick<RawError, 'method' | 'reason' | 'said'>) {
    super(wordsFor(kind, raw));
    this.kind = kind;
    this.method = raw.method;
    this.reason = raw.reason;
  }
}

/** Failures that another try may cure. */
export function isPassing({ kind }: GcpFailure): boolean {
  return kind === 'throttled' || kind === 'busy' || kind === 'unknown';
}

export function outcomeCodeOf({ kind }: GcpFailure): OutcomeCode {
  switch (kind) {
    case 'denied':
    case 'credentials':
      return 'permission';
    case 'absent':
      return 'interface-missing';
    case 'held':
    case 'exists':
      return 'address-in-use';
    case 'limit':
      return 'limit';
    case 'throttled':
    case 'busy':
    case 'unknown':
    case 'stale':
      return 'timeout';
    case 'aborted':
      return 'aborted';
    case 'refused':
      return 'failed';
  }
}

const THROTTLED =
  /^(rateLimitExceeded|userRateLimitExceeded|concurrentLimitExceeded|RATE_LIMIT_EXCEEDED|CONCURRENT_OPERATIONS_QUOTA_EXCEEDED|RESOURCE_OPERATION_RATE_EXCEEDED|resourceOperationRateExceeded|OPERATION_RATE_EXCEEDED)$/i;
const LIMIT = /quota|LIMIT_EXCEEDED|limitExceeded|IP_SPACE_EXHAUSTED|EXHAUSTED/i;
const BUSY = /^(resourceNotReady|RESOURCE_NOT_READY|resourceInUse|conditionPending|ZONE_RESOURCE_POOL.*)$/i;
const HELD = /IN_USE|already (being )?(used|in use|assigned|allocated)|is in use|overlap/i;

/** What kind of failure it is; by reason and text first, by number then. */
export function classify({ httpStatus, ofOperation = false, ...raw }: RawError): GcpFailure {
  const failure = (kind: FailureKind) => new GcpFailure(kind, raw);
  const { reason, said } = raw;
  if (reason === 'AbortError') return failure('aborted');
  if (httpStatus === 401) return failure('credentials');
  if (THROTTLED.test(reason) || (httpStatus === 403 && /CONCURRENT_OPERATIONS/i.test(said)))
    return failure('throttled');
  if (httpStatus === 429) return failure('throttled');
  if (httpStatus === 412 || reason === 'conditionNotMet' || reason === 'CONDITION_NOT_MET')
    return failure('stale');
  if (httpStatus === 404 || /^(notFound|RESOURCE_NOT_FOUND)$/.test(reason)) return failure('absent');
  if (httpStatus === 409 || /^(alreadyExists|RESOURCE_ALREADY_EXISTS)$/.test(reason))
    return failure('exists');
  if (BUSY.test(reason)) return failure('busy');
  if (/^(quotaExceeded|limitExceeded)$/.test(reason)) return failure('limit');
  if (httpStatus === 403 || /^(forbidden|PERMISSIONS_ERROR|PERMISSION_DENIED)$/i.test(reason))
    return failure('denied');
  if (HELD.test(reason) || HELD.test(said)) return failure('held');
  if (LIMIT.test(reason)) return failure('limit');
  if (/INTERNAL_ERROR|backendError|SERVICE_UNAVAILABLE|UNAVAILABLE/i.test(reason)) return failure('unknown');
  if (ofOperation) return failure('refused');
  // Without an answer that refuses, nobody knows.
  return failure(httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500 ? 'refused' : 'unknown');
}

/** How to mend it, for people; undefined: nothing to mend. */
export function mendingOf(kind: FailureKind, method: string): string | undefined {
  switch (kind) {
    case 'denied':
      return `grant compute.${method} to this host's service account (\`wackamole providers policy gcp\` prints all it needs), and give the instance the scope cloud-platform or compute`;
    case 'credentials':
      return 'attach a service account to the instance, or set GOOGLE_APPLICATION_CREDENTIALS for the agent';
    case 'absent':
      return 'check project, zone and names in the configuration, and whether somebody deleted it';
    case 'limit':
      return 'raise the quota, use a further interface, or fewer VIPs on this host';
    case 'held':
      return 'find out who has it (`gcloud compute instances list`) and take it away there';
    case 'exists':
      return 'somebody else made it: delete it, or look whether another cluster uses the same name';
    case 'throttled':
      return 'the project asks the API too often; it is tried again';
    case 'stale':
    case 'busy':
      return 'it is tried again';
    case 'unknown':
      return 'it is tried again; if it lasts, look whether this host reaches the end point, and at the Google Cloud status page';
    default:
      return undefined;
  }
}

function wordsFor(
  kind: FailureKind,
  { method, reason, said }: Pick<RawError, 'method' | 'reason' | 'said'>,
): string {
  const text = clip(said);
  const what = `${method}: ${reason}${text === '' || text === reason ? '' : ` (${text})`}`;
  const mend = mendingOf(kind, method);
  return mend === undefined ? what : `${what}; ${mend}`;
}

const TEXT_MAX = 300;

/** Texts of others, made fit for one line. */
function clip(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX)}…` : line;
}
