/** What goes into the agent core and what comes out; `loop.ts` performs the actions in production, a simulator in tests. */
import type { Config } from '../config/config.ts';
import type { HookEvent } from '../config/hooks-section.ts';
import type { GroupEvent } from '../group/group.ts';
import type { HealthVerdict } from '../model/health.ts';
import type { MemberId } from '../model/member.ts';
import type { KnownNeighbour } from '../model/neighbour.ts';
import type { CommandResult, OperatorCommand } from '../model/operator.ts';
import type { Millis } from '../model/time.ts';
import type { ViewId } from '../model/view.ts';
import type { ProviderName, Vip } from '../model/vip.ts';
import type { AcquireRequest, ProviderEvent, VipOutcome } from '../provider/provider.ts';
import type { AgentMessage } from './messages.ts';

export type AgentEvent =
  /** A group is being joined under this identity (at start, and again after a `rejoin`). */
  | { readonly kind: 'joining'; readonly self: MemberId }
  | { readonly kind: 'group'; readonly event: GroupEvent }
  /** Answers of the providers; each VIP of the action is answered once. */
  | { readonly kind: 'acquired'; readonly outcomes: readonly VipOutcome[] }
  | { readonly kind: 'released'; readonly outcomes: readonly VipOutcome[] }
  /** Only outcomes that are not `ok` need to be told. */
  | { readonly kind: 'renewed'; readonly outcomes: readonly VipOutcome[] }
  | { readonly kind: 'provider'; readonly provider: ProviderName; readonly event: ProviderEvent }
  /** A health check of this host says otherwise than before. */
  | { readonly kind: 'health'; readonly verdict: HealthVerdict }
  /**
   * The witness's vote was gained, lost or refused. `fence`: acts under it have to have a higher one than whoever had it before. `owner`:
   * whose it is instead, as the witness writes its members; absent: not known, or nobody's.
   */
  | {
      readonly kind: 'witness';
      readonly has: boolean;
      readonly fence: number;
      readonly reason: string;
      readonly owner?: string;
    }
  /** Whether the witness can be asked; `reason` absent: it can. */
  | { readonly kind: 'witness-trouble'; readonly reason: string | undefined }
  | { readonly kind: 'command'; readonly number: number; readonly command: OperatorCommand }
  /** A new, checked configuration (same cluster and member). */
  | { readonly kind: 'config'; readonly config: Config }
  /** Polite stop: hand everything over, leave, end. */
  | { readonly kind: 'stop'; readonly reason: string }
  /** The process did not run for this long (blocked loop, SIGSTOP, suspended machine); told where `noteworthyLateness` says so. */
  | { readonly kind: 'stalled'; readonly lateness: Millis }
  | { readonly kind: 'timeout' };

export type AgentAction =
  | { readonly kind: 'multicast'; readonly message: AgentMessage }
  | { readonly kind: 'acquire'; readonly requests: readonly AcquireRequest[]; readonly fence: number }
  | { readonly kind: 'release'; readonly vips: readonly Vip[]; readonly reason: string }
  /** Abort an acquire under way; its outcome still comes. */
  | { readonly kind: 'cancel'; readonly vips: readonly Vip[] }
  | { readonly kind: 'announce'; readonly vips: readonly Vip[]; readonly reason: string }
  /** Another member knows these; for the providers that want to. */
  | { readonly kind: 'neighbours'; readonly neighbours: readonly KnownNeighbour[] }
  | HookAction
  /** Whether the vote of the witness would decide here, and the fence we act under. */
  | { readonly kind: 'witness'; readonly wanted: boolean; readonly fence: number }
  | { readonly kind: 'answer'; readonly number: number; readonly result: CommandResult }
  /** Leave the group for good, close everything, end the process. */
  | { readonly kind: 'leave'; readonly reason: string }
  /** Leave the group and join it again as a new member, after a delay. */
  | { readonly kind: 'rejoin'; readonly reason: string; readonly after: Millis }
  | {
      readonly kind: 'note';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly what: string;
      readonly reason: string;
      readonly vip?: string;
      readonly member?: string;
    };

/** For the operator's programs: VIPs came to this host or went. `on_…` has one VIP, `post_…` all of the round. */
export interface HookAction {
  readonly kind: 'hook';
  readonly event: HookEvent;
  readonly vips: readonly Vip[];
  readonly reason: string;
  /** In which it happened; absent: in none. */
  readonly view?: { readonly id: ViewId; readonly epoch: number };
}
