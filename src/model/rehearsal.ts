/** What would happen if these hosts failed: the question of an operator to the simulator, and its answer. */
import type { MemberName } from './member.ts';
import type { Millis } from './time.ts';
import type { VipId } from './vip.ts';

/** `kill`: the hosts lose power. `crash`: their agents die. `cut`: they reach each other, and nobody else. `drain`: by command. */
export type RehearsedKind = 'kill' | 'crash' | 'cut' | 'drain';

export interface RehearsedFault {
  readonly kind: RehearsedKind;
  readonly hosts: readonly MemberName[];
}

/** Middle and worst of all runs. */
export interface Distribution {
  readonly median: number;
  readonly worst: number;
}

export interface SideOutcome {
  /** Hosts that still reach each other. */
  readonly hosts: readonly {
    readonly name: MemberName;
    readonly vips_before: Distribution;
    readonly vips: Distribution;
    /** Sum of the weights of its VIPs. */
    readonly load: Distribution;
  }[];
  /** VIPs that were not served for a while; of those that are in the end, from the first fault until the last was. */
  readonly interrupted: Distribution;
  readonly until_served_ms: Distribution;
  /** Nobody serves these here in the end, in some run at least, with what the agents say. */
  readonly unserved: readonly { readonly vip: VipId; readonly reason: string }[];
}

export interface Rehearsed {
  readonly runs: number;
  readonly faults: readonly RehearsedFault[];
  /** The side with the most hosts first. Empty: nobody is left. */
  readonly sides: readonly SideOutcome[];
  /** How long was watched after the faults. */
  readonly watched_ms: Millis;
}
