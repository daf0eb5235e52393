/** A checked configuration: what parsing yields and every other room may rely on. Durations are in milliseconds. */
import type { MemberName } from '../model/member.ts';
import type { Millis } from '../model/time.ts';
import type { PartitionPolicy, Vip, VipId } from '../model/vip.ts';
import type { HooksConfig } from './hooks-section.ts';
import type { AwsProviderConfig } from './providers/aws.ts';
import type { ExecProviderConfig } from './providers/exec.ts';
import type { GcpProviderConfig } from './providers/gcp.ts';
import type { GuestConfig } from './providers/guest.ts';
import type { LocalProviderConfig } from './providers/local.ts';
import type { MemoryProviderConfig } from './providers/memory.ts';
import type { PackageProviderConfig } from './providers/package.ts';

export type { AwsMode, AwsProviderConfig } from './providers/aws.ts';
export type { ExecProviderConfig } from './providers/exec.ts';
export type { GcpMode, GcpProviderConfig } from './providers/gcp.ts';
export type { LocalProviderConfig } from './providers/local.ts';
export type { MemoryProviderConfig } from './providers/memory.ts';
export type { PackageProviderConfig } from './providers/package.ts';

export type ProfileName = 'lan' | 'fast' | 'wan';

/** The detectors' timers, one table (`profiles.ts`); a profile is a small delta from `lan`. */
export interface DetectorTimers {
  /** Between two kernel-answered probes to a member. */
  readonly probe_interval_ms: Millis;
  /** A host is silent when this long after a probe nothing has been answered since (own lateness discounted). */
  readonly probe_timeout_ms: Millis;
  /** Between two heartbeats the agent itself sends. */
  readonly heartbeat_interval_ms: Millis;
  /** An agent is hung when nothing was heard from it for this long. */
  readonly heartbeat_timeout_ms: Millis;
  /** Between two seek datagrams to a configured or discovered address without a stream. */
  readonly seek_interval_ms: Millis;
  /** A link that came back must stay this long before it counts; doubles with each flap of the pair, up to 64 times. */
  readonly link_hold_ms: Millis;
  /** Floor for each phase of a view change; the measured round trip raises it. */
  readonly phase_timeout_ms: Millis;
}

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export interface EmbeddedGroupConfig {
  readonly engine: 'embedded';
  /** Where we listen (TCP and UDP) and what others dial. An IP literal. */
  readonly listen: PeerAddress;
  /** Static peers, this host allowed among them. Each may have several addresses. */
  readonly peers: readonly { readonly name: MemberName; readonly addresses: readonly PeerAddress[] }[];
  /** Beacon on the link; absent: off. */
  readonly multicast?: { readonly group: string; readonly port: number; readonly interface?: string };
  /** Cluster key, 32 bytes; absent only with `insecure: true` in the file. */
  readonly key?: Uint8Array;
  /** Further keys that are accepted, while `key` alone seals: the others of a rotation. At most three. */
  readonly otherKeys?: readonly Uint8Array[];
  readonly profile: ProfileName;
  readonly timers: DetectorTimers;
}

/** The group is one of a Spread daemon, which watches over who is there. */
export interface SpreadGroupConfig {
  readonly engine: 'spread';
  /** In Spread's notation: `4803`, `4803@host`, or the path of a socket. */
  readonly daemon: string;
  /** Name of the Spread group, 1 to 31 characters. */
  readonly spread_group: string;
  /** All members that may be there; absent: whoever joins. */
  readonly members?: readonly MemberName[];
  /** Longest wait for connection and handshake. */
  readonly connect_timeout_ms: Millis;
  /** A daemon that has delivered nothing for this long is lost; longer than its ring takes to form again. */
  readonly daemon_timeout_ms: Millis;
  /** A member not heard for this long, while the daemons deliver, is hung. */
  readonly agent_timeout_ms: Millis;
}

/** The group is one of the closed process groups of this host's corosync, which watches over who is there. */
export interface CorosyncGroupConfig {
  readonly engine: 'corosync';
  /** Name of the closed process group, 1 to 127 characters. */
  readonly cpg_group: string;
  /** All members that may be there; absent: whoever joins. */
  readonly members?: readonly MemberName[];
  /** Who says which part is primary: corosync's quorum where it has one, or the votes of `quorum`. */
  readonly primary_by: 'corosync' | 'votes';
  /** Longest wait for the daemon to take us in. */
  readonly connect_timeout_ms: Millis;
  /** A daemon that has delivered nothing for this long is lost; longer than its ring takes to form again. */
  readonly daemon_timeout_ms: Millis;
  /** A member not heard for this long, while the daemons deliver, is hung. */
  readonly agent_timeout_ms: Millis;
}

export type GroupConfig = EmbeddedGroupConfig | SpreadGroupConfig | CorosyncGroupConfig;

export type ProviderConfig =
  | MemoryProviderConfig
  | LocalProviderConfig
  | AwsProviderConfig
  | GcpProviderConfig
  | ExecProviderConfig
  | PackageProviderConfig;

