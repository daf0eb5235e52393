/** From what was seen of a VIP to what to do about it. Pure: the heart of taking and keeping. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import { CLUSTER_LABEL, type Claim, objectionTo } from './fence.ts';
import type { Piece, Refusal, Sight } from './sight.ts';

export type Verdict =
  | { readonly kind: 'ours' }
  | { readonly kind: 'take'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/** What to do to have the VIP under this claim. */
export function judge(vip: Vip, sight: Sight, claim: Claim): Verdict {
  const refusal = sight.refused.get(vip.id);
  if (refusal !== undefined) return { kind: 'refuse', refusal };
  const pieces = sight.pieces.get(vip.id) ?? [];
  for (const piece of pieces) {
    const reason = objectionToTaking(piece, claim);
    if (reason !== undefined) return { kind: 'refuse', refusal: { code: 'address-in-use', reason } };
  }
  const missing = pieces.filter(({ seen }) => seen.state !== 'ours');
  return missing.length === 0 ? { kind: 'ours' } : { kind: 'take', pieces: missing };
}

function objectionToTaking({ address, seen }: Piece, claim: Claim): string | undefined {
  if (seen.state !== 'theirs') return undefined;
  const { holder } = seen;
  if (!holder.member)
    return `${address} is with ${holder.words}, which is no member of this cluster: take it from there, or label that instance ${CLUSTER_LABEL}`;
  const objection = objectionTo(holder.shown, claim);
  return objection === undefined ? undefined : `${address} is with ${holder.words}, which ${objection}`;
}

/** The pieces of the VIP that lead here. */
export function oursOf(sight: Sight, vip: VipId): readonly Piece[] {
  return (sight.pieces.get(vip) ?? []).filter(({ seen }) => seen.state === 'ours');
}

export function isOurs(sight: Sight, vip: VipId): boolean {
  const pieces = sight.pieces.get(vip) ?? [];
  return pieces.length > 0 && pieces.every(({ seen }) => seen.state === 'ours');
}

/** For people: who has what of it. */
export function whoHas(sight: Sight, vip: VipId): string {
  const words = (sight.pieces.get(vip) ?? []).flatMap(({ address, seen }) => {
    if (seen.state === 'ours') return [];
    return [seen.state === 'free' ? `${address} is with nobody` : `${address} is with ${seen.holder.words}`];
  });
  return words.length === 0 ? 'it leads to this host' : words.join(', ');
}
