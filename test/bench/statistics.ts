/** Medians, ranges and ratios of measured values. Pure. */

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)!, count: sorted.length };
}

/** `289 [238–310]`; two digits below ten. */
export function summaryText(summary: Summary | undefined): string {
  if (summary === undefined) return '–';
  return `${short(summary.median)} [${short(summary.min)}–${short(summary.max)}]`;
}

/** `91 76 – 552`: a run without the value is a dash. */
export function eachText(values: readonly (number | boolean | undefined)[]): string {
  return values.map((value) => (value === undefined ? '–' : short(Number(value)))).join(' ');
}

function short(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 10) return value.toFixed(0);
  return size >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

/** How many times smaller ours is: `11 ×`; nothing where either is missing or zero. */
export function ratioText(ours: Summary | undefined, theirs: Summary | undefined): string {
  if (ours === undefined || theirs === undefined || ours.median <= 0 || theirs.median <= 0) return '–';
  const ratio = theirs.median / ours.median;
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)} ×`;
}
