/** What must hold for a soak, one function a rule. Pure: a timeline in, what broke out. */
import type { Bounds } from './bounds.ts';
import type { Sample, Timeline } from './timeline.ts';

export interface Breach {
  readonly rule: string;
  readonly at: number;
  readonly what: string;
}

export interface Verdict {
  readonly breaches: readonly Breach[];
  /** Rules that had nothing to judge, and why: a short soak cannot say whether memory grows. */
  readonly notJudged: readonly string[];
}

/** Shorter than this is within what the observers can tell apart, ms. */
const RESOLUTION = 1;
/** What lived through may grow by this part between the first and the last third of its samples. */
const GROWTH_MAX = 0.05;
/** Kibibytes that say nothing: whose shared pages count how much depends on who else runs. */
const NOISE = { rss: 256, pss: 256, fds: 0 } as const;
/** Before this a process is still warming up, ms: an engine remembers members it has lost for ten minutes. */
export const WARM_UP = 660_000;
const SAMPLES_MIN = 6;

interface Span {
  readonly from: number;
  readonly to: number;
}

export function judge(timeline: Timeline, bounds: Bounds): Verdict {
  const growth = neverGrows(timeline);
  const breaches = [
    ...neverTwo(timeline, bounds),
    ...alwaysOne(timeline, bounds),
    ...timeline.complaints,
    ...growth.breaches,
  ].sort((a, b) => a.at - b.at);
  return { breaches, notJudged: growth.notJudged };
}

/** Two connected hosts hold one VIP, outside the grace after they met. */
export function neverTwo({ duplicates, merges }: Timeline, bounds: Bounds): Breach[] {
  const graces = merges.map(({ from, to }) => ({ from, to: to + bounds.merge }));
  return duplicates.flatMap(({ address, hosts, from, to }) => {
    const [worst] = longestFirst(without({ from, to }, graces));
    if (worst === undefined || worst.to - worst.from <= RESOLUTION) return [];
    const length = (worst.to - worst.from).toFixed(1);
    return [
      {
        rule: 'never two',
        at: worst.from,
        what: `${address} was on ${hosts.join(' and ')} for ${length} ms`,
      },
    ];
  });
}

/** A VIP answers no client for longer than the bound, though nothing happened meanwhile. */
export function alwaysOne({ outages, events, stalls }: Timeline, bounds: Bounds): Breach[] {
  return outages.flatMap((outage) => {
    const pieces = cutAt(outage, events).flatMap((piece) => without(piece, stalls));
    const [worst] = longestFirst(pieces);
    if (worst === undefined || worst.to - worst.from <= bounds.unserved) return [];
    const length = (worst.to - worst.from).toFixed(0);
    const what = `${outage.address} did not answer for ${length} ms though nothing happened; at most ${bounds.unserved} ms`;
    return [{ rule: 'always one', at: worst.from, what }];
  });
}

/** Memory and descriptors of each process that lived long enough stay as they are. */
export function neverGrows({ samples }: Timeline): Verdict {
  const breaches: Breach[] = [];
  let judged = 0;
  for (const life of livesOf(samples)) {
    const first = life[0]!;
    const warm = life.filter(({ at }) => at - first.at >= WARM_UP);
    if (warm.length < SAMPLES_MIN) continue;
    judged += 1;
    for (const measure of ['rss', 'pss', 'fds'] as const) breaches.push(...grown(warm, measure));
  }
  const why = `growth: no process lived for ${WARM_UP / 1000} s and ${SAMPLES_MIN} calm moments more`;
  return { breaches, notJudged: judged > 0 ? [] : [why] };
}

function grown(life: readonly Sample[], measure: 'rss' | 'pss' | 'fds'): Breach[] {
  const third = Math.floor(life.length / 3);
  const before = median(life.slice(0, third).map((sample) => sample[measure]));
  const after = median(life.slice(-third).map((sample) => sample[measure]));
  if (after <= before * (1 + GROWTH_MAX) + NOISE[measure]) return [];
  const { host, role, pid, at } = life.at(-1)!;
  const percent = ((after / before - 1) * 100).toFixed(1);
  const what = `${measure} of the ${role} on ${host} (process ${pid}) grew by ${percent} %: ${before} to ${after}`;
  return [{ rule: 'never grows', at, what }];
}

function livesOf(samples: readonly Sample[]): Sample[][] {
  const lives = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.host} ${sample.pid}`;
    lives.set(key, [...(lives.get(key) ?? []), sample]);
  }
  return [...lives.values()];
}

/** What is left of a span. */
function without(span: Span, holes: readonly Span[]): Span[] {
  let rest = [span];
  for (const hole of holes) {
    rest = rest.flatMap(({ from, to }) =>
      hole.to <= from || hole.from >= to
        ? [{ from, to }]
        : [
            { from, to: hole.from },
            { from: hole.to, to },
          ].filter((piece) => piece.to > piece.from),
    );
  }
  return rest;
}

function cutAt({ from, to }: Span, instants: readonly number[]): Span[] {
  const places = [from, ...instants.filter((at) => at > from && at < to).sort((a, b) => a - b), to];
  return places.slice(1).map((end, index) => ({ from: places[index]!, to: end }));
}

function longestFirst(spans: readonly Span[]): Span[] {
  return [...spans].sort((a, b) => b.to - b.from - (a.to - a.from));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
