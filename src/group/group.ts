/**
 * The port to group communication: view-synchronous membership and totally ordered messages (DESIGN 2, G1–G7).
 * Implementations: `embedded` (own engine), later `spread` and `corosync`. The agent core sees nothing else of the network.
 */
import type { MemberId, MemberName } from '../model/member.ts';
import type { View, ViewId } from '../model/view.ts';

export type GroupEvent =
  /** From here to the next `view`, deliveries finish the old view's messages and may be missing at other members (G5). */
  | { readonly kind: 'transitional' }
  | { readonly kind: 'view'; readonly view: View }
  /** In the one order all members of the view deliver (G3); own messages come back too. */
  | { readonly kind: 'message'; readonly sender: MemberId; readonly bytes: Uint8Array }
  /**
   * We hear a view that ranks above ours and that cannot take us in (asymmetric or non-transitive reachability).
   * While it stands the member must hold nothing: connected hosts of the other view hold the VIPs. `by` absent: it is not
   * so (any more). Then `contested` says that it may soon be, or that somebody our view lost is alive: what is not held is
   * not to be put up until the next such event. An implementation that cannot tell never sets it. The event may come again with
   * nothing changed: then what the view released may have been taken elsewhere meanwhile, and the link is to be asked.
   */
  | {
      readonly kind: 'outranked';
      readonly by: ViewId | undefined;
      readonly reason: string;
      readonly contested?: true;
    }
  /**
   * The engine's own rule says whether we are of the primary component: it holds from here on instead of the votes of the configuration,
   * until the next such event or `detached`. `true` stands behind the view it is about; `false` comes as soon as it is known. An
   * implementation without a rule of its own never sets it.
   */
  | { readonly kind: 'quorum'; readonly primary: boolean; readonly reason: string }
  /**
   * The group is not whole, and `reached` are the members that this host reaches, both ways, in the view or not. Those outside it are there all
   * the same, and go on with what they had: whoever does not reach them must not take that, and who does asks the link. `lost` are those
   * outside of whom that is not certain just now, or not any more since a moment ago: they may notice later, so what they may have waits. `lesser`: the others' part may have what this one lacks (quorum), so that here what a link can be asked for stays, the rest goes, and nothing is
   * put up. `reached` absent: all that is over. It stands before the view that it is about. An implementation that cannot tell never sets it.
   */
  | {
      readonly kind: 'bystanders';
      readonly reached: readonly MemberName[] | undefined;
      readonly lost: readonly MemberName[];
      readonly lesser: string | undefined;
    }
  /** The engine is lost (G7). Nothing is delivered after it until `join` is called again. */
  | { readonly kind: 'detached'; readonly reason: string };

/** What an operator may want to know of the group and its members; refreshed by the implementation about once a second. */
export interface GroupStatus {
  readonly engine: string;
  readonly self: MemberId;
  readonly peers: readonly PeerStatus[];
  /** Fingerprints of the cluster keys; the first one seals. Absent or empty: none. */
  readonly keys?: readonly string[];
  /** Named counters (`refused_wrong_key`, `frames_malformed`, …), never decreasing within a run. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface PeerStatus {
  readonly name: string;
  readonly member?: MemberId;
  readonly address: string;
  readonly stream: 'open' | 'dialling' | 'closed';
  /** Whether the peer's kernel answers our probes; `unknown` where probes are filtered or impossible. */
  readonly host: 'answers' | 'silent' | 'unknown';
  readonly agent: 'well' | 'silent' | 'unknown';
  /** Last thing that went wrong with this peer, for people. */
  readonly problem?: string;
}

export interface GroupCommunication {
  /** This run's identity in the group. */
  readonly self: MemberId;
  /**
   * Starts to take part; events flow to `listener` in order, never from inside `join` or `multicast`.
   * Rejects with an Error for a person (address in use, key refused) when it cannot start at all.
   */
  join(listener: (event: GroupEvent) => void): Promise<void>;
  /** Queues bytes (≤ {@link MULTICAST_BYTES_MAX}) for agreed delivery in the present or the next view. Never throws for congestion: overflow is `detached`. */
  multicast(bytes: Uint8Array): void;
  /** Says goodbye, so that the others see `leave`, and stops. Resolves when everything is closed, at the latest after `leave_ms_max`. */
  leave(): Promise<void>;
  /**
   * Tells the engine that the agent's main thread is well. Without it for a profile's `agent` timeout
   * the engine stops its own heartbeats, so that others take over from a hung agent.
   */
  tick(): void;
  /** Why the engine does not answer just now, for people; undefined: it is well. Absent where nobody can tell. */
  unwell?(): string | undefined;
  /**
   * Other cluster keys from now on, the first one to seal with, all to be accepted (32 bytes each). Resolves with nothing, or
   * with why not, for a person, where a member of the group would be lost by it: then nothing has changed. Absent where keys
   * cannot change.
   */
  rekey?(keys: readonly Uint8Array[]): Promise<string | undefined>;
  status(): GroupStatus;
}

export const MULTICAST_BYTES_MAX = 4 * 1024 * 1024;
