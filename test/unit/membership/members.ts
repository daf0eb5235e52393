/** Short names for tests: `m('a')` is a member whose incarnation is made from its name. */

import type { MemberId } from '../../../src/model/member.ts';
import { memberId } from '../../../src/model/member.ts';

export function m(name: string, run = 0): MemberId {
  const code = Array.from({ length: name.length }, (_, at) => name.charCodeAt(at).toString(16)).join('');
  return memberId(name, `${code}${run.toString(16)}`.padStart(16, '0').slice(-16));
}
