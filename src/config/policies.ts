/** Which policy a VIP has where nobody says: what has one interface for all parts of a split group is for one part alone. */
import type { PartitionPolicy, ProviderName } from '../model/vip.ts';
import { DEFAULTS } from './defaults.ts';

/** Kinds of providers whose interface is reached from every part of a split group. */
export const CLOUD_KINDS: ReadonlySet<string> = new Set(['aws', 'gcp']);

/**
 * `primary` if a cloud may carry it, `component` otherwise. A provider that this file does not have counts by its name, so that
 * all members say alike.
 */
export function defaultPolicy(
  providers: readonly ProviderName[],
  kinds: Readonly<Record<ProviderName, { readonly kind: string }>>,
): PartitionPolicy {
  const kindOf = (name: ProviderName) => (Object.hasOwn(kinds, name) ? kinds[name]!.kind : name);
  return providers.some((name) => CLOUD_KINDS.has(kindOf(name))) ? 'primary' : DEFAULTS.policy;
}
