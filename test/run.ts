/**
 * `npm test`: the gate (`test/check.ts`), then the tests on the real kernel inside a private world of network namespaces.
 * Installs what tests use by apt where it may and it is missing. The last line is `N passed, N failed` (and `, N skipped`).
 * Exit code 0 only if nothing failed. Where no world can be made the kernel tests are skipped with the reason; for root in
 * CI (`CI=true`) that is a failure. `--kernel`: only the kernel tests; further words are file filters for them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enterWorld, worldProblem } from '../src/lab/world.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const CHECK = join(ROOT, 'test/check.ts');

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, each as lines to print: the last thing of a long output is what people see of it. */
  readonly failures: readonly string[];
}

/** What is read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/** Lines of a failure that are repeated at the end; the whole of it is further up. */
const FAILURE_LINES_MAX = 12;

const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

const asRoot = process.getuid?.() === 0;

async function main(words: readonly string[]): Promise<void> {
  process.chdir(ROOT);
  const kernelOnly = words.includes('--kernel');
  const filters = words.filter((word) => word !== '--kernel');
  const folder = mkdtempSync(join(tmpdir(), 'wackamole-test-'));
  installTools();
  try {
    const tallies = kernelOnly ? [] : [await gate(join(folder, 'gate.json'))];
    tallies.push(await kernel(join(folder, 'kernel.json'), filters));
    conclude(tallies);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The gate writes vitest's results to the file named in `GATE_JSON`. */
async function gate(results: string): Promise<Tally> {
  heading('gate: types, lint, rules, unit, golden and conformance tests');
  const code = await run([process.execPath, CHECK], { ...process.env, GATE_JSON: results });
  return withExit(tallyOf(results), code);
}

async function kernel(results: string, filters: readonly string[]): Promise<Tally> {
  heading('kernel: agents, providers and sockets in network namespaces');
  const problem = worldProblem();
  if (problem !== undefined) return withoutWorld(problem);
  const program = buildProgram();
  if (program === undefined) return { ...NOTHING, failed: 1, failures: ['✗ the program could not be built'] };
  const packages = join(dirname(results), 'packages');
  if (!buildPackages(packages, filters))
    return { ...NOTHING, failed: 1, failures: ['✗ the packages could not be built'] };
  const argv = [process.execPath, ...vitestKernel(results, filters)];
  const code = await enterWorld(argv, {
    ...process.env,
    WACKAMOLE_PROGRAM: program,
    WACKAMOLE_PACKAGES: packages,
  });
  return withExit(tallyOf(results), code);
}

function withoutWorld(problem: string): Tally {
  console.log(`The kernel tests are skipped: no network namespaces can be made here: ${problem}`);
  console.log('Run as root, or allow unprivileged user namespaces.');
  const mustRun = asRoot && process.env['CI'] === 'true';
  if (mustRun) console.log('In CI as root that is a failure.');
  return mustRun
    ? { ...NOTHING, failed: 1, failures: [`✗ no world: ${problem}`] }
    : { ...NOTHING, skipped: 1 };
}

interface Tool {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly packages: readonly string[];
  readonly missing: string;
}

/** What some tests need beside the kernel; they say so where it cannot be had. */
const TOOLS: readonly Tool[] = [
  {
    program: 'nft',
    arguments: ['--version'],
    packages: ['nftables'],
    missing: 'tests with loss in one direction',
  },
  {
    program: 'corosync',
    arguments: ['-v'],
    packages: ['corosync', 'libcpg4', 'libquorum5'],
    missing: 'tests with real corosync daemons',
  },
  {
    program: 'corosync-qnetd',
    arguments: ['-v'],
    packages: ['corosync-qdevice', 'corosync-qnetd'],
    missing: 'tests with a quorum device of corosync',
  },
  { program: 'zsh', arguments: ['--version'], packages: ['zsh'], missing: 'tests of completion for zsh' },
  { program: 'fish', arguments: ['--version'], packages: ['fish'], missing: 'tests of completion for fish' },
  { program: 'groff', arguments: ['--version'], packages: ['groff-base'], missing: 'tests of manual pages' },
];

function installTools(): void {
  if (!asRoot) return;
  const missing = TOOLS.filter(
    ({ program, arguments: words }) => spawnSync(program, words).error !== undefined,
  );
  if (missing.length === 0) return;
  const tests = missing.map((tool) => tool.missing).join(' and ');
  const quiet = { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  if (spawnSync('apt-get', ['update', '-qq'], quiet).error !== undefined) {
    const programs = missing.map(({ program }) => program).join(' and ');
    console.log(`no ${programs} here, and there is no apt-get: ${tests} will be skipped`);
    return;
  }
  for (const { packages, missing: what } of missing) {
    const words = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    const { status, stderr } = spawnSync('apt-get', words, quiet);
    if (status === 0) continue;
    console.log(`${packages[0]} could not be installed, ${what} will be skipped: ${stderr.trim()}`);
  }
}

/** What the kernel tests run is the program as it is shipped. */
function buildProgram(): string | undefined {
  const { status } = spawnSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: 'inherit' });
  return status === 0 ? join(ROOT, 'dist/wackamole.js') : undefined;
}

/** For the tests that install them; out here, since npm fetches another architecture's parts. Quickly, and so a little bigger. */
function buildPackages(folder: string, filters: readonly string[]): boolean {
  const wanted = filters.length === 0 || filters.some((word) => /package|systemd|upgrade/.test(word));
  if (!wanted || spawnSync('dpkg-deb', ['--version']).error !== undefined) return true;
  const argv = ['run', '-s', 'package', '--', '--level', '1', '--out', folder];
  return spawnSync('npm', argv, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

function vitestKernel(results: string, filters: readonly string[]): readonly string[] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  return [VITEST, 'run', '--project', 'kernel', '--configLoader', 'native', ...reporters, ...filters];
}

function run(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { stdio: 'inherit', env });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Counts of vitest's JSON report; `undefined` when it was never written. */
function tallyOf(file: string): Tally | undefined {
  if (!existsSync(file)) return undefined;
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    failures: report.testResults.flatMap(failuresOf),
  };
}

function failuresOf({ name, status, message, assertionResults }: Report['testResults'][number]): string[] {
  const file = relative(ROOT, name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0)
    return status === 'failed' ? [failure(`${file} could not be run`, message ?? '')] : [];
  return failed.map((test) => failure(`${file}: ${test.fullName}`, (test.failureMessages ?? []).join('\n')));
}

function failure(title: string, message: string): string {
  const lines = message.split('\n').slice(0, FAILURE_LINES_MAX);
  return [`✗ ${title}`, ...lines.map((line) => `    ${line}`)].join('\n');
}

/** A run that ended badly without a failed test (a type error, a file that could not be loaded) counts as one failure. */
function withExit(tally: Tally | undefined, code: number): Tally {
  const counted = tally ?? NOTHING;
  const silent = (code !== 0 || tally === undefined) && counted.failed === 0;
  if (!silent) return counted;
  const untold = failure(
    `exit code ${code}, though no test failed`,
    'See above: the steps before the tests, or their end.',
  );
  return { ...counted, failed: 1, failures: [...counted.failures, untold] };
}

function conclude(tallies: readonly Tally[]): void {
  const sum = (of: 'passed' | 'failed' | 'skipped') => tallies.reduce((total, tally) => total + tally[of], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0;
  for (const text of tallies.flatMap((tally) => tally.failures)) console.log(`\n${text}`);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped}`);
}

function heading(text: string): void {
  console.log(`\n── ${text}\n`);
}

await main(process.argv.slice(2));
