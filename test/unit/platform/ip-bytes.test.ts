import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipBytes, ipText } from '../../../src/platform/ip-bytes.ts';

describe('IP addresses', () => {
  it.each([
    ['10.0.0.1', '0a000001', '10.0.0.1'],
    ['::', '00000000000000000000000000000000', '::'],
    ['::1', '00000000000000000000000000000001', '::1'],
    ['2001:DB8:0:0:1:0:0:5', '20010db8000000000001000000000005', '2001:db8::1:0:0:5'],
    ['2001:db8::', '20010db8000000000000000000000000', '2001:db8::'],
    // A single zero group is not shortened (RFC 5952 section 4.2.2).
    ['1:0:2:3:4:5:6:7', '00010000000200030004000500060007', '1:0:2:3:4:5:6:7'],
    ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203', '::ffff:10.1.2.3'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221'],
  ])('%s', (text, hex, canonical) => {
    expect(ipBytes(text).toString('hex')).toBe(hex);
    expect(ipText(ipBytes(text))).toBe(canonical);
  });

  it.each([
    ...['', '10.0.0', '10.0.0.256', '10.0.0.01', '00.0.0.1', '1.2.3.4.', '.1.2.3.4', '1..2.3', '1.2.3.4.5'],
    ...['1.2.3.0004', '1.2.3.+4', '1.2.3.4 ', 'fe80::1%eth0', '1::2::3', 'host'],
  ])('refuses %j', (text) => {
    expect(() => ipBytes(text)).toThrow(RangeError);
  });

  it('comes back from text as it was', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.array(fc.constantFrom(0, 0, 1, 0xffff, 0xabc), { minLength: 8, maxLength: 8 }).map((words) => {
        const all = Buffer.alloc(16);
        for (const [at, word] of words.entries()) all.writeUInt16BE(word, at * 2);
        return Uint8Array.from(all);
      }),
    );
    fc.assert(
      fc.property(bytes, (some) => {
        expect(Uint8Array.from(ipBytes(ipText(some)))).toEqual(some);
      }),
    );
  });

  it('has 4 or 16 bytes', () => {
    expect(() => ipText(new Uint8Array(6))).toThrow(/4 or 16/);
  });
});
