import { compareIds } from './order.ts';

/** The configured name of a host's agent, unique in the group: `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`. */
export type MemberName = string & { readonly __brand?: 'MemberName' };

/**
 * One run of one agent: `name#incarnation`, incarnation being 16 hexadecimal digits that are fresh at each start.
 * A restarted agent is another member. Never reused.
 */
export type MemberId = string & { readonly __memberId: true };

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const ID = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})#([0-9a-f]{16})$/;

export function isMemberName(text: string): text is MemberName {
  return NAME.test(text);
}

export function memberId(name: MemberName, incarnation: string): MemberId {
  const id = `${name}#${incarnation}`;
  if (!isMemberId(id)) throw new RangeError(`not a member id: ${JSON.stringify(id)}`);
  return id;
}

export function isMemberId(text: string): text is MemberId {
  return ID.test(text);
}

export function nameOf(id: MemberId): MemberName {
  return id.slice(0, id.indexOf('#'));
}

export function incarnationOf(id: MemberId): string {
  return id.slice(id.indexOf('#') + 1);
}

/** Total order of members: by name, then by incarnation. */
export function compareMembers(a: MemberId, b: MemberId): -1 | 0 | 1 {
  return compareIds(nameOf(a), nameOf(b)) || compareIds(a, b);
}
