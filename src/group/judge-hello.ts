/** Whether a pair may have a stream, judged from both hellos: a pure rule, so that both ends come to one result. */
import type { MemberId } from '../model/member.ts';
import { nameOf } from '../model/member.ts';
import { commonWireVersion, type Hello, type Refusal, type WireRange } from './hello.ts';

export interface OwnIdentity {
  readonly cluster: string;
  readonly member: MemberId;
  readonly wire: WireRange;
}

export type HelloVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  /** Another live run with our name, and it is the elder: it will refuse us. */
  | { readonly kind: 'yield' };

const ACCEPT: HelloVerdict = { kind: 'accept' };

/** `ours` is the hello we sent on this very stream. */
export function judgeHello(own: OwnIdentity, ours: Hello, theirs: Hello): HelloVerdict {
  if (theirs.cluster !== own.cluster) {
    return refuse('wrong-cluster', `this is a member of cluster ${own.cluster}, not of ${theirs.cluster}`);
  }
  if (theirs.member === own.member) return refuse('self', 'it is ourselves');
  if (commonWireVersion(own.wire, theirs) === undefined) {
    const { oldest, newest } = own.wire;
    const versions = `${oldest} to ${newest}, not ${theirs.wireOldest} to ${theirs.wireNewest}`;
    return refuse(
      'wrong-version',
      `${own.member} speaks wire versions ${versions}: upgrade the older of the two`,
    );
  }
  if (nameOf(theirs.member) !== nameOf(own.member)) return ACCEPT;
  if (isElder(theirs, ours)) return { kind: 'yield' };
  return refuse(
    'name-in-use',
    `the name ${nameOf(own.member)} is in use here: give one of the two members another name`,
  );
}

/** The one that runs longer; equally long: the smaller incarnation. */
function isElder(a: Hello, b: Hello): boolean {
  return a.age === b.age ? a.member < b.member : a.age > b.age;
}

function refuse(code: Refusal['code'], text: string): HelloVerdict {
  return { kind: 'refuse', refusal: { code, text } };
}
