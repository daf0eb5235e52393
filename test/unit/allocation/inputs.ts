/** Inputs of the allocator, and what it should make of them, found the long way. */
import fc from 'fast-check';
import { type AllocationInput, type Candidate, isEligible } from '../../../src/allocation/allocate.ts';
import type { Limit } from '../../../src/allocation/room.ts';
import { type MemberId, memberId, nameOf } from '../../../src/model/member.ts';
import type { Vip, VipId } from '../../../src/model/vip.ts';
import { vip } from '../agent/config.ts';

export const id = (name: string): MemberId => memberId(name, '0000000000000001');

export function candidate(name: string, overrides: Partial<Candidate> = {}): Candidate {
  return { member: id(name), capacity: 1, excluded: new Map(), ...overrides };
}

export function input(overrides: Partial<AllocationInput>): AllocationInput {
  return { candidates: [], vips: [], holders: new Map(), pins: new Map(), ...overrides };
}

/**
 * The same rules, written for being read and not for speed: recomputes every load for every choice. Undefined where somebody
 * would have to make room.
 */
export function twin({
  candidates,
  vips: list,
  holders,
  pins,
}: AllocationInput): Map<VipId, MemberId | undefined> | undefined {
  const result = new Map<VipId, MemberId | undefined>();
  const given = (c: Candidate) => list.filter((v) => result.get(v.id) === c.member);
  const load = (c: Candidate) => given(c).reduce((sum, v) => sum + v.weight, 0);
  const hasRoom = (c: Candidate, v: Vip) =>
    (c.limits ?? []).every(({ slots, costs }) => {
      const cost = (one: Vip) => costs.get(one.id) ?? 0;
      return cost(v) === 0 || given(c).reduce((sum, one) => sum + cost(one), cost(v)) <= slots;
    });
  const able = (v: Vip) => candidates.filter((c) => isEligible(c, v.id) && hasRoom(c, v));
  const zoneOf = (member: MemberId | undefined) => candidates.find((c) => c.member === member)?.zone;
  const companions = (c: Candidate, v: Vip) =>
    list.filter(
      (one) =>
        v.constraints?.spread !== undefined &&
        one.constraints?.spread === v.constraints.spread &&
        result.get(one.id) !== undefined &&
        zoneOf(result.get(one.id)) === c.zone,
    ).length;
  const pinnedTo = (v: Vip) => able(v).find((c) => nameOf(c.member) === pins.get(v.id));
  const keeperOf = (v: Vip) => {
    const held = able(v).filter((c) => holders.get(v.id)?.includes(c.member));
    const wanted = v.prefer
      .map((name) => held.find((c) => nameOf(c.member) === name))
      .find((c) => c !== undefined);
    const earliest = (holders.get(v.id) ?? [])
      .map((m) => held.find((c) => c.member === m))
      .find((c) => c !== undefined);
    return wanted ?? earliest;
  };
  const moved: Vip[] = [];
  for (const v of list) {
    const pinned = pinnedTo(v);
    const stays = pinned === undefined || holders.get(v.id)?.includes(pinned.member) === true;
    const keeper = stays ? (pinned ?? keeperOf(v)) : undefined;
    if (keeper) result.set(v.id, keeper.member);
    else moved.push(v);
  }
  const rest: Vip[] = [];
  for (const v of moved) {
    const place = pinnedTo(v) ?? keeperOf(v);
    if (place) result.set(v.id, place.member);
    else rest.push(v);
  }
  for (const v of rest.sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))) {
    const preferred = v.prefer
      .map((name) => able(v).find((c) => nameOf(c.member) === name))
      .find((c) => c !== undefined);
    const sorted = able(v).sort((a, b) => {
      const difference = (load(a) + v.weight) * b.capacity - (load(b) + v.weight) * a.capacity;
      return difference || companions(a, v) - companions(b, v) || (a.member < b.member ? -1 : 1);
    });
    const full = candidates.some((c) => isEligible(c, v.id));
    if (sorted[0] === undefined && full) return undefined;
    result.set(v.id, (preferred ?? sorted[0])?.member);
  }
  return result;
}

