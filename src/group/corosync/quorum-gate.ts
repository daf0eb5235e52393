/**
 * When the agent is to hear what corosync says of its quorum, which comes on another way than the group's events: a loss at once; a
 * gain together with the view of the ring it is about, since before that whoever serves by now may be connected already. Pure.
 */
import type { QuorumEvent, RingId } from '../../platform/corosync-library.ts';
import type { GroupEvent } from '../group.ts';

export type Decree = Extract<GroupEvent, { kind: 'quorum' }>;

export interface Standing {
  readonly ring: RingId | undefined;
  /** The view is that of the ring, and no other is being agreed on. */
  readonly settled: boolean;
}

export class QuorumGate {
  /** The last answer about each ring whose view may still come; oldest first. */
  #said: readonly QuorumEvent[] = [];
  #told: boolean | undefined;

  /** News of the daemon's. */
  learn(event: QuorumEvent): Decree | undefined {
    this.#said = [...this.#said.filter(({ seq }) => seq !== event.seq), event].slice(-RINGS_MAX);
    return event.quorate ? undefined : this.#tell(false, LOST);
  }

  /** The next event is a view of this ring. */
  beforeView(ring: RingId | undefined): Decree | undefined {
    const { quorate, reason } = this.#judge(ring);
    return this.#tell(quorate, reason);
  }

  /** Anything may have changed. */
  look({ ring, settled }: Standing): Decree | undefined {
    if (!this.isOf({ ring, settled })) return undefined;
    const { quorate, reason } = this.#judge(ring);
    return this.#tell(quorate, reason);
  }

  /** Whether the last word is about this ring, whose view stands. Before its first view nobody has to know, and the view brings it. */
  isOf({ ring, settled }: Standing): boolean {
    return settled && this.#told !== undefined && this.#said.at(-1)?.seq === ring?.seq;
  }

  #judge(ring: RingId | undefined): { readonly quorate: boolean; readonly reason: string } {
    // A later ring without quorum counts for the view of an earlier one too: it is already so.
    if (this.#said.at(-1)?.quorate === false) return { quorate: false, reason: LOST };
    const said = this.#said.find(({ seq }) => seq === ring?.seq);
    if (said === undefined)
      return { quorate: false, reason: 'corosync has not said yet whether its new ring has quorum' };
    if (!said.quorate) return { quorate: false, reason: LOST };
    return { quorate: true, reason: `corosync has quorum with nodes ${said.nodes.join(', ')}` };
  }

  #tell(primary: boolean, reason: string): Decree | undefined {
    if (this.#told === primary) return undefined;
    this.#told = primary;
    return { kind: 'quorum', primary, reason };
  }
}

/** Rings that may form before the group has a view of one. */
const RINGS_MAX = 16;
const LOST = 'corosync has no quorum here';
