/**
 * `npm run soak -- --minutes N [--seed S] [--hosts 5] [--vips 20] [--profile lan|fast] [--report dir]`: real agents in namespaces,
 * faults from a seed, watched from outside. Exit status 0 only if every rule held (`docs/soak.md`).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '../../src/lab/cluster.ts';
import { enterWorld, insideWorld, WorldRefused } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { type Bounds, boundsOf } from './bounds.ts';
import { type HostLog, logsAround } from './logs.ts';
import { pictureOf } from './picture.ts';
import { minutesOf, Player } from './player.ts';
import { judge, type Verdict } from './rules.ts';
import { FAULTS, type FaultKind } from './schedule.ts';
import type { Timeline } from './timeline.ts';

const USAGE =
  'npm run soak -- --minutes N [--seed S] [--hosts 5] [--vips 20] [--profile lan|fast] [--report dir]';
const BREACHES_SHOWN = 5;

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly hosts: number;
  readonly vips: number;
  readonly profile: 'lan' | 'fast';
  readonly report: string | undefined;
}

function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      hosts: { type: 'string', default: '5' },
      vips: { type: 'string', default: '20' },
      profile: { type: 'string', default: 'lan' },
      report: { type: 'string' },
    },
  });
  const number = (name: 'minutes' | 'seed' | 'hosts' | 'vips', least: number, most: number) => {
    const value = Number(values[name]);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    throw new RangeError(`--${name} ${values[name]}: give a number from ${least} to ${most}`);
  };
  const { profile } = values;
  if (profile !== 'lan' && profile !== 'fast') throw new RangeError(`--profile ${profile}: give lan or fast`);
  return {
    minutes: number('minutes', 0.1, 10_000),
    seed: number('seed', 0, 2 ** 31),
    hosts: number('hosts', 3, 9),
    vips: number('vips', 1, 200),
    profile,
    report: values.report,
  };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (insideWorld()) return soak(options);
  const argv = process.argv.slice(1);
  // The seed is chosen once, out here.
  if (!argv.some((word) => word.startsWith('--seed'))) argv.push('--seed', String(options.seed));
  return enterWorld([process.execPath, ...process.execArgv, ...argv]);
}

async function soak(options: Options): Promise<number> {
  const bounds = boundsOf(options.profile);
  const { hosts, vips, seed, minutes, profile } = options;
  console.log(`soak: ${hosts} hosts, ${vips} VIPs, profile ${profile}, ${minutes} minutes, --seed ${seed}`);
  console.log(
    `      unserved at most ${bounds.unserved} ms, both halves after a merge at most ${bounds.merge} ms`,
  );
  const cluster = await Cluster.open({
    hosts,
    vips,
    ipv6: Math.floor(vips / 4),
    profile,
    sections: { balance: { interval: '2s', hold_down: '2s' } },
    // Few requests: a soak looks for what lasts.
    client: { interval_ms: 20, patience_ms: 100 },
  });
  const wallAtZero = Date.now() - monotonicNow();
  try {
    const player = new Player(cluster, { seed, minutes, bounds, kinds: possibleKinds(), tell: console.log });
    const timeline = await player.play();
    const verdict = judge(timeline, bounds);
    const logs = cluster.agents.map(({ host, logFile }) => ({ host: host.name, text: readLog(logFile) }));
    writeReport(options, { timeline, bounds, verdict, logs });
    tell(options, { timeline, bounds, verdict, logs }, (at) =>
      logsAround(logs, wallAtZero + player.began + at),
    );
    return verdict.breaches.length === 0 ? 0 : 1;
  } finally {
    await cluster.close();
  }
}

/** Loss in one direction needs nftables. */
function possibleKinds(): readonly FaultKind[] {
  const all = Object.keys(FAULTS) as FaultKind[];
  if (spawnSync('nft', ['--version']).error === undefined) return all;
  console.log('soak: nft is missing, so no loss in one direction (install the package nftables)');
  return all.filter((kind) => kind !== 'one-way loss');
}

interface Result {
  readonly timeline: Timeline;
  readonly bounds: Bounds;
  readonly verdict: Verdict;
  readonly logs: readonly HostLog[];
}

function writeReport(options: Options, result: Result): void {
  if (options.report === undefined) return;
  mkdirSync(options.report, { recursive: true });
  const { timeline, bounds, verdict, logs } = result;
  for (const { host, text } of logs)
    writeFileSync(join(options.report, `soak-${options.seed}-${host}.log`), text);
  const path = (suffix: string) => join(options.report!, `soak-${options.seed}.${suffix}`);
  writeFileSync(path('json'), `${JSON.stringify({ options, timeline, bounds, verdict }, undefined, 1)}\n`);
  const title = `Soak: ${options.hosts} hosts, ${options.vips} VIPs, ${(timeline.length / 60_000).toFixed(1)} minutes`;
  const subtitle = `seed ${options.seed}, profile ${options.profile}: ${summary(result)}`;
  writeFileSync(path('svg'), pictureOf(timeline, verdict.breaches, { title, subtitle }));
  console.log(`soak: report ${path('json')}, picture ${path('svg')}`);
}

function summary({ timeline, verdict }: Result): string {
  const longest = timeline.outages.reduce((most, { from, to }) => Math.max(most, to - from), 0);
  const merged = timeline.duplicates.reduce((most, { from, to }) => Math.max(most, to - from), 0);
  const broken = verdict.breaches.length === 0 ? 'every rule held' : `${verdict.breaches.length} breaches`;
  return `${timeline.strikes.length} faults, ${broken}, longest outage ${longest.toFixed(0)} ms, held twice after a merge for at most ${merged.toFixed(0)} ms`;
}

function tell(options: Options, result: Result, logsAt: (at: number) => string): void {
  const { verdict } = result;
  for (const { rule, at, what } of verdict.breaches.slice(0, BREACHES_SHOWN)) {
    console.log(`\nBROKEN ${rule} at ${minutesOf(at)} (--seed ${options.seed}): ${what}`);
    console.log(logsAt(at));
  }
  for (const rule of verdict.notJudged) console.log(`soak: not judged: ${rule}`);
  console.log(
    `soak: ${verdict.breaches.length === 0 ? 'PASS' : 'FAIL'}, ${summary(result)}, seed ${options.seed}`,
  );
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage =
    error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (!usage && !(error instanceof WorldRefused)) throw error;
  console.error(`soak: ${(error as Error).message}${usage ? `\n${USAGE}` : ''}`);
  process.exitCode = usage ? 2 : 1;
}
