import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsOf, hasBit, placesOf } from '../../../src/membership/places.ts';

const incarnations = fc.uniqueArray(fc.stringMatching(/^[0-9a-f]{16}$/), { maxLength: 120, size: 'max' });

describe('places', () => {
  it('bits say of everybody known whether it is in a list, beyond the first word too, and nothing of strangers', () => {
    fc.assert(
      fc.property(incarnations, incarnations, fc.integer({ min: 1, max: 7 }), (known, strangers, step) => {
        const places = placesOf([...known, ...known]);
        const list = known.filter((_, index) => index % step === 0);
        const bits = bitsOf([...list, ...strangers.filter((one) => !known.includes(one))], places);
        for (const one of known) expect(hasBit(bits, places.get(one)!)).toBe(list.includes(one));
        expect(hasBit(bits, places.size)).toBe(false);
      }),
    );
  });
});
