import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { question, readAnswer } from '../../../../providers/exec/protocol.ts';
import { MEMORY_VIPS } from '../../../conformance/memory-vips.ts';

const place = { cluster: 'web', member: 'a' };
const VIPS = MEMORY_VIPS.slice(0, 1);
const [{ id }] = VIPS as [(typeof VIPS)[0]];
const vips = (entry: unknown) => JSON.stringify({ version: 1, vips: [entry] });

test('a VIP whose earlier holder may still answer says how long to ask', () => {
  const guards = new Map([[id, { kind: 'when-silent' as const, until: 1_500 }]]);
  const line = question({ verb: 'acquire', provider: 'x', place, vips: VIPS, guards, now: 1_000 });
  expect(JSON.parse(line)).toMatchObject({ vips: [{ id, when_silent_ms: 500 }] });
  expect(line.indexOf('\n')).toBe(line.length - 1);
});

describe('an answer', () => {
  test('that is right is read; what may be left out is', () => {
    expect(readAnswer('acquire', VIPS, vips({ id, held: true }))).toEqual({
      kind: 'vips',
      said: new Map([[id, { held: true, code: 'ok', reason: '' }]]),
      missing: [],
    });
    expect(readAnswer('announce', VIPS, ' \n')).toMatchObject({ kind: 'vips' });
  });

  test.each([
    ['', /answered nothing/],
    ['ok', /not one JSON text: "ok"/],
    ['{"version":1}\n{"version":1}', /not one JSON text/],
    ['[1]', /no JSON object/],
    ['{}', /version "nothing", and version 1/],
    ['{"version":2,"vips":[]}', /version "2", and version 1/],
    ['{"version":1}', /no list `vips`/],
    ['{"version":1,"unsupported":true}', /does not support acquire/],
    [vips(7), /no object/],
    [vips({ id: 'other', held: true }), /"other", which was not asked for/],
    [vips({ id, held: 'yes' }), /whether it is held/],
    [vips({ id, held: true, code: 'fine' }), /unknown code "fine"/],
    [vips({ id, held: true, reason: 3 }), /no text/],
    [vips({ id, held: true, fit: 'no' }), /neither true nor false/],
    [
      JSON.stringify({
        version: 1,
        vips: [
          { id, held: true },
          { id, held: false },
        ],
      }),
      /twice/,
    ],
  ])('%j is named for what it is', (text, says) => {
    const answer = readAnswer('acquire', VIPS, text);
    expect(answer).toMatchObject({ kind: 'garbage', problem: expect.stringMatching(says) });
  });

  test.each([
    ['{"version":1,"checks":{}}', /no list `checks`/],
    ['{"version":1,"checks":[{}]}', /what was checked/],
    ['{"version":1,"checks":[{"what":"x","verdict":"good"}]}', /verdict "good"/],
    ['{"version":1,"checks":[null]}', /what was checked/],
  ])('of a rehearsal: %j is named for what it is', (text, says) => {
    const answer = readAnswer('test', VIPS, text);
    expect(answer).toMatchObject({ kind: 'garbage', problem: expect.stringMatching(says) });
  });

  test('a check that did not pass always says how to mend it', () => {
    const text = '{"version":1,"checks":[{"what":"x","verdict":"fail","detail":{"toString":1}}]}';
    expect(readAnswer('test', VIPS, text)).toEqual({
      kind: 'checks',
      checks: [{ what: 'x', verdict: 'fail', detail: '', mend: 'the program does not say' }],
    });
  });

  test('of any JSON and any text is read without a throw', () => {
    const entry = fc.record({ id: fc.constantFrom<unknown>(id, '__proto__', 1), held: fc.jsonValue() });
    const shaped = fc
      .record({
        version: fc.constantFrom<unknown>(1, '1', null),
        vips: fc.array(entry),
        checks: fc.jsonValue(),
      })
      .map((value) => JSON.stringify(value));
    const text = fc.oneof(fc.string(), fc.json(), shaped);
    const verb = fc.constantFrom('acquire', 'renew', 'test', 'announce', 'inspect', 'release');
    fc.assert(
      fc.property(verb, text, (of, said) => {
        const answer = readAnswer(of, VIPS, said);
        if (answer.kind === 'garbage') expect(answer.problem.length).toBeLessThan(300);
        if (answer.kind === 'vips' && of !== 'announce')
          expect(answer.said.size + answer.missing.length).toBe(1);
      }),
      { numRuns: 300 },
    );
  });
});
