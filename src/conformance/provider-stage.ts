/** A provider on a stage: started, watched, and taken down again whatever happened. */
import type { Vip } from '../model/vip.ts';
import type { AcquireRequest, Provider, ProviderEvent, VipOutcome } from '../provider/provider.ts';
import { mustEqual } from './expectations.ts';
import { monotonicNow } from './timing.ts';

/** A provider that is not started yet, and hands on the world around it. */
export interface ProviderStage {
  readonly provider: Provider;
  /** At least three that this host can carry, one of them of several addresses; fewer where it cannot carry as many. Nobody holds them. */
  readonly vips: readonly Vip[];
  /** Takes the VIP's addresses away as another tool would. Absent: cannot happen. */
  remove?(vip: Vip): Promise<void>;
  /** Somebody else answers for the VIP until the returned function is called. Absent: the provider is never asked to wait. */
  occupy?(vip: Vip): Promise<() => Promise<void>>;
  /** This host can carry the VIP no more, until the returned function is called. Absent: it always can. */
  cripple?(vip: Vip): Promise<() => Promise<void>>;
  end(): Promise<void>;
}

/** What a case plays with. */
export interface Played {
  readonly stage: ProviderStage;
  readonly provider: Provider;
  readonly vips: readonly Vip[];
  /** What the provider told since it was started. */
  readonly events: ProviderEvent[];
  readonly take: (some?: readonly Vip[]) => Promise<readonly VipOutcome[]>;
  readonly inspect: () => Promise<readonly VipOutcome[]>;
  readonly heldIds: () => Promise<readonly string[]>;
}

export const SIGNAL = new AbortController().signal;

export async function openStage(open: () => Promise<ProviderStage>): Promise<Played> {
  const stage = await open();
  const { provider, vips } = stage;
  const events: ProviderEvent[] = [];
  const inspect = () => provider.inspect(vips, SIGNAL);
  try {
    await provider.start(vips, (event) => events.push(event));
  } catch (error) {
    await provider.stop();
    await stage.end();
    throw error;
  }
  return {
    stage,
    provider,
    vips,
    events,
    inspect,
    take: (some = vips) => provider.acquire(atOnce(some), 1, SIGNAL),
    heldIds: async () => (await inspect()).filter(({ held }) => held).map(({ vip }) => vip),
  };
}

export async function closeStage({ stage, provider, vips }: Played): Promise<void> {
  try {
    await provider.release(vips, SIGNAL);
    await provider.stop();
  } finally {
    await stage.end();
  }
}

export function atOnce(vips: readonly Vip[]): AcquireRequest[] {
  return vips.map((vip) => ({ vip, guard: { kind: 'at-once' } }));
}

export function whenSilent(vips: readonly Vip[], within: number): AcquireRequest[] {
  const until = monotonicNow() + within;
  return vips.map((vip) => ({ vip, guard: { kind: 'when-silent', until } }));
}

/** An answer names each VIP exactly once. */
export function mustNameEachOnce(outcomes: readonly VipOutcome[], vips: readonly Vip[], call: string): void {
  const named = outcomes.map(({ vip }) => vip).sort();
  mustEqual(named, vips.map(({ id }) => id).sort(), `the VIPs that the answer of ${call} names`);
}
