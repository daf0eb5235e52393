/** A short text that is equal on two members if, and in practice only if, what must be equal in their files is. */
import { compareIds, sortedIds } from '../model/order.ts';
import type { Constraints, Vip } from '../model/vip.ts';
import { sha256Hex } from './sha256.ts';

export interface DigestInput {
  readonly cluster: string;
  readonly vips: readonly Vip[];
  readonly votes: Readonly<Record<string, number>>;
  /** Effective sum; absent where it is not known. */
  readonly expectedVotes: number | undefined;
}

/**
 * First 16 hexadecimal digits of the SHA-256 of a canonical text. Left out is what may differ from host to host:
 * interfaces, providers, capacity, timers, paths.
 */
export function digestOf({ cluster, vips, votes, expectedVotes }: DigestInput): string {
  const canonical = [
    'wackamole-config-1',
    cluster,
    vips.map((vip) => [
      vip.id,
      vip.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      vip.prefer,
      vip.weight,
      vip.policy,
      // As it always was where there are none, so that older releases say the same.
      ...(vip.constraints === undefined ? [] : [constraintsOf(vip.constraints)]),
    ]),
    Object.entries(votes)
      .filter(([, count]) => count !== 1)
      .sort(([a], [b]) => compareIds(a, b)),
    expectedVotes ?? null,
  ];
  return sha256Hex(JSON.stringify(canonical)).slice(0, 16);
}

function constraintsOf({ zones, tags, spread }: Constraints): unknown {
  return [
    zones === undefined ? null : sortedIds(zones),
    Object.entries(tags ?? {}).sort(([a], [b]) => compareIds(a, b)),
    spread ?? null,
  ];
}
