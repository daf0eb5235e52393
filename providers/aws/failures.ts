/**
 * What EC2 answers when it does not do it, told apart by what to do about it. Pure. Most codes of EC2 are generic
 * (`InvalidParameterValue`), so texts are read as well; what is not known stays `refused`, and the state is read again.
 */
import type { OutcomeCode } from '../../src/provider/provider.ts';

/**
 * - `denied`, `credentials`, `clock`: nothing will work until somebody mends it;
 * - `absent`: an interface, address, table or association that is not there (any more);
 * - `held`: somebody has the address and the call was not to take it; `not-here`: what should go is not on that interface;
 * - `exists`, `no-route`: create of a route that is there, replace of one that is not;
 * - `limit`, `refused`: this call will not work as it is;
 * - `throttled`, `busy`: later, nothing was done; `unknown`: nobody knows whether it was done;
 * - `would-succeed`: the answer to a dry run that is allowed.
 */
export type FailureKind =
  | 'denied'
  | 'credentials'
  | 'clock'
  | 'absent'
  | 'held'
  | 'not-here'
  | 'exists'
  | 'no-route'
  | 'limit'
  | 'refused'
  | 'throttled'
  | 'busy'
  | 'unknown'
  | 'aborted'
  | 'would-succeed';

export class Ec2Failure extends Error {
  readonly kind: FailureKind;
  readonly action: string;
  /** Of EC2, or of the socket. */
  readonly code: string;
  /** What Amazon said. */
  readonly said: string;

  constructor(kind: FailureKind, { action, code, said }: { action: string; code: string; said: string }) {
    super(wordsFor(kind, { action, code, said }));
    this.kind = kind;
    this.action = action;
    this.code = code;
    this.said = said;
  }
}

/** Failures that another try may cure. */
export function isPassing({ kind }: Ec2Failure): boolean {
  return kind === 'throttled' || kind === 'busy' || kind === 'unknown';
}

export function outcomeCodeOf({ kind }: Ec2Failure): OutcomeCode {
  switch (kind) {
    case 'denied':
    case 'credentials':
    case 'clock':
      return 'permission';
    case 'absent':
      return 'interface-missing';
    case 'held':
      return 'address-in-use';
    case 'limit':
      return 'limit';
    case 'throttled':
    case 'busy':
    case 'unknown':
      return 'timeout';
    case 'aborted':
      return 'aborted';
    default:
      return 'failed';
  }
}

export interface RawError {
  readonly action: string;
  readonly code: string;
  readonly said: string;
  readonly httpStatus: number | undefined;
}

const THROTTLED = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'TooManyRequestsException',
  'EC2ThrottledException',
  'SlowDown',
  'PriorRequestNotComplete',
  'BandwidthLimitExceeded',
]);
const CREDENTIALS = new Set([
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
  'MissingAuthenticationToken',
  'OptInRequired',
  'Blocked',
  'CredentialsProviderError',
  'TokenProviderError',
  'PendingVerification',
]);
const CLOCK = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']);
const BUSY = new Set([
  'IncorrectState',
  'IncorrectInstanceState',
  'InvalidNetworkInterface.InUse',
  'OperationNotPermitted',
  'ServiceUnavailable',
  'Unavailable',
]);

/** What kind of failure it is; first by what leaves no doubt, then by text. */
export function classify({ action, code, said, httpStatus }: RawError): Ec2Failure {
  const failure = (kind: FailureKind) => new Ec2Failure(kind, { action, code, said });
  if (code === 'DryRunOperation') return failure('would-succeed');
  if (code === 'UnauthorizedOperation' || code === 'AccessDenied' || code === 'AccessDeniedException')
    return failure('denied');
  if (THROTTLED.has(code)) return failure('throttled');
  // A skewed clock shows as an expired or not yet valid signature, too.
  if (CLOCK.has(code) || (CREDENTIALS.has(code) && /not yet (valid|current)|signature.*expired/i.test(said)))
    return failure('clock');
  if (CREDENTIALS.has(code)) return failure('credentials');
  if (code === 'RouteAlreadyExists') return failure('exists');
  if (code === 'Resource.AlreadyAssociated') return failure('held');
  if (code === 'InvalidRoute.NotFound' || /Use CreateRoute instead|no route with destination/i.test(said))
    return failure('no-route');
  if (/NotFound$|\.Malformed$/.test(code)) return failure('absent');
  if (/LimitExceeded$|^InsufficientCidrBlocks$|^InsufficientFreeAddressesInSubnet$/.test(code))
    return failure('limit');
  const byText = kindByText(code, said);
  if (byText !== undefined) return failure(byText);
  if (BUSY.has(code)) return failure('busy');
  if (code === 'AbortError') return failure('aborted');
  if (httpStatus === undefined || httpStatus >= 500 || httpStatus < 400) return failure('unknown');
  return failure('refused');
}

function kindByText(code: string, said: string): FailureKind | undefined {
  if (!code.startsWith('Invalid')) return undefined;
  if (/move is not allowed|is already assigned/i.test(said)) return 'held';
  if (/are not assigned to interface|is not assigned to/i.test(said)) return 'not-here';
  if (/sufficient free|will exceed limit/i.test(said)) return 'limit';
  return undefined;
}

function wordsFor(
  kind: FailureKind,
  { action, code, said }: { action: string; code: string; said: string },
): string {
  const what = `${action}: ${code}${said === '' || said === code ? '' : ` (${clip(said)})`}`;
  const mend = mendingOf(kind, action);
  return mend === undefined ? what : `${what}; ${mend}`;
}

/** How to mend it, for people; undefined: nothing to mend. */
export function mendingOf(kind: FailureKind, action: string): string | undefined {
  switch (kind) {
    case 'denied':
      return `allow ec2:${action} for this host's role (\`wackamole providers policy aws\` prints all it needs)`;
    case 'credentials':
      return "renew the credentials: check the instance profile, or the variables AWS_* of the agent's environment";
    case 'clock':
      return 'set the clock of this host (chronyc tracking): Amazon refuses signatures that are minutes off';
    case 'absent':
      return 'check the id and the region in the configuration, and whether somebody deleted it';
    case 'limit':
      return 'use a larger instance type, a further interface or subnet, or fewer VIPs on this host';
    case 'throttled':
      return 'the account asks EC2 too often; it is tried again';
    case 'busy':
      return 'it is tried again';
    case 'unknown':
      return 'it is tried again; if it lasts, look whether this host reaches the end point, and into the AWS Health Dashboard';
    case 'held':
      return 'find out who has it (aws ec2 describe-network-interfaces), and free it or choose another address';
    case 'refused':
      return refusedMending(action);
    default:
      return undefined;
  }
}

function refusedMending(action: string): string | undefined {
  if (action.startsWith('Assign'))
    return 'choose an address of the subnet that nobody keeps (aws ec2 get-subnet-cidr-reservations), or free it';
  if (/^(Create|Replace)Route$/.test(action))
    return "name route tables of this host's VPC (`route_tables`), and an address outside of it";
  return action === 'AssociateAddress' ? 'allocate the address in this region and border group' : undefined;
}

const TEXT_MAX = 300;

/** Texts of others, made fit for one line. */
function clip(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX)}…` : line;
}
