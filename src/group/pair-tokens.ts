/** What datagrams are bound to: the tokens of the streams we have with a member, and of those it may already consider open. */
import type { MemberId } from '../model/member.ts';
import type { PairToken } from './sealed-datagram.ts';

export class PairTokens<Owner> {
  readonly #changed: () => void;
  readonly #tokens = new Map<Owner, { readonly member: MemberId; readonly token: PairToken }>();

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  set(owner: Owner, member: MemberId, token: PairToken): void {
    if (this.#tokens.has(owner)) return;
    this.#tokens.set(owner, { member, token });
    this.#changed();
  }

  delete(owner: Owner): void {
    if (this.#tokens.delete(owner)) this.#changed();
  }

  of(member: MemberId): readonly PairToken[] {
    return [...this.#tokens.values()].filter((one) => one.member === member).map(({ token }) => token);
  }

  all(): readonly PairToken[] {
    return [...this.#tokens.values()].map(({ token }) => token);
  }
}
