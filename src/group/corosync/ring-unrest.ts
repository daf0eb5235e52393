/**
 * Whether this part may serve while the ring of corosync does not settle (ADR 0018). Where two nodes do not hear each other and a third hears
 * both, Totem forms a ring without one of them, is asked in by that one, forms the same ring again, and so on, on both sides: the
 * two parts are connected, and know nothing of each other. Quorum then decides for all VIPs. Pure; time is counted in turns.
 */
import type { QuorumEvent } from '../../platform/corosync-library.ts';
import type { TotemEvent } from '../../platform/corosync-totem.ts';

export interface RingUnrestSettings {
  /** Turns without a delivery after which others may have a ring; undefined: nobody can say. */
  readonly patience: number | undefined;
  /** Turns in which things are delivered and no ring forms again, after which it has settled. */
  readonly calm: number;
}

export interface Turn {
  /** Turns before this one in which nothing was delivered. */
  readonly silent: number;
  /** The site has a quorum device: a ring waits for its word. */
  readonly hasDevice: boolean;
}

export class RingUnrest {
  readonly #settings: RingUnrestSettings;
  /** The last ring that has synchronised. */
  #ring: QuorumEvent | undefined;
  /** What Totem said last of each node. */
  readonly #totem = new Map<number, boolean>();
  /** Turns since it said something; undefined: that is long ago. */
  #formed: number | undefined;
  /** Turns since the last sign; undefined: it is settled. */
  #since: number | undefined;
  /** Turns since the last ring that lacked somebody; undefined: that is long ago. */
  #lost: number | undefined;
  #adrift = false;

  constructor(settings: RingUnrestSettings) {
    this.#settings = settings;
  }

  /** A ring has synchronised, or the quorum of one has changed. */
  synchronised(event: QuorumEvent): void {
    const before = this.#ring;
    this.#ring = event;
    if (before?.seq === event.seq) return;
    // Who asks to be let in, and is, changes the nodes; who leaves does too.
    if (this.#adrift || (before !== undefined && sameNodes(before.nodes, event.nodes))) this.#since = 0;
    this.#adrift = false;
    if (before?.nodes.some((node) => !event.nodes.includes(node))) this.#lost = 0;
  }

  /** Totem has formed a ring, which has not synchronised yet. */
  formed({ node, present }: TotemEvent): void {
    this.#totem.set(node, present);
    this.#formed = 0;
  }

  turn({ silent, hasDevice }: Turn): void {
    if (silent === 0) [this.#since, this.#lost] = [this.#later(this.#since), this.#later(this.#lost)];
    const { patience } = this.#settings;
    if (this.#formed !== undefined)
      this.#formed = this.#formed < (patience ?? 0) ? this.#formed + 1 : undefined;
    if (patience === undefined || this.#ring === undefined || silent <= patience) return;
    // Who was just lost, perhaps hears one of us: then our ring forms again, and is only never told of.
    if (!this.#isMoving && this.#lost !== undefined) this.#since ??= 0;
    // Also there, but without a word of its own yet: a ring that waits for its device.
    if (!this.isThere && !(hasDevice && this.#isMoving)) this.#adrift = true;
  }

  #later(turns: number | undefined): number | undefined {
    return turns === undefined || turns >= this.#settings.calm ? undefined : turns + 1;
  }

  /** The ring forms again and again. */
  get isUnsettled(): boolean {
    return this.#since !== undefined;
  }

  /**
   * Nothing may be delivered for long, and yet the ring is there, with most of its nodes: its synchronisation is broken off again and
   * again. Whoever serves goes on, since nobody else can have quorum. Where Totem has just formed it whole again the others
   * have had no time yet for one without us.
   */
  get isThere(): boolean {
    if (this.#isMoving) return this.#isMost;
    return this.#formed !== undefined || (this.isUnsettled && this.#ring?.quorate === true);
  }

  /** Why this part must hold nothing; undefined: it may. */
  get reason(): string | undefined {
    if (this.#adrift)
      return 'corosync has not formed a ring for so long that the others may have one without us';
    if (this.#since === undefined || this.#ring === undefined) return undefined;
    const { nodes, quorate } = this.#ring;
    if (!quorate) return `${UNSETTLED} nodes ${nodes.join(', ')}, which are without quorum`;
    if (!this.#isMost)
      return `${UNSETTLED} nodes ${this.here.join(', ')}, all that Totem has left of ${nodes.join(', ')}`;
    return undefined;
  }

  /** Nothing has happened to the ring for long. */
  get isCalm(): boolean {
    return this.#since === undefined && this.#lost === undefined;
  }

  /** Whether the last ring that has synchronised has quorum. */
  get isQuorate(): boolean {
    return this.#ring?.quorate === true;
  }

  /** Nodes of the last ring that has synchronised, and which Totem has not lost since. */
  get here(): readonly number[] {
    return (this.#ring?.nodes ?? []).filter((node) => this.#totem.get(node) !== false);
  }

  get #isMost(): boolean {
    return this.here.length * 2 > (this.#ring?.nodes.length ?? 0);
  }

  /** Totem has another ring than the last that has synchronised. */
  get #isMoving(): boolean {
    const nodes = this.#ring?.nodes ?? [];
    return [...this.#totem].some(([node, present]) => present !== nodes.includes(node));
  }
}

const UNSETTLED =
  'the ring of corosync does not settle (does a pair of nodes not hear each other?): it is that of';

function sameNodes(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((node) => other.includes(node));
}
