import { describe, expect, it } from 'vitest';
import { readAnswer, readEvent } from '../../../src/agent/provider-answers.ts';
import { vips } from './config.ts';

const [first] = vips(1);
const good = { vip: 'v1', held: true, code: 'ok', reason: 'put up' };

describe('an answer of a provider', () => {
  it('that keeps the contract is passed on as it is', () => {
    expect(readAnswer([first!], [good])).toEqual({ outcomes: [good], complaint: '' });
  });

  it.each<{ what: string; answer: unknown; outcome: object; says: RegExp }>([
    { what: 'misses a VIP', answer: [], outcome: { held: true, code: 'failed' }, says: /no outcome for v1/ },
    { what: 'is no list', answer: 'ok', outcome: { held: true, code: 'failed' }, says: /no list/ },
    {
      what: 'does not say whether it is held',
      answer: [{ ...good, held: 1 }],
      outcome: { held: true },
      says: /held/,
    },
    {
      what: 'names another VIP',
      answer: [good, { ...good, vip: 'x' }],
      outcome: good,
      says: /"x", which was not asked/,
    },
    {
      what: 'contradicts itself',
      answer: [{ ...good, held: false }, good],
      outcome: { held: true },
      says: /two outcomes for v1/,
    },
    {
      what: 'has an unknown code',
      answer: [{ ...good, code: 'great' }],
      outcome: { held: true, code: 'failed' },
      says: /^$/,
    },
    {
      what: 'is endless',
      answer: Object.assign([good], { length: 2 ** 32 - 1 }),
      outcome: good,
      says: /and 100 more|far more/,
    },
  ])('that $what: the safe reading, and why', ({ answer, outcome, says }) => {
    const read = readAnswer([first!], answer);
    expect(read.outcomes).toHaveLength(1);
    expect(read.outcomes[0]).toMatchObject(outcome);
    expect(read.complaint).toMatch(says);
  });

  it('is cut to what a message between agents may carry', () => {
    const { outcomes } = readAnswer([first!], [{ ...good, reason: 'x'.repeat(10_000) }]);
    expect(outcomes[0]!.reason).toHaveLength(500);
  });
});

it('an event about a VIP nobody knows would make our own reports unreadable: it is refused', () => {
  const event = { kind: 'fitness', vip: 'x'.repeat(200), fit: false, reason: 'no' };
  expect(readEvent(new Set(['v1']), event)).toMatch(/not configured/);
  expect(readEvent(new Set(['v1']), { ...event, vip: 'v1' })).toEqual({ ...event, vip: 'v1' });
});

it('the room of a provider is a count of one family, or no limit', () => {
  const event = { kind: 'slots', family: 4, slots: 3 };
  expect(readEvent(new Set(), event)).toEqual(event);
  expect(readEvent(new Set(), { kind: 'slots', family: 6 })).toEqual({
    kind: 'slots',
    family: 6,
    slots: undefined,
  });
  for (const wrong of [{ family: 5 }, { slots: -1 }, { slots: 1.5 }, { slots: '3' }, { slots: Number.NaN }])
    expect(readEvent(new Set(), { ...event, ...wrong })).toMatch(/^slots of/);
});

it('neighbours are told on only where each of them can be read', () => {
  const event = { kind: 'neighbours', neighbours: [['10.0.0.9', '02:00:00:00:00:09']] };
  expect(readEvent(new Set(), event)).toEqual(event);
  for (const wrong of [undefined, 'all', [['10.0.0.9', 'x']], Array(513).fill(event.neighbours[0])])
    expect(readEvent(new Set(), { ...event, neighbours: wrong })).toBe('neighbours that cannot be read');
  expect(readEvent(new Set(), { ...event, again: 7 })).toEqual({ ...event, again: 7 });
  for (const wrong of [-1, Number.NaN, 'soon'])
    expect(readEvent(new Set(), { ...event, again: wrong })).toMatch(/^neighbours without a time/);
});
