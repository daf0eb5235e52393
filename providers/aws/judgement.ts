/** From what was seen of a VIP to what to do about it. Pure: the heart of taking and keeping. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import { type Claim, objectionTo } from './fence.ts';
import type { Mode, Piece, Planned, Refusal, Sight } from './sight.ts';

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
    const against = objectionToTaking(piece, claim);
    if (against !== undefined)
      return { kind: 'refuse', refusal: { code: 'address-in-use', reason: against } };
  }
  const missing = pieces.filter(({ seen }) => seen.state !== 'ours');
  return missing.length === 0 ? { kind: 'ours' } : { kind: 'take', pieces: missing };
}

function objectionToTaking({ address, seen }: Piece, claim: Claim): string | undefined {
  if (seen.state !== 'theirs') return undefined;
  const { holder } = seen;
  if (!holder.member)
    return `${address} is with ${holder.words}, which is no member of this cluster: take it from there, or tag that interface wackamole:cluster`;
  if (holder.gone === true) return undefined;
  const objection = objectionTo(holder.shown, claim);
  return objection === undefined ? undefined : `${address} is with ${holder.words}, which ${objection}`;
}

export interface TakePlan {
  readonly calls: readonly Planned[];
  readonly ours: readonly VipId[];
  readonly refused: ReadonlyMap<VipId, Refusal>;
  /** Pieces of refused VIPs that are ours already: a VIP is had whole or not at all. */
  readonly giveBack: readonly Piece[];
}

export interface TakeQuestion {
  readonly vips: readonly Vip[];
  readonly sight: Sight;
  readonly claimOf: (vip: VipId) => Claim;
  /** Asked for and granted, only not seen yet. */
  readonly granted: (piece: Piece) => boolean;
  /** Which pieces share no call with the rest, by key (`Parting`). */
  readonly apart: ReadonlyMap<string, number>;
}

export function planTake(mode: Mode, question: TakeQuestion): TakePlan {
  const { vips, sight, claimOf, granted, apart } = question;
  const ours: VipId[] = [];
  const refused = new Map<VipId, Refusal>();
  let wanted: Piece[] = [];
  for (const vip of vips) {
    const verdict = judge(vip, sight, claimOf(vip.id));
    if (verdict.kind === 'ours') ours.push(vip.id);
    else if (verdict.kind === 'refuse') refused.set(vip.id, verdict.refusal);
    else wanted.push(...verdict.pieces.filter((piece) => !granted(piece)));
  }
  let calls = mode.takeCalls(wanted, { sight, apart });
  // Whoever does not fit as a whole makes room for the others.
  for (;;) {
    const placed = new Set(calls.flatMap(({ pieces }) => pieces.map(({ key }) => key)));
    const left = wanted.find(({ key }) => !placed.has(key));
    if (left === undefined) break;
    const last = wanted.findLast(({ key }) => !placed.has(key))!;
    refused.set(last.vip, mode.noRoom?.(sight) ?? { code: 'limit', reason: 'there is no room for it' });
    wanted = wanted.filter(({ vip }) => vip !== last.vip);
    calls = mode.takeCalls(wanted, { sight, apart });
  }
  return { calls, ours, refused, giveBack: [...refused.keys()].flatMap((vip) => oursOf(sight, vip)) };
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
  const words = (sight.pieces.get(vip) ?? []).flatMap(({ address, register, seen }) => {
    const where =
      register === undefined || !register.startsWith('rtb-') ? address : `${address} in ${register}`;
    if (seen.state === 'ours') return [];
    return [seen.state === 'free' ? `${where} is with nobody` : `${where} is with ${seen.holder.words}`];
  });
  return words.length === 0 ? 'it leads to this host' : words.join(', ');
}
