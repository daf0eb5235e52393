/** What was seen of the world: for each VIP the registers it consists of here, and who is in them. Pure data. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { OutcomeCode } from '../../src/provider/provider.ts';
import type { Change, InstanceRef } from './compute.ts';
import type { Shown } from './fence.ts';

/** One register of the cloud that leads an address to one instance: an alias range, an external address, a route. */
export interface Piece {
  /** Unique in the provider. */
  readonly key: string;
  readonly vip: VipId;
  readonly address: string;
  readonly seen: Seen;
}

export type Seen =
  /** `token` names the tenure: an access config, a route. */
  | { readonly state: 'ours'; readonly token?: string }
  | { readonly state: 'free' }
  | { readonly state: 'theirs'; readonly holder: Holder };

export interface Holder {
  /** Undefined: it is no instance that we may see. */
  readonly at: InstanceRef | undefined;
  readonly nic: string;
  readonly token?: string;
  /** For people. */
  readonly words: string;
  readonly member: boolean;
  readonly shown: Shown | undefined;
  /** Its instance does not exist any more. */
  readonly gone?: boolean;
}

export interface Refusal {
  readonly code: OutcomeCode;
  readonly reason: string;
}

export interface Sight {
  readonly pieces: ReadonlyMap<VipId, readonly Piece[]>;
  /** VIPs that cannot be had here, whoever has them. */
  readonly refused: ReadonlyMap<VipId, Refusal>;
}

/** Changes that belong together, one after the other; what comes later is made when its turn is there, of what is so then. */
export interface Step {
  readonly pieces: readonly Piece[];
  /** On whom: those on the same do not overlap, since each would spoil the other's fingerprint. */
  readonly on: string;
  /** Undefined: nothing to do any more. */
  make(signal: AbortSignal): Promise<Change | undefined>;
}

export interface LookOptions {
  readonly signal: AbortSignal;
}

/** One way of leading addresses to a host. `look` asks the world. */
export interface Mode {
  /** Why this host can never carry the VIP; undefined: nothing against it. */
  objection(vip: Vip): Refusal | undefined;
  look(vips: readonly Vip[], options: LookOptions): Promise<Sight>;
  /** The same by one read, which tells for certain only whether a piece is ours. */
  glance(vips: readonly Vip[], options: LookOptions): Promise<Sight>;
  /** Chains of steps that make these pieces ours, independent of each other. Pieces in `alone` share one with nobody. */
  take(
    pieces: readonly Piece[],
    how: { readonly fence: Shown; readonly alone: ReadonlySet<string> },
  ): readonly (readonly Step[])[];
  /** How many pieces more fit here, as last seen. */
  room(): number;
  /** Steps that give up those that are ours; never one that could hit another holder. */
  give(pieces: readonly Piece[]): readonly Step[];
  /** How many addresses fit on this host, those of these VIPs (all that are configured) included; undefined: no limit that is known. */
  slots(vips: readonly Vip[]): number | undefined;
}
