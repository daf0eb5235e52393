import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRequest, decodeResponse, encodeLine } from '../../../src/control/codec.ts';
import { LineSplitter } from '../../../src/control/lines.ts';
import type { ControlRequest } from '../../../src/control/messages.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('decodeRequest', () => {
  test.each<ControlRequest>([
    { kind: 'status' },
    { kind: 'watch' },
    { kind: 'reload' },
    { kind: 'command', command: { kind: 'drain', member: 'a' } },
    { kind: 'command', command: { kind: 'undrain', member: 'a.b-c_1' } },
    { kind: 'command', command: { kind: 'move', vip: 'web:1', to: 'b' } },
    { kind: 'command', command: { kind: 'rebalance' } },
  ])('reads what encodeLine writes: %j', (request) => {
    expect(decodeRequest(bytes(encodeLine(request).trimEnd()))).toEqual({ ok: true, request });
  });

  test.each([
    ['{', 'not a line of JSON'],
    ['[]', 'not a JSON object'],
    ['{"kind":"halt"}', 'unknown kind "halt"'],
    ['{"kind":"status","now":true}', 'unknown key "now"'],
    ['{"kind":"command"}', '`command` is not a JSON object'],
    ['{"kind":"command","command":{"kind":"stop"}}', 'unknown command "stop"'],
    ['{"kind":"command","command":{"kind":"drain"}}', '`member` of drain is not a member name: nothing'],
    ['{"kind":"command","command":{"kind":"drain","member":"../a"}}', 'not a member name'],
    ['{"kind":"command","command":{"kind":"move","vip":"","to":"a"}}', '`vip` of move'],
    ['{"kind":"command","command":{"kind":"move","vip":"x","to":7}}', '`to` of move'],
    ['{"kind":"command","command":{"kind":"rebalance","hard":1}}', 'unknown key "hard"'],
  ])('refuses %s: %s', (line, message) => {
    expect(decodeRequest(bytes(line))).toMatchObject({
      ok: false,
      message: expect.stringContaining(message),
    });
  });

  test('refuses what is not UTF-8', () => {
    expect(decodeRequest(new Uint8Array([0x22, 0xff, 0x22])).ok).toBe(false);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        decodeRequest(bytes(text));
        decodeResponse(bytes(text));
      }),
    );
  });
});

describe('LineSplitter', () => {
  test('finds the same lines however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{0,9}$/)), fc.array(fc.nat(12)), (lines, cuts) => {
        const stream = bytes(lines.map((line) => `${line}\n`).join(''));
        const splitter = new LineSplitter(100);
        const found: string[] = [];
        let start = 0;
        for (const size of [...cuts, stream.length]) {
          const complete = splitter.push(stream.subarray(start, start + size));
          if (complete !== 'overflow') found.push(...complete.map((line) => new TextDecoder().decode(line)));
          start += size;
        }
        expect(found).toEqual(lines);
      }),
    );
  });

  test('says overflow for a line longer than its bound, with or without an end', () => {
    expect(new LineSplitter(4).push(bytes('abcd\n'))).toHaveLength(1);
    expect(new LineSplitter(4).push(bytes('abcde\n'))).toBe('overflow');
    const splitter = new LineSplitter(4);
    expect(splitter.push(bytes('abc'))).toEqual([]);
    expect(splitter.push(bytes('de'))).toBe('overflow');
  });
});
