/** What the demo prints: a heading, a block for each step, a verdict. Colour only on a terminal. */
import { styleText } from 'node:util';
import type { Cluster } from './cluster.ts';
import type { Duplicate } from './custody.ts';
import type { DemoOptions } from './demo.ts';
import type { Sighting } from './observatory.ts';
import { longest } from './outages.ts';
import type { VipPlan } from './plan.ts';

export interface StepResult {
  readonly title: string;
  readonly sighting: Sighting;
  readonly holders: ReadonlyMap<string, readonly string[]>;
  /** Worst outage; absent where nothing could answer before. */
  readonly outage_ms: number | undefined;
  /** Longest time for which two halves that met both held a VIP. */
  readonly merge_ms: number;
  /** Two connected hosts held one VIP: always a broken promise. */
  readonly duplicates: readonly Duplicate[];
  /** The broken promise, in words. */
  readonly failure?: string;
}

type Style = Parameters<typeof styleText>[0];

export class DemoReport {
  readonly #options: DemoOptions;
  #hosts: readonly string[] = [];
  #vips: readonly VipPlan[] = [];
  #count = 0;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  open(cluster: Cluster, setUp_ms: number): void {
    this.#hosts = cluster.names;
    this.#vips = cluster.observatory.vips;
    const { hosts, vips, profile } = this.#options;
    if (this.#options.json) return;
    const ipv6 = this.#vips.filter(({ family }) => family === 6).length;
    this.#line(
      paint(
        'bold',
        `wackamole demo: ${hosts} hosts, ${vips} VIPs (${ipv6} of them IPv6), profile ${profile}`,
      ),
    );
    this.#line(
      paint(
        'dim',
        `real agents in network namespaces of their own, made in ${setUp_ms.toFixed(0)} ms; a client asks every VIP every 2 ms`,
      ),
    );
    this.#line('');
  }

  step(result: StepResult): void {
    this.#count += 1;
    if (this.#options.json) {
      this.#line(JSON.stringify(stepRecord(result, this.#count)));
      return;
    }
    const mark = result.failure === undefined ? paint('green', '✓') : paint('red', '✗');
    this.#line(`${mark} ${String(this.#count).padStart(2)}  ${paint('bold', result.title)}`);
    for (const host of this.#hosts) this.#line(`       ${this.#hostLine(host, result)}`);
    this.#line(`       ${paint('dim', 'client')} ${clientText(result, this.#vips.length)}`);
    if (this.#options.verbose === true) this.#eachVip(result);
    if (result.failure !== undefined) this.#line(paint('red', `       broken promise: ${result.failure}`));
    this.#line('');
  }

  /** The last line; the exit code. */
  close(results: readonly StepResult[], elapsed_ms: number): number {
    const failure = results.find((result) => result.failure !== undefined)?.failure;
    const worst = Math.max(0, ...results.map(({ outage_ms }) => outage_ms ?? 0)).toFixed(0);
    const duplicates = results.reduce((sum, result) => sum + result.duplicates.length, 0);
    const merge = Math.max(0, ...results.map(({ merge_ms }) => merge_ms)).toFixed(0);
    const seconds = (elapsed_ms / 1000).toFixed(0);
    const facts = `worst outage ${worst} ms, duplicates ${duplicates}, both halves after the heal ${merge} ms, ${seconds} s in all`;
    if (this.#options.json) {
      this.#line(
        JSON.stringify({
          verdict: failure === undefined ? 'PASS' : 'FAIL',
          worst_outage_ms: Number(worst),
          duplicates,
          failure,
        }),
      );
    } else if (failure === undefined) {
      this.#line(`demo: ${paint('green', 'PASS')}, ${facts}`);
    } else {
      this.#line(`demo: ${paint('red', 'FAIL')}, ${facts}; broken: ${failure.split('\n')[0]}`);
    }
    return failure === undefined ? 0 : 1;
  }

  #hostLine(host: string, { holders }: StepResult): string {
    const held = this.#vips.filter(({ address }) => holders.get(address)?.includes(host));
    const text = held.length === 0 ? paint('dim', '—') : shortNames(held.map(({ id }) => id));
    return `${paint('cyan', host)} ${String(held.length).padStart(3)}  ${text}`;
  }

  #eachVip({ sighting }: StepResult): void {
    for (const { id, address } of this.#vips) {
      const length = longest(sighting.outages.filter((outage) => outage.address === address));
      this.#line(`         ${id.padEnd(8)} ${address.padEnd(16)} ${length.toFixed(0).padStart(6)} ms`);
    }
  }

  #line(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

function clientText(result: StepResult, vips: number): string {
  const stalled =
    result.sighting.stall_ms > 50
      ? ` (the client itself was late by ${result.sighting.stall_ms.toFixed(0)} ms)`
      : '';
  const twice =
    result.merge_ms > 0 ? `held twice after the heal: ${result.merge_ms.toFixed(0)} ms` : heldTwice(result);
  if (result.outage_ms === undefined) {
    const answers = Math.max(0, ...result.sighting.outages.map(({ to }) => to)) - result.sighting.window.from;
    return `everything answers after ${answers.toFixed(0)} ms · ${twice}${stalled}`;
  }
  const touched = new Set(result.sighting.outages.map(({ address }) => address)).size;
  const gap =
    touched === 0
      ? 'noticed nothing'
      : `worst gap ${result.outage_ms.toFixed(0)} ms, ${touched} of ${vips} VIPs`;
  return `${gap} · ${twice}${stalled}`;
}

function heldTwice({ duplicates }: StepResult): string {
  return duplicates.length === 0
    ? 'held twice: never'
    : paint('red', `held twice: ${duplicates.length} times`);
}

function stepRecord(result: StepResult, number: number): object {
  return {
    step: number,
    title: result.title,
    outage_ms: result.outage_ms,
    outages: result.sighting.outages.map(({ address, from, to }) => ({
      address,
      outage_ms: Math.round((to - from) * 10) / 10,
    })),
    duplicates: result.duplicates,
    merge_ms: result.merge_ms,
    holders: Object.fromEntries(result.holders),
    failure: result.failure,
  };
}

/** `vip-1 2 5`: the common stem once, then the numbers. */
function shortNames(ids: readonly string[]): string {
  return ids.map((id, index) => (index === 0 ? id : id.replace(/^vip-/, ''))).join(' ');
}

function paint(style: Style, text: string): string {
  return process.stdout.isTTY ? styleText(style, text) : text;
}
