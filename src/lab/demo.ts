/**
 * `wackamole demo`: real agents on hosts of a private world, one disaster after the other, and what a client on the link and a
 * watcher of all hosts saw of it. Touches nothing of the machine it runs on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicNow } from '../platform/clock.ts';
import { Cluster } from './cluster.ts';
import { longestDuplicate } from './custody.ts';
import { DemoReport, type StepResult } from './demo-report.ts';
import { type DemoStep, demoSteps } from './demo-steps.ts';
import { enterWorld, insideWorld, WorldRefused } from './world.ts';

export interface DemoOptions {
  /** 2 to 9. */
  readonly hosts: number;
  /** 1 to 200; about a third of them, but at most three, are IPv6. */
  readonly vips: number;
  readonly profile: 'lan' | 'fast';
  /** One JSON object a step instead of text. */
  readonly json: boolean;
  /** Tell each VIP's outage, not only the worst. */
  readonly verbose?: boolean;
}

export const DEMO_DEFAULTS: DemoOptions = { hosts: 3, vips: 10, profile: 'lan', json: false };

/** A duplicate shorter than this is within what the watcher can tell apart, ms. */
const RESOLUTION = 1;
/** How long two halves that meet may both hold a VIP: they must learn of each other first, ms. */
const MERGE_GRACE = 1000;

/**
 * Runs the demo; resolves with the exit code: 0 only if every promise held, 1 if one was broken, or if this machine lets us make
 * no network namespaces (said on standard error), 2 for options out of range.
 */
export async function runDemo(options: DemoOptions = DEMO_DEFAULTS): Promise<number> {
  const wrong = wrongOption(options);
  if (wrong !== undefined) {
    process.stderr.write(`demo: ${wrong}\n`);
    return 2;
  }
  if (insideWorld()) return play(options);
  try {
    return await enterWorld([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  } catch (error) {
    if (!(error instanceof WorldRefused)) throw error;
    process.stderr.write(`demo: ${error.message}\n`);
    return 1;
  }
}

function wrongOption({ hosts, vips, profile }: DemoOptions): string | undefined {
  if (!Number.isInteger(hosts) || hosts < 2 || hosts > 9)
    return `--hosts ${hosts}: give a whole number from 2 to 9`;
  if (!Number.isInteger(vips) || vips < 1 || vips > 200)
    return `--vips ${vips}: give a whole number from 1 to 200`;
  if (profile !== 'lan' && profile !== 'fast') return `--profile ${String(profile)}: give lan or fast`;
  return undefined;
}

async function play(options: DemoOptions): Promise<number> {
  const report = new DemoReport(options);
  const begun = monotonicNow();
  const cluster = await Cluster.open({
    hosts: options.hosts,
    vips: options.vips,
    ipv6: Math.min(3, Math.floor(options.vips / 3)),
    profile: options.profile,
    // Quicker than one would have it in production, so that nobody waits for the load to even out.
    sections: { balance: { interval: '1s', hold_down: '0s' } },
  });
  const results: StepResult[] = [];
  try {
    report.open(cluster, monotonicNow() - begun);
    for (const step of demoSteps(cluster)) {
      const result = await perform(cluster, step);
      results.push(result);
      report.step(result);
      if (result.failure !== undefined) break;
    }
  } finally {
    await cluster.close();
  }
  return report.close(results, monotonicNow() - begun);
}

/** One step: what is done, the wait until all is served again, and what both observers saw of it. */
async function perform(cluster: Cluster, step: DemoStep): Promise<StepResult> {
  const from = monotonicNow();
  let failure: string | undefined;
  let title = step.title;
  try {
    const told = await step.act();
    title = told ?? title;
    await step.settled();
    await sleep(step.linger_ms ?? 300);
  } catch (error) {
    failure = `always one holder: ${error instanceof Error ? error.message : String(error)}`;
  }
  const sighting = await cluster.observatory.sighting(from);
  const merging = sighting.duplicates.filter(({ merging: healed }) => healed);
  const clean = sighting.duplicates.filter(({ merging: healed }) => !healed);
  const result = {
    title,
    sighting,
    holders: sighting.holders,
    outage_ms: step.outageCounts === false ? undefined : sighting.outage_ms,
    merge_ms: longestDuplicate(merging, sighting.window),
    duplicates: clean.filter(({ from: start, to }) => to - start > RESOLUTION),
  };
  failure ??= brokenPromise(result, step);
  return failure === undefined ? result : { ...result, failure };
}

function brokenPromise(result: Omit<StepResult, 'failure'>, step: DemoStep): string | undefined {
  const [twice] = result.duplicates;
  if (twice !== undefined) {
    const length = (twice.to - twice.from).toFixed(1);
    return `never two holders: ${twice.address} was on ${twice.hosts.join(' and ')} for ${length} ms`;
  }
  if (result.merge_ms > MERGE_GRACE) {
    return `never two holders: after the halves met, a VIP stayed with both for ${result.merge_ms.toFixed(0)} ms`;
  }
  const outage = result.outage_ms ?? 0;
  if (outage > step.outage_ms_max) {
    return `always one holder: a VIP did not answer for ${outage.toFixed(0)} ms; at most ${step.outage_ms_max} ms were expected`;
  }
  return undefined;
}
