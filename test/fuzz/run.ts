/**
 * `npm run fuzz -- [--inputs N] [--seed S] [--target name] [--seconds N]`: plays all targets, or one; prints inputs and their rate.
 * A failing input is written to `test/fuzz/kept`, from where the gate replays it for ever. Exit status 0 only if nothing failed.
 * `--record` records traffic anew, `--prove` plants bugs in a copy and sees whether each target finds its own (`docs/fuzzing.md`).
 */
import { parseArgs } from 'node:util';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { conserve, keepInput } from './kept.ts';
import { type Played, play } from './play.ts';
import { prove } from './prove.ts';
import { recordTraffic } from './record.ts';
import type { AnyTarget } from './target.ts';
import { TARGETS } from './targets.ts';

const USAGE =
  'npm run fuzz -- [--inputs N] [--seed S] [--target name] [--seconds N] [--no-keep] [--record | --prove]';

interface Options {
  readonly inputs: number;
  readonly seed: number;
  /** Processor time of all targets together; absent: until the inputs are done. */
  readonly seconds: number | undefined;
  readonly targets: readonly AnyTarget[];
  readonly keep: boolean;
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      inputs: { type: 'string', default: '200000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      seconds: { type: 'string' },
      target: { type: 'string', multiple: true },
      'no-keep': { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      prove: { type: 'boolean', default: false },
    },
  });
  if (values.record) return record();
  const targets = chosenTargets(values.target);
  if (values.prove) return prove(targets.map(({ name }) => name));
  const seconds = values.seconds === undefined ? undefined : count('--seconds', values.seconds);
  const [inputs, seed] = [count('--inputs', values.inputs), count('--seed', values.seed)];
  return fuzz({ inputs, seed, seconds, targets, keep: !values['no-keep'] });
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new RangeError(`${option} ${text}: give a whole number from 0 on`);
  return number;
}

function chosenTargets(names: readonly string[] | undefined): readonly AnyTarget[] {
  if (names === undefined) return TARGETS;
  return names.map((name) => {
    const target = TARGETS.find((candidate) => candidate.name === name);
    if (target !== undefined) return target;
    throw new RangeError(`--target ${name}: there are ${TARGETS.map((each) => each.name).join(', ')}`);
  });
}

async function fuzz({ inputs, seed, seconds, targets, keep }: Options): Promise<number> {
  console.log(`fuzz: ${inputs} inputs for ${targets.length} targets, --seed ${seed}`);
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  let [failed, all, cpu] = [0, 0, 0];
  for (const target of targets) {
    const part = target.share / shares;
    const budget = seconds === undefined ? {} : { budget: (seconds * 1000) / targets.length };
    const played = await play(target, { seed, inputs: Math.max(1, Math.ceil(inputs * part)), ...budget });
    all += played.inputs;
    cpu += played.cpu;
    tell(target, played);
    if (played.failure === undefined) continue;
    failed += 1;
    const { why, input, shrinks } = played.failure;
    console.log(
      `  FAILED: ${why}\n  after ${shrinks} steps of shrinking: ${JSON.stringify(input, conserve)?.slice(0, 1000)}`,
    );
    if (keep && input !== undefined) console.log(`  kept as ${keepInput(target.name, input, why)}`);
  }
  console.log(
    `fuzz: ${all} inputs in ${(cpu / 1000).toFixed(0)} s of processor time, ${failed} targets failed, seed ${seed}`,
  );
  return failed === 0 ? 0 : 1;
}

function tell({ name }: AnyTarget, { inputs, cpu, growth }: Played): void {
  const rate = Math.round(inputs / (cpu / 1000));
  const left = `${(growth / 2 ** 20).toFixed(1)} MiB left`;
  console.log(
    `${name.padEnd(18)} ${String(inputs).padStart(9)} inputs  ${String(rate).padStart(8)} /s  ${(cpu / 1000).toFixed(1).padStart(7)} s  ${left}`,
  );
}

async function record(): Promise<number> {
  if (!insideWorld()) return enterWorld([process.execPath, ...process.execArgv, ...process.argv.slice(1)]);
  await recordTraffic();
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')))
    throw error;
  console.error(`fuzz: ${(error as Error).message}\n${USAGE}`);
  process.exitCode = 2;
}
