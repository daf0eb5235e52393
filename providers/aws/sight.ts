/** What was seen of the world: for each VIP the registers it consists of here, and who is in them. Pure data. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { OutcomeCode } from '../../src/provider/provider.ts';
import type { Change } from './ec2.ts';
import type { Shown } from './fence.ts';

/** One register of the cloud that leads an address to one interface: an address of a subnet, an Elastic IP, a route of a table. */
export interface Piece {
  /** Unique in the provider. */
  readonly key: string;
  readonly vip: VipId;
  readonly family: 4 | 6;
  readonly address: string;
  /** Our interface, which shall have it. */
  readonly eni: string;
  /** Route table, allocation. */
  readonly register?: string;
  readonly seen: Seen;
}

export type Seen =
  /** `token`: names this very tenure (an association id). */
  | { readonly state: 'ours'; readonly token?: string }
  /** `blank`: there is not even an entry yet. */
  | { readonly state: 'free'; readonly blank?: boolean }
  | { readonly state: 'theirs'; readonly token?: string; readonly holder: Holder };

export interface Holder {
  readonly eni: string | undefined;
  /** For people. */
  readonly words: string;
  readonly member: boolean;
  readonly shown: Shown | undefined;
  /** Its interface does not exist any more. */
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
  /** Private addresses of our interfaces on which an Elastic IP may lie; mode `elastic-ip` alone. */
  readonly spare?: readonly string[];
}

/** A call, and the pieces it is for. */
export interface Planned {
  readonly call: Change;
  readonly pieces: readonly Piece[];
  /** It only makes room: the pieces are free after it, not ours. */
  readonly frees?: boolean;
}

export interface LookOptions {
  readonly signal: AbortSignal;
}

/** One way of leading addresses to a host. `look` asks the world; the plans are pure. */
export interface Mode {
  /** Why this host can never carry the VIP; undefined: nothing against it. */
  objection(vip: Vip): Refusal | undefined;
  look(vips: readonly Vip[], options: LookOptions): Promise<Sight>;
  /** The same by one read, which tells for certain only whether a piece is ours. */
  glance(vips: readonly Vip[], options: LookOptions): Promise<Sight>;
  /** Calls that make these pieces ours. Only pieces that `apart` gives the same number, or none, share a call; pieces without a call cannot be had. */
  takeCalls(
    pieces: readonly Piece[],
    how: { readonly sight: Sight; readonly apart: ReadonlyMap<string, number> },
  ): readonly Planned[];
  /** Why `takeCalls` left pieces out. */
  noRoom?(sight: Sight): Refusal;
  /** Calls that give up those that are ours; never one that could hit another holder. */
  giveCalls(pieces: readonly Piece[]): readonly Planned[];
  /** Whether giving up takes no call, since the next holder replaces us: then our own word tells whether we hold it. */
  readonly leavesBehind: boolean;
}
