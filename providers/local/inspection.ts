/** Says what of a VIP stands on this host, in words for an operator. Pure. */
import type { InterfaceTable } from '../../src/platform/interface-watch.ts';
import type { InterfaceAddress } from '../../src/platform/rtnetlink-codec.ts';
import type { OutcomeCode } from '../../src/provider/provider.ts';
import type { Snapshot } from './address-book.ts';
import { isMarked, type Placement } from './placement.ts';

export interface Evidence {
  readonly snapshot: Snapshot;
  readonly interfaces: Pick<InterfaceTable, 'byIndex'>;
  /** Whether this run of ours put it up. */
  readonly expected: boolean;
  /** Whether the guardian runs. */
  readonly guarded: boolean;
}

/** `held` as soon as a single address is in place: it may be answered for. */
export function describe(
  placements: readonly Placement[],
  evidence: Evidence,
): { held: boolean; code: OutcomeCode; reason: string } {
  const found = placements.map(({ address }) => evidence.snapshot.withAddress(address));
  const missing = placements.filter((_, at) => found[at]?.length === 0).map(({ address }) => address);
  if (missing.length === placements.length) {
    return evidence.expected
      ? { held: false, code: 'lost', reason: 'its address is gone from the interface' }
      : { held: false, code: 'ok', reason: 'is not here' };
  }
  const where = found.flat().map((address) => standingText(address, evidence));
  if (missing.length > 0) {
    return { held: true, code: 'failed', reason: `${where.join(', ')}; missing: ${missing.join(', ')}` };
  }
  if (evidence.expected) {
    const unguarded = evidence.guarded
      ? ''
      : '; the guardian is being started again, until then the lease alone guards it';
    return { held: true, code: 'ok', reason: where.join(', ') + unguarded };
  }
  return { held: true, code: 'ok', reason: `${where.join(', ')}; not acquired by this agent` };
}

function standingText(address: InterfaceAddress, evidence: Evidence): string {
  const on =
    evidence.interfaces.byIndex(address.interfaceIndex)?.name ?? `interface ${address.interfaceIndex}`;
  const lease =
    address.validSeconds === undefined ? 'without a lease' : `leased for ${address.validSeconds} s`;
  const origin = isMarked(address) ? '' : ', set by another tool';
  return `${address.address}/${address.prefixLength} on ${on} ${lease}${origin}`;
}
