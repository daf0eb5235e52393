/**
 * A soak as a picture (SVG, nothing outside it): a row for each host with a lane for each VIP, coloured where it holds it; above them
 * what was done to whom; below, what a client missed. Readable on light and dark ground. Pure.
 */

import type { Breach } from './rules.ts';
import { FAULTS, type FaultKind } from './schedule.ts';
import type { Strike, Timeline } from './timeline.ts';

export interface Caption {
  readonly title: string;
  readonly subtitle: string;
}

const LEFT = 64;
const RIGHT = 24;
const TOP = 84;
const PLOT_MIN = 1000;
const PLOT_MAX = 8000;
const PIXELS_A_MINUTE = 220;
/** Breaches nearer to each other than this share one label. */
const LABEL_WIDTH = 80;
const LANE = 4;
const ROW_GAP = 30;
const MARK_WIDTH = 20;
const MARK_LEVELS = 2;
const LEGEND_COLUMN = 330;
const LEGEND_LINE = 18;

const STYLE = `
  .ground { fill: #ffffff; } svg { font-family: system-ui, sans-serif; font-size: 12px; fill: #1f2328; }
  .title { font-size: 18px; font-weight: 600; } .soft { fill: #59636e; } .row { fill: #f6f8fa; } .grid { stroke: #d1d9e0; stroke-width: 1; }
  .fault { fill: #9a6700; fill-opacity: 0.16; } .edge { stroke: #9a6700; stroke-width: 1; } .mark { fill: #7d4e00; font-size: 10px; font-weight: 600; }
  .missed { fill: #cf222e; } .breach { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 4 3; } .wrong { fill: #cf222e; font-weight: 600; }
  .end { text-anchor: end; } .middle { text-anchor: middle; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } svg { fill: #e6edf3; } .soft { fill: #9198a1; } .row { fill: #151b23; } .grid { stroke: #3d444d; }
    .fault { fill: #e3b341; } .edge { stroke: #d29922; } .mark { fill: #e3b341; } .missed { fill: #ff7b72; } .breach { stroke: #ff7b72; } .wrong { fill: #ff7b72; }
  }`;

interface Layout {
  readonly x: (at: number) => number;
  readonly width: number;
  readonly rowHeight: number;
  readonly rowTop: (host: string) => number;
  readonly clientTop: number;
  readonly axisTop: number;
}

