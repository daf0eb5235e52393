import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/allocation/allocate.ts';
import { passOverImpaired } from '../../../src/allocation/impairment.ts';
import { type Impairment, impairmentFor, LAST_RESORT } from '../../../src/model/health.ts';
import { memberId } from '../../../src/model/member.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => memberId(name, '0'.repeat(16))) as [never, never, never];
const candidate = (member: never, changes: Partial<Candidate> = {}): Candidate => ({
  member,
  capacity: 1,
  excluded: new Map(),
  ...changes,
});
const unfit: Impairment = { penalty: LAST_RESORT, reason: 'check web: exit status 1' };
const lower: Impairment = { penalty: 10, reason: 'check db: slow' };

function excludedFor(
  vip: string,
  candidates: readonly Candidate[],
  impaired: readonly (readonly [never, readonly Impairment[]])[],
): Record<string, string> {
  const result = passOverImpaired(candidates, { vips: ['v1', 'v2'], impaired: new Map(impaired) });
  return Object.fromEntries(
    result.flatMap(({ member, excluded }) =>
      excluded.has(vip) ? [[member.slice(0, 1), excluded.get(vip)!]] : [],
    ),
  );
}

describe('impaired members', () => {
  const all = [candidate(a), candidate(b), candidate(c)];

  it('are passed over where somebody is better off', () => {
    expect(excludedFor('v1', all, [[a, [unfit]]])).toEqual({ a: unfit.reason });
    expect(
      excludedFor('v1', all, [
        [a, [unfit]],
        [b, [lower]],
      ]),
    ).toEqual({ a: unfit.reason, b: lower.reason });
  });

  it('serve where all are impaired alike, and the least where not', () => {
    const failing = [a, b, c].map((member) => [member, [unfit]] as const);
    expect(excludedFor('v1', all, failing)).toEqual({});
    expect(
      excludedFor('v1', all, [
        [a, [unfit]],
        [b, [unfit]],
        [c, [lower]],
      ]),
    ).toEqual({ a: unfit.reason, b: unfit.reason });
  });

  it('are not measured against those that could not serve anyway', () => {
    const others = [candidate(b, { barred: 'draining' }), candidate(c, { capacity: 0 })];
    expect(excludedFor('v1', [candidate(a), ...others], [[a, [unfit]]])).toEqual({});
    const unable = candidate(b, { excluded: new Map([['v1', 'no carrier']]) });
    expect(excludedFor('v1', [candidate(a), unable], [[a, [unfit]]])).toEqual({ b: 'no carrier' });
    expect(excludedFor('v2', [candidate(a), unable], [[a, [unfit]]])).toEqual({ a: unfit.reason });
  });

  it('are so for the VIPs their checks concern alone', () => {
    const only = { ...unfit, vips: ['v2'] };
    expect(excludedFor('v1', all, [[a, [only]]])).toEqual({});
    expect(excludedFor('v2', all, [[a, [only]]])).toEqual({ a: unfit.reason });
  });

  it('add up their penalties, but how many checks make unfit is no measure', () => {
    expect(impairmentFor([lower, lower], 'v1')?.penalty).toBe(20);
    expect(impairmentFor([unfit, unfit], 'v1')?.penalty).toBe(LAST_RESORT);
    expect(impairmentFor([unfit, lower], 'v1')).toEqual({
      penalty: LAST_RESORT + 10,
      reason: `${unfit.reason}; ${lower.reason}`,
    });
  });

  it('leave everything as it is where nobody is impaired', () => {
    expect(passOverImpaired(all, { vips: ['v1'], impaired: new Map([[a, []]]) })).toBe(all);
  });
});
