/** The commands about files: check, schema. Zod and YAML are loaded only when one of them runs. */

import type { ParseResult } from '../config/parse.ts';
import { formatProblem } from '../config/problem.ts';
import type { Collaborators, HostCheck } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable } from './format.ts';
import { painter, type Style } from './paint.ts';
import type { Actions } from './program.ts';

type ConfigActions = Pick<Actions, 'configCheck' | 'configSchema'>;

export function configActions(collaborators: Collaborators): ConfigActions {
  const { stdout } = collaborators;
  return {
    configCheck: (options) => checkConfig(options, collaborators),
    configSchema: async () => {
      const { configJsonSchema } = await import('../config/json-schema.ts');
      stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
      return exitCode('ok');
    },
  };
}

interface CheckOptions {
  readonly file: string;
  readonly host: boolean;
  readonly json: boolean;
}

async function checkConfig(
  { file, host, json }: CheckOptions,
  collaborators: Collaborators,
): Promise<number> {
  let text: string;
  try {
    text = await collaborators.readFile(file);
  } catch (error) {
    collaborators.stderr.write(`cannot read ${file}: ${messageOf(error)}; name the configuration file\n`);
    return exitCode('usage');
  }
  const { parseConfig } = await import('../config/parse.ts');
  const result = parseConfig(text, { fileName: file, hostName: collaborators.hostName });
  const checks = host && result.ok ? await examineHost(result, collaborators) : [];
  if (json) collaborators.stdout.write(`${JSON.stringify(reportOf(result, checks), null, 2)}\n`);
  else describe(result, { file, checks, collaborators });
  if (!result.ok) return exitCode('usage');
  return exitCode(checks.some(({ verdict }) => verdict === 'fail') ? 'refused' : 'ok');
}

type Parsed = Extract<ParseResult, { ok: true }>;

async function examineHost(
  { config, keyFile }: Parsed,
  collaborators: Collaborators,
): Promise<readonly HostCheck[]> {
  const checks: HostCheck[] = [];
  if (keyFile !== undefined) checks.push(await examineKey(keyFile, collaborators));
  return [...checks, ...(await collaborators.checkHost(config))];
}

async function examineKey(path: string, collaborators: Collaborators): Promise<HostCheck> {
  try {
    const keys = (await collaborators.readKeyFile(path)).map(collaborators.fingerprintOf);
    const problem = await collaborators.serviceKeyProblem(path);
    if (problem !== undefined) return keyCheck('warn', problem);
    const which = keys.length === 1 ? `a key (${keys[0]})` : `keys (${keys.join(', ')})`;
    return {
      what: 'cluster key',
      verdict: 'pass',
      detail: `${path} holds ${which} that only its owner may read`,
    };
  } catch (error) {
    return keyCheck('fail', messageOf(error));
  }
}

function keyCheck(verdict: HostCheck['verdict'], problem: string): HostCheck {
  const [detail, ...mend] = problem.split('; ');
  return { what: 'cluster key', verdict, detail: detail!, mend: mend.join('; ') };
}

function reportOf(result: ParseResult, checks: readonly HostCheck[]): Record<string, unknown> {
  const { ok, warnings } = result;
  const problems = result.ok ? [] : result.problems;
  return { ok: ok && checks.every(({ verdict }) => verdict !== 'fail'), problems, warnings, checks };
}

interface Description {
  readonly file: string;
  readonly checks: readonly HostCheck[];
  readonly collaborators: Collaborators;
}

function describe(result: ParseResult, { file, checks, collaborators }: Description): void {
  const { stdout, stderr } = collaborators;
  for (const warning of result.warnings) stderr.write(`warning: ${printable(formatProblem(warning))}\n`);
  if (!result.ok) {
    for (const problem of result.problems) stderr.write(`${printable(formatProblem(problem))}\n`);
    stderr.write(`${file}: ${count(result.problems.length, 'problem')}\n`);
    return;
  }
  const { cluster, member, vips, digest } = result.config;
  stdout.write(
    `${file}: ok; cluster ${cluster}, member ${member}, ${count(vips.length, 'VIP')}, digest ${digest}\n`,
  );
  const paint = painter(collaborators.terminal().color);
  for (const { vip, what, verdict, detail, mend } of checks) {
    const subject = vip === undefined ? what : `${vip}: ${what}`;
    const advice = verdict === 'pass' || mend === undefined ? '' : `; ${mend}`;
    stdout.write(
      `${paint(VERDICT_STYLE[verdict], verdict.padEnd(7))} ${printable(`${subject}: ${detail}${advice}`)}\n`,
    );
  }
}

const VERDICT_STYLE: Readonly<Record<HostCheck['verdict'], Style>> = {
  pass: 'good',
  warn: 'busy',
  fail: 'bad',
  unknown: 'busy',
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