export function pictureOf(timeline: Timeline, breaches: readonly Breach[], caption: Caption): string {
  const layout = layoutOf(timeline);
  const legend = legendOf(timeline, layout);
  const height = legend.bottom + 20;
  const parts = [
    `<rect class="ground" width="${layout.width}" height="${height}"/>`,
    `<text class="title" x="${LEFT}" y="30">${escaped(caption.title)}</text>`,
    `<text class="soft" x="${LEFT}" y="50">${escaped(caption.subtitle)}</text>`,
    ...rows(timeline, layout),
    ...axis(timeline, layout),
    ...faults(timeline, layout),
    ...holds(timeline, layout),
    ...client(timeline, layout),
    ...breachMarks(breaches, layout),
    ...legend.parts,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" width="${layout.width}" height="${height}" role="img" aria-label="${escaped(caption.title)}">\n<style>${STYLE}</style>\n${parts.join('\n')}\n</svg>\n`;
}

function layoutOf({ length, hosts, vips }: Timeline): Layout {
  const plot = Math.min(PLOT_MAX, Math.max(PLOT_MIN, (length / 60_000) * PIXELS_A_MINUTE));
  const rowHeight = vips.length * LANE + 8;
  const rowTop = (host: string) => TOP + 14 + hosts.indexOf(host) * (rowHeight + ROW_GAP);
  const clientTop = TOP + 14 + hosts.length * (rowHeight + ROW_GAP);
  return {
    x: (at) => LEFT + (Math.min(length, Math.max(0, at)) / length) * plot,
    width: LEFT + plot + RIGHT,
    rowHeight,
    rowTop,
    clientTop,
    axisTop: clientTop + rowHeight + 4,
  };
}

function rows({ hosts, length }: Timeline, { x, rowTop, rowHeight, clientTop }: Layout): string[] {
  const width = round(x(length) - LEFT);
  const row = (name: string, top: number) => [
    `<rect class="row" x="${LEFT}" y="${top}" width="${width}" height="${rowHeight}"/>`,
    `<text class="end" x="${LEFT - 10}" y="${top + rowHeight / 2 + 4}">${escaped(name)}</text>`,
  ];
  return [...hosts.flatMap((host) => row(host, rowTop(host))), ...row('client', clientTop)];
}

/** In minutes; seconds for what is shorter than two. */
function axis({ length }: Timeline, { x, axisTop }: Layout): string[] {
  const minutes = length / 60_000;
  const step = [0.25, 0.5, 1, 2, 5, 10, 30, 60].find((each) => minutes / each <= 24) ?? 120;
  const lines: string[] = [];
  for (let at = 0; at <= minutes; at += step) {
    const place = round(x(at * 60_000));
    lines.push(`<line class="grid" x1="${place}" y1="${TOP}" x2="${place}" y2="${axisTop}"/>`);
    lines.push(`<text class="soft middle" x="${place}" y="${axisTop + 16}">${at}</text>`);
  }
  const middle = round((LEFT + x(length)) / 2);
  return [
    ...lines,
    `<text class="soft middle" x="${middle}" y="${axisTop + 34}">minutes since the start</text>`,
  ];
}

/** A fault without a host stands above the first row, all others above their hosts. Marks that would touch take turns in height. */
function faults({ strikes, hosts, length }: Timeline, { x, rowTop, rowHeight }: Layout): string[] {
  const taken = new Map<string, number[]>();
  return strikes.flatMap((strike) =>
    (strike.hosts.length > 0 ? strike.hosts : [hosts[0]!]).flatMap((host) => {
      const [from, to] = [x(strike.at), x(strike.mendedAt ?? Math.min(length, strike.at + 1))];
      const top = rowTop(host);
      const level = levelOf(taken, { host, from });
      const width = Math.max(1, round(to - from));
      const place = `x="${round(from)}" y="${top}" width="${width}" height="${rowHeight}"`;
      const shade =
        strike.hosts.length > 0
          ? [`<rect class="fault" ${place}><title>${titleOf(strike)}</title></rect>`]
          : [];
      const edge = `<line class="edge" x1="${round(from)}" y1="${top - 3 - level * 11}" x2="${round(from)}" y2="${top + (strike.hosts.length > 0 ? rowHeight : 0)}"/>`;
      const mark = `<text class="mark" x="${round(from) + 2}" y="${top - 4 - level * 11}">${FAULTS[strike.kind].mark}<title>${titleOf(strike)}</title></text>`;
      return [...shade, edge, mark];
    }),
  );
}

function levelOf(taken: Map<string, number[]>, { host, from }: { host: string; from: number }): number {
  const ends = taken.get(host) ?? [];
  taken.set(host, ends);
  const free = ends.findIndex((end) => end <= from);
  const level = free >= 0 ? free : ends.length < MARK_LEVELS ? ends.length : ends.indexOf(Math.min(...ends));
  ends[level] = from + MARK_WIDTH;
  return level;
}

function titleOf({ what, at, mendedAt }: Strike): string {
  const until = mendedAt === undefined ? '' : ` for ${((mendedAt - at) / 1000).toFixed(1)} s`;
  return escaped(`${(at / 60_000).toFixed(2)} min: ${what}${until}`);
}

function holds({ holds: list, vips }: Timeline, { x, rowTop }: Layout): string[] {
  const lanes = new Map(vips.map(({ address }, index) => [address, index]));
  return list.map(({ address, host, from, to }) => {
    const lane = lanes.get(address) ?? 0;
    const width = Math.max(0.5, round(x(to) - x(from)));
    return `<rect x="${round(x(from))}" y="${rowTop(host) + 4 + lane * LANE}" width="${width}" height="${LANE - 1}" fill="${colourOf(lane, vips.length)}"/>`;
  });
}

function client({ outages, vips }: Timeline, { x, clientTop }: Layout): string[] {
  const lanes = new Map(vips.map(({ address }, index) => [address, index]));
  return outages.map(({ address, from, to }) => {
    const lane = lanes.get(address) ?? 0;
    const width = Math.max(1.5, round(x(to) - x(from)));
    const title = escaped(`${vips[lane]?.id}: ${(to - from).toFixed(0)} ms`);
    return `<rect class="missed" x="${round(x(from))}" y="${clientTop + 4 + lane * LANE}" width="${width}" height="${LANE - 1}"><title>${title}</title></rect>`;
  });
}

function breachMarks(breaches: readonly Breach[], { x, axisTop }: Layout): string[] {
  let labelled = Number.NEGATIVE_INFINITY;
  return breaches.flatMap(({ at, rule, what }) => {
    const place = round(x(at));
    const title = `<title>${escaped(what)}</title>`;
    const line = `<line class="breach" x1="${place}" y1="${TOP - 18}" x2="${place}" y2="${axisTop}">${title}</line>`;
    if (place - labelled < LABEL_WIDTH) return [line];
    labelled = place;
    return [line, `<text class="wrong" x="${place + 3}" y="${TOP - 10}">${escaped(rule)}${title}</text>`];
  });
}

function legendOf(
  { strikes, vips }: Timeline,
  { axisTop, width }: Layout,
): { parts: string[]; bottom: number } {
  const top = axisTop + 62;
  const seen = [...new Set(strikes.map(({ kind }) => kind))];
  const swatch = vips.map(
    (_, lane) =>
      `<rect x="${LEFT + lane * 8}" y="${top - 9}" width="8" height="10" fill="${colourOf(lane, vips.length)}"/>`,
  );
  const first = LEFT + vips.length * 8 + 8;
  const parts = [
    ...swatch,
    `<text x="${first}" y="${top}">the VIPs ${escaped(vips[0]?.id ?? '')} to ${escaped(vips.at(-1)?.id ?? '')}, where they are held</text>`,
    `<rect class="fault" x="${first + 290}" y="${top - 9}" width="20" height="10"/><text x="${first + 316}" y="${top}">fault, until it is mended</text>`,
    `<rect class="missed" x="${first + 490}" y="${top - 8}" width="10" height="4"/><text x="${first + 506}" y="${top}">no answer for the client</text>`,
  ];
  const columns = Math.max(1, Math.floor((width - LEFT - RIGHT) / LEGEND_COLUMN));
  for (const [index, kind] of seen.entries()) {
    const [x, y] = [
      LEFT + (index % columns) * LEGEND_COLUMN,
      top + 26 + Math.floor(index / columns) * LEGEND_LINE,
    ];
    parts.push(
      `<text class="mark" x="${x}" y="${y}">${FAULTS[kind].mark}</text><text x="${x + 24}" y="${y}">${legendText(kind, strikes)}</text>`,
    );
  }
  return { parts, bottom: top + 26 + Math.ceil(seen.length / columns) * LEGEND_LINE };
}

function legendText(kind: FaultKind, strikes: readonly Strike[]): string {
  const times = strikes.filter((strike) => strike.kind === kind).length;
  return escaped(`${kind} (${times} ${times === 1 ? 'time' : 'times'})`);
}

/** Neighbouring lanes differ; the middle of the range reads on white and on black. */
function colourOf(lane: number, lanes: number): string {
  const hue = Math.round((lane * 360) / lanes);
  return `hsl(${hue} 62% ${lane % 2 === 0 ? 48 : 58}%)`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
