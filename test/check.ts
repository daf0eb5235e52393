/**
 * The gate (`npm run check`): types, lint with type-aware promise rules, format, known holes of dependencies, and all tests that need nothing but Node
 * (architecture, unit, golden, conformance, terraform). Says what failed and ends non-zero if anything did.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules', '.bin', name);

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const reporter = process.env['GATE_JSON'];
const vitest = ['run', '--project', 'gate', '--reporter', 'default'];
if (reporter) vitest.push('--reporter', 'json', `--outputFile.json=${reporter}`);

const steps: readonly Step[] = [
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware', '--deny-warnings', 'src', 'providers', 'test'] },
  { name: 'format', command: [bin('biome'), 'ci', '--diagnostic-level=error', '.'] },
  { name: 'audit', command: [process.execPath, join(root, 'test/audit.ts')] },
  { name: 'tests', command: [bin('vitest'), ...vitest] },
];

const failed: string[] = [];
for (const { name, command } of steps) {
  const started = performance.now();
  const [file, ...args] = command;
  const { status, error } = spawnSync(file ?? '', args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${name}: ${error.message}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`check: ${name} ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
  if (status !== 0) failed.push(name);
}
console.log(failed.length === 0 ? 'check: all is well' : `check: failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
