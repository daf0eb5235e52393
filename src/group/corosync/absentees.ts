/** Nodes that had members of ours and are not in the ring any more; whether corosync's links reach them is asked by `stance.ts`. Pure. */
import { type MemberName, nameOf } from '../../model/member.ts';
import type { View } from '../../model/view.ts';
import type { Seat } from '../spread/next-view.ts';
import { nodeOfPlace } from './memberships.ts';

export class Absentees {
  readonly #names = new Map<number, MemberName>();

  /** Who said goodbye serves nothing, nor does who died on a node that is in the ring still (`here`). */
  seen({ departed }: View, seats: readonly Seat[], here: readonly number[]): void {
    for (const { member, how } of departed) {
      const name = nameOf(member);
      if (how === 'leave' || here.some((node) => this.#names.get(node) === name)) this.#forget(name);
    }
    for (const { member, privateGroup } of seats) {
      const node = nodeOfPlace(privateGroup);
      if (node !== undefined) this.#names.set(node, nameOf(member));
    }
  }

  /** All but these nodes. */
  without(here: readonly number[]): readonly number[] {
    return [...this.#names.keys()].filter((node) => !here.includes(node));
  }

  nameAt(node: number): MemberName {
    return this.#names.get(node) ?? `node-${node}`;
  }

  #forget(name: MemberName): void {
    for (const [node, known] of this.#names) if (known === name) this.#names.delete(node);
  }
}
