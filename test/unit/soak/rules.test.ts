import { describe, expect, it } from 'vitest';
import { boundsOf } from '../../soak/bounds.ts';
import { judge, WARM_UP } from '../../soak/rules.ts';
import type { Sample, Timeline } from '../../soak/timeline.ts';

const BOUNDS = { unserved: 8000, merge: 3000, lease: 4000, calm: 20_000 };

function timeline(part: Partial<Timeline> = {}): Timeline {
  return {
    length: 600_000,
    hosts: ['a', 'b', 'c'],
    vips: [{ id: 'vip-1', address: '10.77.0.101' }],
    strikes: [],
    events: [],
    merges: [],
    holds: [],
    duplicates: [],
    outages: [],
    stalls: [],
    samples: [],
    complaints: [],
    ...part,
  };
}

const broken = (part: Partial<Timeline>) =>
  judge(timeline(part), BOUNDS).breaches.map(({ rule, at }) => `${rule} at ${at}`);
const doubled = (from: number, to: number) => [
  { address: '10.77.0.101', hosts: ['a', 'b'] as const, from, to },
];
const missed = (from: number, to: number) => [{ address: '10.77.0.101', from, to }];

describe('never two', () => {
  it.each<{
    what: string;
    duplicate: readonly [number, number];
    merges?: Timeline['merges'];
    breaches: string[];
  }>([
    {
      what: 'two hosts hold one VIP though nothing came back',
      duplicate: [5000, 5050],
      breaches: ['never two at 5000'],
    },
    { what: 'shorter than anybody can tell', duplicate: [5000, 5001], breaches: [] },
    {
      what: 'after two halves met',
      duplicate: [5000, 7900],
      merges: [{ from: 5000, to: 5000 }],
      breaches: [],
    },
    {
      what: 'too long after two halves met',
      duplicate: [5000, 8100],
      merges: [{ from: 5000, to: 5000 }],
      breaches: ['never two at 8000'],
    },
    {
      what: 'before two halves met',
      duplicate: [4000, 5100],
      merges: [{ from: 5000, to: 5000 }],
      breaches: ['never two at 4000'],
    },
    {
      what: 'while frames are lost, and after it',
      duplicate: [5000, 22_900],
      merges: [{ from: 4000, to: 20_000 }],
      breaches: [],
    },
    {
      what: 'long after frames were lost',
      duplicate: [5000, 23_100],
      merges: [{ from: 4000, to: 20_000 }],
      breaches: ['never two at 23000'],
    },
  ])('$what: $breaches', ({ duplicate: [from, to], merges = [], breaches }) => {
    expect(broken({ duplicates: doubled(from, to), merges })).toEqual(breaches);
  });
});

describe('always one', () => {
  it.each<{
    what: string;
    outage: readonly [number, number];
    events?: number[];
    stalls?: Timeline['stalls'];
    breaches: string[];
  }>([
    { what: 'an outage within the bound', outage: [1000, 8900], breaches: [] },
    { what: 'one beyond it', outage: [1000, 9100], breaches: ['always one at 1000'] },
    {
      what: 'one that began again with what happened in it',
      outage: [1000, 16_000],
      events: [8500],
      breaches: [],
    },
    {
      what: 'one that lasts too long after the last thing that happened',
      outage: [1000, 17_000],
      events: [8500],
      breaches: ['always one at 8500'],
    },
    {
      what: 'what happens elsewhere does not count',
      outage: [1000, 9100],
      events: [500, 9500],
      breaches: ['always one at 1000'],
    },
    {
      what: 'one in which the client itself slept',
      outage: [1000, 12_000],
      stalls: [{ from: 4000, to: 8000 }],
      breaches: [],
    },
  ])('$what: $breaches', ({ outage: [from, to], events = [], stalls = [], breaches }) => {
    expect(broken({ outages: missed(from, to), events, stalls })).toEqual(breaches);
  });
});

describe('never grows', () => {
  const life = (sizes: readonly number[], part: Partial<Sample> = {}) =>
    sizes.map(
      (rss, index): Sample => ({
        at: (index * WARM_UP) / 4,
        host: 'a',
        pid: 7,
        role: 'agent',
        rss,
        pss: 10,
        fds: 20,
        threads: 3,
        ...part,
      }),
    );
  const level = (warm: readonly number[]) => [5, 5, 5, 5, ...warm];

  it.each<{ what: string; samples: readonly Sample[]; breaches: number }>([
    {
      what: 'flat',
      samples: life(level([100_000, 101_000, 99_000, 100_000, 104_000, 101_000])),
      breaches: 0,
    },
    {
      what: 'growing',
      samples: life(level([100_000, 101_000, 102_000, 104_000, 106_000, 108_000])),
      breaches: 1,
    },
    { what: 'some pages', samples: life(level([600, 620, 640, 660, 680, 700])), breaches: 0 },
    {
      what: 'one peak',
      samples: life(level([100_000, 100_000, 180_000, 100_000, 100_000, 100_000])),
      breaches: 0,
    },
    { what: 'shrinking', samples: life(level([100, 90, 80, 70, 60, 50])), breaches: 0 },
    {
      what: 'descriptors',
      samples: life(level([1, 1, 1, 1, 1, 1])).map((sample, index) => ({
        ...sample,
        rss: 1,
        fds: 20 + index,
      })),
      breaches: 1,
    },
    {
      what: 'another process under the same name',
      samples: [...life(level([100, 100, 100])), ...life(level([90_000, 90_000, 90_000]), { pid: 8 })],
      breaches: 0,
    },
  ])('$what', ({ samples, breaches }) => {
    expect(judge(timeline({ samples }), BOUNDS).breaches).toHaveLength(breaches);
  });

  it('says when nothing lived long enough to be judged', () => {
    expect(judge(timeline({ samples: life([1, 2, 3]) }), BOUNDS).notJudged).toHaveLength(1);
    expect(judge(timeline({ samples: life(level([1, 1, 1, 1, 1, 1])) }), BOUNDS).notJudged).toEqual([]);
  });
});

it('complaints of the player are breaches, in order of time', () => {
  const complaints = [{ at: 9000, rule: 'alive' as const, what: 'the agent on b ended' }];
  expect(broken({ complaints, duplicates: doubled(5000, 6000) })).toEqual([
    'never two at 5000',
    'alive at 9000',
  ]);
});

it('the bounds follow the timers of the profile', () => {
  const [lan, fast] = [boundsOf('lan'), boundsOf('fast')];
  expect(lan).toEqual({ unserved: 8340, merge: 3340, lease: 4000, calm: 20_540 });
  expect(fast.unserved).toBeLessThan(lan.unserved);
});