export interface AgentConfig {
  /** Age at which a member that meets no mature one may be allocated VIPs. */
  readonly maturity_ms: Millis;
  /** Longest wait for the reports of a view before the silent are named and passed over. */
  readonly report_timeout_ms: Millis;
  /** Longest a polite stop may take before everything is dropped and the process ends. */
  readonly stop_timeout_ms: Millis;
  /** After a stall of this length everything is released first and asked later. At most the lease. */
  readonly stall_bound_ms: Millis;
  /** First and last delay before a failing acquire is tried again on the same member; doubles in between. */
  readonly retry_min_ms: Millis;
  readonly retry_max_ms: Millis;
  /** `strict`: wait for the lease bound also where the earlier holder's host is silent. */
  readonly takeover: 'at-once' | 'strict';
}

/** What a health check looks at. */
export type HealthProbe =
  /** Passes when it ends with 0; no shell. */
  | {
      readonly kind: 'command';
      readonly argv: readonly string[];
      /** User it runs as; absent: the agent's. */
      readonly user?: string;
    }
  /** Passes when the connection is made. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Passes while the interface is up and has a carrier. */
  | { readonly kind: 'interface'; readonly interface: string }
  /** Passes while a process of this name runs on the host. */
  | { readonly kind: 'process'; readonly process: string }
  /** Passes while the file is there, or while it is not. */
  | { readonly kind: 'file'; readonly path: string; readonly present: boolean };

export interface HealthCheckConfig {
  readonly name: string;
  readonly probe: HealthProbe;
  readonly interval_ms: Millis;
  /** A look that takes longer has failed. */
  readonly timeout_ms: Millis;
  /** Results in a row that make a failing check pass, and a passing one fail. */
  readonly rise: number;
  readonly fall: number;
  /** A check that was failing has to pass this long as well; doubles with each relapse, up to 64 times. */
  readonly hold_ms: Millis;
  /** Absent: all VIPs of this member. */
  readonly vips?: readonly VipId[];
  /** How far this member stands behind others while it fails; absent: it is unfit. */
  readonly penalty?: number;
  /** What becomes of the VIPs where everybody is unfit. */
  readonly when_all_fail: 'keep' | 'release';
}

export interface BalanceConfig {
  readonly enabled: boolean;
  readonly interval_ms: Millis;
  readonly moves_per_round_max: number;
  /** A VIP that moved (or a member that joined) this recently is not moved by rebalancing. */
  readonly hold_down_ms: Millis;
}

export interface QuorumConfig {
  /** Votes by member name; a member not named has 1. */
  readonly votes: Readonly<Record<string, number>>;
  /** Sum of the votes of all members that may exist; absent: the sum over the static peers. More than half of it is primary. */
  readonly expected_votes?: number;
  /** One vote more, for whoever has the lease on a record outside the group; absent: none. */
  readonly witness?: WitnessConfig;
}

export interface WitnessConfig {
  readonly kind: 'dynamodb' | 's3' | 'gcs';
  /** Table of DynamoDB, or bucket. */
  readonly place: string;
  /** Of the record there. */
  readonly key: string;
  /** Absent: the environment's. */
  readonly region?: string;
  /** URL instead of the cloud's own. */
  readonly endpoint?: string;
  readonly lease_ms: Millis;
  readonly renew_ms: Millis;
}

export interface ControlConfig {
  readonly socket: string;
  /** Group, by name or number, whose members may do everything; absent: the agent's user alone. */
  readonly group?: string;
  /** Group, by name or number, whose members may look, at a socket of its own; absent: there is none. */
  readonly read_only?: { readonly socket: string; readonly group: string };
}

export interface Config {
  readonly cluster: string;
  readonly member: MemberName;
  readonly group: GroupConfig;
  /** In order of the file; key = provider name. */
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  /** Of providers whose addresses are on an interface of this host too, by name; absent: none. */
  readonly guests?: Readonly<Record<string, GuestConfig>>;
  /** Sorted by id. */
  readonly vips: readonly Vip[];
  /** Where this host is: a failure domain, for instance an availability zone. */
  readonly zone?: string;
  /** What else there is to say of it; constraints of VIPs refer to it. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Capacity weight of this member, ≥ 0 (0: never allocated anything); 1 unless configured. */
  readonly capacity: number;
  readonly agent: AgentConfig;
  /** In order of the file. */
  readonly checks: readonly HealthCheckConfig[];
  readonly balance: BalanceConfig;
  readonly quorum: QuorumConfig;
  readonly default_policy: PartitionPolicy;
  /** Absent: nothing is run. */
  readonly hooks?: HooksConfig;
  readonly control: ControlConfig;
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'; readonly file?: string };
  /** Digest of what must be equal on all members (cluster, VIPs, policies, quorum): SHA-256, hex, first 16 digits. */
  readonly digest: string;
}
