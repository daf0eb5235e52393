/** What an operator sees: the answer of `wackamole status --json`, built by the agent core, rendered by the commander. */
import type { MemberId, MemberName } from './member.ts';
import type { ViewId } from './view.ts';
import type { VipId } from './vip.ts';

export type AgentPhase = 'joining' | 'collecting' | 'settled' | 'outranked' | 'detached' | 'leaving';

export interface MemberStatus {
  readonly name: MemberName;
  readonly member: MemberId;
  readonly representative: boolean;
  readonly self: boolean;
  readonly mature: boolean;
  readonly draining: boolean;
  /** False while its report of this view is missing. */
  readonly reported: boolean;
  readonly capacity: number;
  readonly votes: number;
  /** As its configuration says; absent: not said. */
  readonly zone?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** VIPs it holds or is about to. */
  readonly vips: number;
  /** Why it is not (fully) eligible, or that its configuration differs; empty when all is well. */
  readonly problems: readonly string[];
}

export interface VipStatus {
  readonly vip: VipId;
  readonly addresses: readonly string[];
  /** Member that confirmed it; absent: nobody. */
  readonly holder?: MemberName;
  /** Member that shall hold it; differs from `holder` during a handoff. Absent: nobody can. */
  readonly allocated?: MemberName;
  readonly state: 'held' | 'acquiring' | 'releasing' | 'waiting' | 'unserved';
  /** Wall clock, ISO 8601: since when the state is as it is. */
  readonly since: string;
  /** Why the holder is the one it is, or why nobody is. */
  readonly reason: string;
  /** Members that failed to acquire it and are passed over for now, with why. */
  readonly passed_over: readonly { readonly member: MemberName; readonly reason: string }[];
}

/** One health check of the host that is asked. */
export interface CheckStatus {
  readonly check: string;
  /** Why it fails; absent: it passes. */
  readonly failing?: string;
  /** Wall clock, ISO 8601: since when it passes or fails; absent: it has no result yet. */
  readonly since?: string;
  /** VIPs it concerns; absent: all. */
  readonly vips?: readonly VipId[];
  /** How far it puts this member behind others when it fails; absent: behind all whose like checks pass. */
  readonly penalty?: number;
  /** Whether this member holds its VIPs all the same where nobody is better off. */
  readonly last_resort: boolean;
}

export interface Change {
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly what: string;
  readonly reason: string;
}

/** How a program of the operator's ended. */
export interface HookResult {
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly event: string;
  /** Of `on_…`. */
  readonly vip?: VipId;
  readonly command: string;
  readonly ok: boolean;
  /** `exit status 3`, or what else became of it. */
  readonly result: string;
  readonly duration_ms: number;
}

export interface HooksStatus {
  readonly running: number;
  readonly waiting: number;
  /** Events that were undone or joined because hooks are slower than what happens. */
  readonly coalesced: number;
  /** Newest last, bounded. */
  readonly results: readonly HookResult[];
}

export interface Status {
  readonly cluster: string;
  readonly version: string;
  readonly self: MemberName;
  readonly phase: AgentPhase;
  readonly view?: {
    readonly id: ViewId;
    readonly epoch: number;
    readonly since: string;
    readonly cause: string;
  };
  /** Whether this component may act for VIPs of policy `primary`. */
  readonly primary: boolean;
  readonly config_digest: string;
  readonly members: readonly MemberStatus[];
  readonly vips: readonly VipStatus[];
  /** Health checks of this host, in order of its file. Absent from agents that know none. */
  readonly checks?: readonly CheckStatus[];
  /** Newest last, bounded. */
  readonly changes: readonly Change[];
  /** From the group engine. */
  readonly peers: readonly {
    readonly name: string;
    readonly address: string;
    readonly stream: string;
    readonly host: string;
    readonly agent: string;
    readonly problem?: string;
  }[];
  /** Fingerprints of the cluster keys; the first one seals, all are accepted. Absent or empty: none. */
  readonly keys?: readonly string[];
  /** Absent: there are none. */
  readonly hooks?: HooksStatus;
  readonly counters: Readonly<Record<string, number>>;
  /** Things an operator should mend, in plain words. */
  readonly warnings: readonly string[];
}
