/**
 * The port to address moving (DESIGN 7). A provider puts VIPs somewhere and takes them away; it decides nothing.
 *
 * Contract, checked by `src/conformance/provider.ts`:
 * - Batches; each answer names every VIP asked for exactly once, with what is really in place and why.
 * - Idempotent: acquiring what is held, or releasing what is not, succeeds.
 * - A promise never rejects for trouble with a VIP (that is an outcome); it may reject only for a bug.
 * - Bounded in time: when `signal` aborts, the call settles within 100 ms with outcomes `aborted`, and whatever
 *   is half done is told by the next `inspect`.
 * - `acquire` never puts up an address whose lease the provider cannot guarantee to end (see `leaseBound`).
 */
import type { MemberName } from '../model/member.ts';
import type { KnownNeighbour } from '../model/neighbour.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { ProviderName, Vip, VipId } from '../model/vip.ts';

export interface ProviderTraits {
  readonly families: readonly (4 | 6)[];
  readonly scope: 'link' | 'subnet' | 'zone' | 'region' | 'any';
  /**
   * True where taking an address away from its present holder, who has it by a provider of the same name, is one atomic step
   * (cloud reassign): nobody is asked and nothing is waited for.
   */
  readonly atomicTakeover: boolean;
  /**
   * Longest time after the last `renew` for which an address may stay with a host whose agent is gone; absent: nothing
   * ends it, and whoever carries the VIP another way waits for 30 s.
   */
  readonly leaseBound?: Millis;
}

/** How to treat a possible earlier holder (DESIGN 6, "Which death was it?"). */
export type AcquireGuard =
  /** The earlier holder released, left, or its host is silent: put it up now. */
  | { readonly kind: 'at-once' }
  /**
   * The address may still be answered for: ask the link and acquire the moment it is silent.
   * Still answered at `until`: outcome `address-in-use`, naming who answers.
   */
  | { readonly kind: 'when-silent'; readonly until: Instant };

export interface AcquireRequest {
  readonly vip: Vip;
  readonly guard: AcquireGuard;
}

export type OutcomeCode =
  | 'ok'
  | 'aborted'
  | 'address-in-use'
  | 'interface-missing'
  | 'link-down'
  | 'permission'
  | 'limit'
  | 'unsupported'
  | 'lease-expired'
  | 'lost'
  | 'timeout'
  | 'failed';

/** The truth about one VIP after a call. */
export interface VipOutcome {
  readonly vip: VipId;
  readonly held: boolean;
  readonly code: OutcomeCode;
  /** For people: what was done or what is wrong, and how to mend it. */
  readonly reason: string;
}

/** Something changed that nobody asked for. */
export type ProviderEvent =
  /** An address we held is gone (another tool, interface deleted, lease expired). */
  | {
      readonly kind: 'lost';
      readonly vip: VipId;
      readonly reason: string;
      /** The guardian or the lease took it because this process was not well: everything else is in doubt too. */
      readonly fenced?: boolean;
    }
  /**
   * Something about the provider as a whole that an operator should mend; `reason` absent: it is over. `confined`: it makes nothing
   * unsafe and a restart of the agent would not mend it (an API that does not answer), so that the agent is not unwell for it.
   */
  | { readonly kind: 'trouble'; readonly reason: string | undefined; readonly confined?: boolean }
  /** Whether this host could carry the VIP now (carrier, interface present). Sent at start for every VIP that cannot. */
  | { readonly kind: 'fitness'; readonly vip: VipId; readonly fit: boolean; readonly reason: string }
  /**
   * How many addresses of a family this host can hold through the provider, those held included (an integer ≥ 0; a limit of
   * the platform); `slots` absent: as many as it likes, which is so until something else is said. Sent at start where there is
   * a limit, and when it changes.
   */
  | { readonly kind: 'slots'; readonly family: 4 | 6; readonly slots: number | undefined }
  /**
   * Neighbours on its links, for the providers of the other members; at most `KNOWN_NEIGHBOURS_MAX` an event, again and again while
   * they are there. `again` (ms, from 0 on; 0 unless given): for so long the others remember what they were told, and are not told it
   * again. Of built-in providers only: nothing of it leaves a provider's own thread.
   */
  | {
      readonly kind: 'neighbours';
      readonly neighbours: readonly KnownNeighbour[];
      readonly again?: Millis;
    };

/** One line of a rehearsal. */
export interface Check {
  readonly vip?: VipId;
  readonly what: string;
  readonly verdict: 'pass' | 'warn' | 'fail' | 'unknown';
  readonly detail: string;
  /** How to mend it; present unless `pass`. */
  readonly mend?: string;
  /** Of a check of room: addresses of each family that this host can hold through the provider; absent: no limit. */
  readonly slots4?: number;
  readonly slots6?: number;
}

/** What a running agent of this host knows, so that a rehearsal beside it takes nothing for a stranger's. */
export interface RehearsalContext {
  /** Held, or perhaps held, by that agent. */
  readonly here: readonly VipId[];
  /** Held by members on other hosts. */
  readonly elsewhere: readonly VipId[];
}

/** Where a provider finds itself, for those that mark what they hold as theirs. */
export interface ProviderPlace {
  readonly cluster: string;
  /** Name of this host's member. */
  readonly member: MemberName;
}

export interface Provider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  /**
   * Opens what it needs and sweeps leftovers of an earlier run that are marked as ours. Never swept is what `adopt` names: VIPs
   * that this agent holds or may hold, and whose provider broke under it and is started anew (`src/isolation`). Rejects with an
   * Error for a person.
   */
  start(
    vips: readonly Vip[],
    listener: (event: ProviderEvent) => void,
    adopt?: readonly Vip[],
  ): Promise<void>;
  /** The configured VIPs changed (reload). Addresses of VIPs that vanished are already released by the agent. */
  configure(vips: readonly Vip[]): void;
  /** The truth now, asked of the world and not remembered. */
  inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]>;
  acquire(
    requests: readonly AcquireRequest[],
    fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]>;
  release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]>;
  /** Prolongs the lease of what is held. Never puts an address back that is gone: that is outcome `lost` or `lease-expired`. */
  renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]>;
  /** Tells the neighbours again where the VIP is; nothing where the platform does that by itself. */
  announce(vips: readonly Vip[]): void;
  /** Told by another member: neighbours on its links, whole or in part, as a hint. Must return at once. */
  neighbours?(neighbours: readonly KnownNeighbour[]): void;
  /**
   * The agent is well. Called about every 200 ms by its loop, never while it is not; a provider with a guardian passes
   * it on. Must return at once.
   */
  tick?(): void;
  /** Rehearsal: changes nothing. Also asked of a provider that is not started. `context` absent: no agent runs here. */
  test(vips: readonly Vip[], signal: AbortSignal, context?: RehearsalContext): Promise<readonly Check[]>;
  /** Closes everything. Does not release: the agent has done that, or the lease and the guardian will. */
  stop(): Promise<void>;
}
