/** What an agent's main thread has in place of a provider, and of the watches that come with it. */
import type { Vip } from '../../model/vip.ts';
import type { AcquireRequest, VipOutcome } from '../../provider/provider.ts';
import type { Call } from './calls.ts';

export type Done = (outcomes: readonly VipOutcome[]) => void;

export interface SimulatedProvider {
  /** Sweeps what an earlier run left. */
  start(vips: readonly Vip[]): void;
  configure(vips: readonly Vip[]): void;
  acquire(
    requests: readonly AcquireRequest[],
    how: { readonly fence: number; readonly call: Call; readonly done: Done },
  ): void;
  release(vips: readonly Vip[], call: Call, done: Done): void;
  renew(vips: readonly Vip[], done: Done): void;
  tick(): void;
  /** The guardian had taken everything away. */
  fenced(): void;
  /** An address is gone from this host, and not by the agent's doing. */
  vanished(address: string): void;
  carrierChanged(): void;
  /** A new guardian was started. */
  guardianStarted(): void;
}
