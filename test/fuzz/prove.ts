/** Whether the fuzzers bite: plants one bug after the other in a copy of the project; the target that watches the place must find it. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.ts';
import { targetNamed } from './targets.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Enough for the slowest to be found; found ones end at once. Of a story each message counts. */
const INPUTS = 60_000;
const INPUTS_OF_STORIES = 400_000;

export function prove(targets: readonly string[]): number {
  const copy = mkdtempSync(join(tmpdir(), 'wackamole-fuzz-'));
  try {
    for (const folder of ['src', 'providers', 'test', 'docs'])
      cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(copy, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const bugs = PLANTED_BUGS.filter(({ target }) => targets.includes(target));
    const missed = bugs.filter((bug) => !found(bug, copy));
    const unproved = targets.filter((target) => bugs.every((bug) => bug.target !== target));
    for (const target of unproved) console.log(`${target}: no bug is planted for it`);
    console.log(`prove: ${bugs.length - missed.length} of ${bugs.length} planted bugs were found`);
    return missed.length === 0 && unproved.length === 0 ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function found({ target, file, right, wrong }: PlantedBug, copy: string): boolean {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(right).length !== 2) throw new Error(`${file} must have once: ${right}`);
  writeFileSync(
    path,
    text.replace(right, () => wrong),
  );
  const inputs = targetNamed(target)?.countOf === undefined ? INPUTS : INPUTS_OF_STORIES;
  const argv = [
    'test/fuzz/run.ts',
    '--target',
    target,
    '--inputs',
    String(inputs),
    '--seed',
    '1',
    '--no-keep',
  ];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: copy,
    encoding: 'utf8',
  });
  writeFileSync(path, text);
  // Memory without bound ends the whole process.
  const died = signal === null ? undefined : `the process died of ${signal}`;
  const why = /FAILED: (.*)/.exec(stdout)?.[1] ?? died;
  const bitten = why !== undefined && status !== 0;
  console.log(`${bitten ? 'found ' : 'MISSED'} ${target.padEnd(18)} ${file}: ${right.trim().slice(0, 60)}`);
  if (bitten) console.log(`       ${why.slice(0, 150)}`);
  else console.log(`       exit ${status}: ${stderr.slice(-500)}`);
  return bitten;
}