/** One provider with so many slots, of which each VIP takes one. */
export function limitOf(slots: number, list: readonly Vip[]): Limit {
  return { what: 'IPv4 addresses by aws', slots, costs: new Map(list.map((v) => [v.id, 1])) };
}

/** How many VIPs can be served at most, found by trying everything. */
export function mostServed(
  { candidates, vips: list }: AllocationInput,
  fixed: ReadonlyMap<VipId, MemberId>,
): number {
  const room = new Map(
    candidates.map((c) => [c.member, c.limits?.[0]?.slots ?? Number.POSITIVE_INFINITY] as const),
  );
  const free = list.filter((v) => !fixed.has(v.id));
  for (const member of fixed.values()) room.set(member, (room.get(member) ?? 0) - 1);
  const tried = new Map<string, number>();
  const most = (at: number): number => {
    const v = free[at];
    if (v === undefined) return 0;
    const key = `${at} ${[...room.values()].join(' ')}`;
    const known = tried.get(key);
    if (known !== undefined) return known;
    let best = most(at + 1);
    for (const c of candidates) {
      const left = room.get(c.member) ?? 0;
      if (left < 1 || !isEligible(c, v.id)) continue;
      room.set(c.member, left - 1);
      best = Math.max(best, 1 + most(at + 1));
      room.set(c.member, left);
    }
    tried.set(key, best);
    return best;
  };
  return fixed.size + most(0);
}

export const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Any input with up to 6 members and 12 VIPs, all rules in play. */
export const anyInput: fc.Arbitrary<AllocationInput> = fc
  .record({
    members: fc.shuffledSubarray(NAMES, { minLength: 0 }),
    capacities: fc.array(fc.constantFrom(0, 1, 1, 1, 2, 3), { minLength: 6, maxLength: 6 }),
    barred: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    zones: fc.array(fc.constantFrom('x', 'y', 'z', undefined), { minLength: 6, maxLength: 6 }),
    slots: fc.array(fc.option(fc.nat(4), { freq: 2, nil: undefined }), { minLength: 6, maxLength: 6 }),
    vips: fc.array(
      fc.record({
        spread: fc.constantFrom(undefined, undefined, 's', 't'),
        weight: fc.constantFrom(1, 1, 1, 2, 5),
        prefer: fc.shuffledSubarray(NAMES, { maxLength: 2 }),
        excluded: fc.subarray(NAMES, { maxLength: 2 }),
        holders: fc.subarray(NAMES, { maxLength: 3 }),
        pin: fc.option(fc.constantFrom(...NAMES), { freq: 6, nil: undefined }),
      }),
      { maxLength: 12 },
    ),
  })
  .map(({ members, capacities, barred, zones, slots, vips: specs }) => {
    const list = specs.map(({ weight, prefer, spread }, i) =>
      vip(`v${String(i).padStart(2, '0')}`, {
        weight,
        prefer,
        ...(spread !== undefined && { constraints: { spread } }),
      }),
    );
    return {
      candidates: members.map((name) => {
        const index = NAMES.indexOf(name);
        const excluded = new Map(
          list.filter((_, i) => specs[i]?.excluded.includes(name)).map((v) => [v.id, 'unfit'] as const),
        );
        const zone = zones[index];
        const limit = slots[index];
        const base = {
          member: id(name),
          capacity: capacities[index] ?? 1,
          excluded,
          ...(zone !== undefined && { zone }),
          ...(limit !== undefined && { limits: [limitOf(limit, list)] }),
        };
        return barred[index] && index % 3 === 0 ? { ...base, barred: 'draining' } : base;
      }),
      vips: list,
      holders: new Map(
        list.map((v, i) => [v.id, members.filter((m) => specs[i]?.holders.includes(m)).map(id)]),
      ),
      pins: new Map(list.flatMap((v, i) => (specs[i]?.pin ? [[v.id, specs[i].pin] as const] : []))),
    };
  });
