import { describe, expect, it } from 'vitest';
import { logsAround } from '../../soak/logs.ts';
import { pictureOf } from '../../soak/picture.ts';
import { Random } from '../../soak/random.ts';
import { type Episode, FAULTS, type FaultKind, nextEpisode } from '../../soak/schedule.ts';
import type { Timeline } from '../../soak/timeline.ts';

const KINDS = Object.keys(FAULTS) as FaultKind[];
const HOSTS = ['a', 'b', 'c', 'd', 'e'];

function episodes(seed: number, count = 400): Episode[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => nextEpisode(random, { hosts: HOSTS, spared: 'a' }, KINDS));
}

describe('the schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(episodes(7)).toEqual(episodes(7));
    expect(episodes(8)).not.toEqual(episodes(7));
  });

  it('has every kind of fault, short and long ones, alone and two together', () => {
    const all = episodes(1);
    const faults = all.flatMap((episode) => episode.faults);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(KINDS));
    expect(new Set(all.map((episode) => episode.faults.length))).toEqual(new Set([1, 2]));
    expect(Math.min(...faults.map(({ length }) => length))).toBeLessThan(1000);
    expect(Math.max(...faults.map(({ length }) => length))).toBeGreaterThan(10_000);
  });

  it('spares the first host, leaves a host with the client, and never has two faults that mend each other', () => {
    for (const { faults } of episodes(2)) {
      const hosts = faults.flatMap((fault) => fault.hosts);
      expect(hosts).not.toContain('a');
      expect(new Set(hosts).size).toBe(hosts.length);
      const places = faults.map(({ kind }) => FAULTS[kind].place);
      expect(new Set(places).size).toBe(places.length);
      expect(places.filter((place) => place === 'fabric' || place === 'cable').length).toBeLessThan(2);
    }
  });
});

const TIMELINE: Timeline = {
  length: 180_000,
  hosts: ['a', 'b'],
  vips: [
    { id: 'vip-1', address: '10.77.0.101' },
    { id: 'vip-2', address: '10.77.0.102' },
  ],
  strikes: [
    {
      number: 1,
      kind: 'kill agent',
      hosts: ['b'],
      at: 60_000,
      mendedAt: 90_000,
      what: 'kill -9 the agent on b',
    },
    { number: 2, kind: 'rebalance', hosts: [], at: 120_000, what: 'rebalance <all>' },
  ],
  events: [],
  merges: [],
  holds: [{ address: '10.77.0.101', host: 'b', from: 0, to: 60_000 }],
  duplicates: [],
  outages: [{ address: '10.77.0.101', from: 60_000, to: 60_050 }],
  stalls: [],
  samples: [],
  complaints: [],
};

describe('the picture', () => {
  const breaches = [{ rule: 'never two', at: 61_000, what: 'a & b' }];
  const svg = pictureOf(TIMELINE, breaches, { title: 'Soak', subtitle: 'seed 1' });

  it('shows holds, faults, what was missed and what broke where they happened', () => {
    const plot = { left: 64, width: 1000 };
    const x = (at: number) => Math.round((plot.left + (at / 180_000) * plot.width) * 10) / 10;
    expect(svg).toContain(`<rect class="fault" x="${x(60_000)}"`);
    expect(svg).toMatch(new RegExp(`<rect class="missed" x="${x(60_000)}"[^>]*><title>vip-1: 50 ms`));
    expect(svg).toMatch(new RegExp(`<line class="breach" x1="${x(61_000)}"`));
    expect(svg).toMatch(/<rect x="64" y="\d+" width="333.3" height="3" fill="hsl/);
    for (const text of [
      'minutes since the start',
      '>Ka<',
      '>Rb<',
      'kill agent (1 time)',
      'prefers-color-scheme: dark',
    ])
      expect(svg).toContain(text);
  });

  it('is well-formed, with every text escaped', () => {
    expect(svg).toContain('rebalance &#60;all&#62;');
    const open = [...svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)].reduce<string[]>(
      (stack, [, close, name, empty]) => {
        if (close) expect(stack.pop()).toBe(name);
        else if (!empty) stack.push(name!);
        return stack;
      },
      [],
    );
    expect(open).toEqual([]);
  });
});

it('logs around an instant come in order of time, of all hosts', () => {
  const line = (time: string, text: string) => `{"level":"info","time":"${time}","msg":"${text}"}`;
  const logs = [
    {
      host: 'a',
      text: [
        line('2026-01-02T00:00:10.000Z', 'first'),
        'no JSON',
        line('2026-01-02T00:09:00.000Z', 'late'),
      ].join('\n'),
    },
    { host: 'b', text: line('2026-01-02T00:00:09.500Z', 'before') },
  ];
  const text = logsAround(logs, Date.parse('2026-01-02T00:00:10.200Z'));
  expect(text.split('\n').map((each) => each.slice(0, 14))).toEqual(['    -700 ms b:', '    -200 ms a:']);
  expect(text).not.toContain('late');
});
