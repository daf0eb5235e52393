/**
 * `npm run bench`: wackamole and keepalived by turns in the same kind of lab. Options: `--runs N` (5), `--only a,b` (names of
 * faults, or scale, cost, start, hogs), `--subjects text` (subjects whose name contains it; Pacemaker only where the text begins
 * with its name), `--hogs-minutes N` (0: left out), `--idle-seconds N` (30). Prints a table and writes everything measured to
 * `bench-results/`. The method: docs/benchmarks.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { runCost, runStarts } from './cost.ts';
import { FAULTS, runFault } from './faults.ts';
import { runHogs } from './hogs.ts';
import { keepalived } from './keepalived.ts';
import { pacemaker } from './pacemaker.ts';
import { Record } from './record.ts';
import { runScale, VIP_COUNTS } from './scale.ts';
import type { SubjectKind } from './subject.ts';
import { wackamole } from './wackamole.ts';

const SUBJECTS: readonly SubjectKind[] = [
  keepalived(1, { setting: 'default', window_ms: 9000, start_ms_max: 20_000 }),
  wackamole('lan', { setting: 'default', window_ms: 9000, start_ms_max: 20_000 }),
  keepalived(0.05, { setting: 'fastest', window_ms: 7000, start_ms_max: 20_000 }),
  wackamole('fast', { setting: 'fastest', window_ms: 7000, start_ms_max: 20_000 }),
];

/** Only where they are asked for by name: each start takes half a minute. */
const ON_REQUEST: readonly SubjectKind[] = [
  pacemaker('defaults', { setting: 'default', window_ms: 15_000, start_ms_max: 60_000 }),
  pacemaker({ token: 300, consensus: 360 }, { setting: 'fastest', window_ms: 15_000, start_ms_max: 60_000 }),
];

interface Options {
  readonly runs: number;
  readonly only: readonly string[];
  readonly subjects: readonly SubjectKind[];
  readonly hogsMinutes: number;
  readonly idleSeconds: number;
}

async function bench(options: Options): Promise<void> {
  const record = new Record();
  await benchFaults(options, record);
  await benchScale(options, record);
  await benchCost(options, record);
  if (wanted(options, 'hogs') && options.hogsMinutes > 0) {
    for (const kind of options.subjects) {
      await record.run(kind, { measure: 'hogs', what: `8 CPU hogs, ${options.hogsMinutes} min` }, () =>
        runHogs(kind, options.hogsMinutes),
      );
    }
  }
  record.print();
  mkdirSync('bench-results', { recursive: true });
  const file = `bench-results/${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.json`;
  writeFileSync(file, `${JSON.stringify({ machine: machine(), runs: record.entries }, undefined, 1)}\n`);
  console.log(`\neverything measured: ${file}`);
}

async function benchFaults(options: Options, record: Record): Promise<void> {
  for (const fault of FAULTS.filter(({ name }) => wanted(options, name))) {
    const kinds = options.subjects.filter(
      ({ traits }) => fault.only === undefined || fault.only === traits.family,
    );
    await byTurns(options.runs, kinds, (kind) =>
      record.run(kind, { measure: fault.name, what: fault.what }, () => runFault(kind, { fault, vips: 10 })),
    );
  }
}

async function benchScale(options: Options, record: Record): Promise<void> {
  if (!wanted(options, 'scale')) return;
  for (const vips of VIP_COUNTS) {
    await byTurns(options.runs, options.subjects, (kind) =>
      record.run(kind, { measure: `scale-${vips}`, what: `cable pulled, ${vips} VIPs` }, () =>
        runScale(kind, vips),
      ),
    );
  }
}

async function benchCost(options: Options, record: Record): Promise<void> {
  if (wanted(options, 'cost')) {
    const what = `idle, ${options.idleSeconds} s`;
    await byTurns(options.runs, options.subjects, (kind) =>
      record.run(kind, { measure: 'cost', what }, () => runCost(kind, options.idleSeconds)),
    );
  }
  if (!wanted(options, 'start')) return;
  const ours = options.subjects.filter(({ traits }) => traits.family === 'wackamole');
  for (const kind of ours) {
    const starts = runStarts(kind, options.runs);
    for (let run = 0; run < options.runs; run += 1) {
      await record.run(kind, { measure: 'start', what: 'start to first datagram' }, async () => {
        return (await starts)[run]!;
      });
    }
  }
}

/** One run of each kind in turn, so that what else the machine does meets all of them alike. */
async function byTurns(
  runs: number,
  kinds: readonly SubjectKind[],
  once: (kind: SubjectKind) => Promise<void>,
): Promise<void> {
  for (let run = 0; run < runs; run += 1) for (const kind of kinds) await once(kind);
}

function wanted({ only }: Options, name: string): boolean {
  return only.length === 0 || only.includes(name);
}

function machine(): object {
  return {
    at: new Date().toISOString(),
    kernel: release(),
    cores: cpus().length,
    node: process.version,
    keepalived: version('keepalived'),
    pacemaker: version('pacemakerd'),
  };
}

/** What it says of itself; undefined: it is not installed. */
function version(program: string): string | undefined {
  const { stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return `${stderr ?? ''}${stdout ?? ''}`.split('\n')[0] || undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      subjects: { type: 'string', default: '' },
      'hogs-minutes': { type: 'string', default: '0' },
      'idle-seconds': { type: 'string', default: '30' },
    },
  });
  return {
    runs: positive('runs', values.runs),
    only: values.only.split(',').filter((name) => name !== ''),
    subjects: subjectsNamed(values.subjects),
    hogsMinutes: Number(values['hogs-minutes']),
    idleSeconds: positive('idle-seconds', values['idle-seconds']),
  };
}

function subjectsNamed(text: string): readonly SubjectKind[] {
  const offered = text.startsWith('pacemaker') ? ON_REQUEST : SUBJECTS;
  const found = offered.filter(({ traits }) => traits.name.includes(text));
  if (found.length > 0) return found;
  console.error(
    `--subjects ${text}: none of ${[...SUBJECTS, ...ON_REQUEST].map(({ traits }) => traits.name).join(', ')}`,
  );
  process.exit(2);
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  console.error(`--${option} ${text}: not a number above 0`);
  process.exit(2);
}

function install(program: string, packages: readonly string[]): void {
  if (spawnSync(program, ['--version']).error === undefined) return;
  console.error(`installing ${packages.join(', ')} by apt …`);
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
  const done = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
    encoding: 'utf8',
  });
  if (done.status !== 0)
    throw new Error(
      `cannot install ${program}: ${done.stderr}; install it by hand, or use --subjects wackamole`,
    );
}

const options = readOptions();
if (insideWorld()) {
  await bench(options);
} else {
  const families = new Set(options.subjects.map(({ traits }) => traits.family));
  if (families.has('keepalived')) install('keepalived', ['keepalived']);
  if (families.has('pacemaker')) install('pacemakerd', ['pacemaker', 'resource-agents', 'corosync']);
  process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)]);
}
