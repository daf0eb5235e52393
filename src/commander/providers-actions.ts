/** `wackamole providers list | policy | test`: what moves the addresses here, what it must be allowed, and whether a failover would work. */
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { suggest } from '../config/suggest.ts';
import { ControlError } from '../control/control-error.ts';
import type { Status } from '../model/status.ts';
import type { Millis } from '../model/time.ts';
import { clusterChecks } from './cluster-checks.ts';
import type { Collaborators, KnownKind, ProviderCheck, ProviderList } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable, printableThroughout } from './format.ts';
import { type Paint, painter, type Style } from './paint.ts';
import type { Actions } from './program.ts';
import { readerOf } from './reader.ts';
import { type Row, renderTable } from './table.ts';

export interface ProvidersTestOptions {
  readonly config: string;
  readonly json: boolean;
  /** Absent: all. */
  readonly provider?: string;
  readonly vip?: string;
  /** For everything together. */
  readonly timeout: Millis;
  /** Hosts that shall be able to fail at once. */
  readonly failures: number;
}

type ProvidersActions = Pick<Actions, 'providersList' | 'providersPolicy' | 'providersTest'>;

/** Could not tell: this command's own meaning of the code, as scripts that ask it expect. */
const COULD_NOT_TELL = 2;
/** Longest wait for the agent of this host, which may not be there. */
const AGENT_PATIENCE: Millis = 2_000;

export function providersActions(collaborators: Collaborators): ProvidersActions {
  return {
    providersList: (options) => list(options, collaborators),
    providersPolicy: (options) => policy(options, collaborators),
    providersTest: (options) => test(options, collaborators),
  };
}

type Read = { readonly config: Config } | { readonly code: number };

interface Reading {
  /** It need not be a file for this host: then it is read as its first host would read it. */
  readonly anywhere?: boolean;
}

/** Says what is wrong with the file, if anything is. */
async function readConfig(
  file: string,
  collaborators: Collaborators,
  { anywhere = false }: Reading = {},
): Promise<Read> {
  const { stderr } = collaborators;
  try {
    const text = await collaborators.readFile(file);
    const { parseConfig } = await import('../config/parse.ts');
    const { readSource } = await import('../config/source.ts');
    const hostName = anywhere
      ? readerOf(readSource(text).value, collaborators.hostName)
      : collaborators.hostName;
    const parsed = parseConfig(text, { fileName: file, hostName });
    if (parsed.ok) return { config: parsed.config };
    for (const problem of parsed.problems) stderr.write(`${printable(formatProblem(problem))}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    stderr.write(`${printable(`cannot read ${file}: ${why}; name the file with --config`)}\n`);
  }
  return { code: exitCode('usage') };
}

// --- list ---

async function list(
  { config: file, json }: { readonly config: string; readonly json: boolean },
  collaborators: Collaborators,
): Promise<number> {
  // What is installed can be told without a file, too.
  const read = await readConfig(file, { ...collaborators, stderr: { write: () => {} } }, { anywhere: true });
  const known = await collaborators.listProviders('config' in read ? read.config : undefined);
  const missing =
    'config' in read ? undefined : `${file} cannot be used: see \`wackamole config check ${file}\``;
  if (json)
    collaborators.stdout.write(`${JSON.stringify({ ...known, ...(missing && { missing }) }, null, 2)}\n`);
  else collaborators.stdout.write(`${drawList(known, collaborators, missing)}\n`);
  return exitCode('ok');
}

function drawList(
  { kinds, configured }: ProviderList,
  collaborators: Collaborators,
  missing: string | undefined,
): string {
  const paint = painter(collaborators.terminal().color);
  const kindRows = kinds.map(
    (kind): Row => ({ cells: [kind.kind, kind.about, needs(kind)].map((text) => ({ text })) }),
  );
  const lines = renderTable(['KIND', 'MOVES', 'NEEDS'], kindRows, { paint });
  if (missing !== undefined) return [...lines, '', missing].join('\n');
  const rows = configured.map(
    ({ name, kind, vips }): Row => ({ cells: [name, kind, count(vips, 'VIP')].map((text) => ({ text })) }),
  );
  return [...lines, '', ...renderTable(['CONFIGURED', 'KIND', 'CARRIES'], rows, { paint })].join('\n');
}

function needs({ packages }: KnownKind): string {
  return packages
    .map(({ name, version }) => (version === undefined ? `${name} (not installed)` : `${name} ${version}`))
    .join(', ');
}

// --- policy ---

async function policy(
  { which, config: file }: { readonly which: string; readonly config: string },
  collaborators: Collaborators,
): Promise<number> {
  const read = await readConfig(file, collaborators, { anywhere: true });
  if ('code' in read) return read.code;
  const { providers } = read.config;
  // A name stands for itself, though a kind be called so too.
  const named = Object.entries(providers).filter(([name, { kind }]) =>
    Object.hasOwn(providers, which) ? name === which : kind === which,
  );
  const refuse = (text: string) => {
    collaborators.stderr.write(`${printable(text)}\n`);
    return exitCode('usage');
  };
  if (named.length === 0) {
    const near = suggest(which, [
      ...Object.keys(providers),
      ...Object.values(providers).map(({ kind }) => kind),
    ]);
    return refuse(`${file} has no provider ${which}${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  const names = named.map(([name]) => name);
  const document = await collaborators.providerPolicy(read.config, names);
  if (document === undefined)
    return refuse(`provider ${names.join(', ')} needs no permissions of a platform: it has no policy`);
  collaborators.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  return exitCode('ok');
}

// --- test ---

async function test(options: ProvidersTestOptions, collaborators: Collaborators): Promise<number> {
  const read = await readConfig(options.config, collaborators);
  if ('code' in read) return read.code;
  const { config } = read;
  const unknown = unknownName(options, config);
  if (unknown !== undefined) {
    collaborators.stderr.write(`${printable(unknown)}\n`);
    return exitCode('usage');
  }
  const agent = await askAgent(config, collaborators);
  const { provider, vip, timeout, failures } = options;
  const own = await collaborators.testProviders({
    config,
    timeout,
    ...(provider !== undefined && { provider }),
    ...(vip !== undefined && { vip }),
    ...(agent.status !== undefined && { context: contextOf(agent.status) }),
  });
  const routes = collaborators.defaultRoutes();
  const whole = clusterChecks({ config, status: agent.status, routes, failures, checks: own });
  const checks = [...own, ...whole];
  const verdict = verdictOf(checks);
  const shown = printableThroughout({ verdict, agent: agent.words, checks });
  if (options.json) collaborators.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  else collaborators.stdout.write(draw(shown, collaborators));
  return { pass: exitCode('ok'), fail: exitCode('refused'), unknown: COULD_NOT_TELL }[verdict];
}

function unknownName(
  { provider, vip, config: file }: ProvidersTestOptions,
  { providers, vips }: Config,
): string | undefined {
  const complain = (kind: string, name: string, known: readonly string[]) => {
    const near = suggest(name, known);
    return `${file} has no ${kind} ${name}${near === undefined ? `: it has ${known.slice(0, 10).join(', ')}` : `; did you mean ${near}?`}`;
  };
  if (provider !== undefined && !Object.hasOwn(providers, provider))
    return complain('provider', provider, Object.keys(providers));
  if (vip !== undefined && !vips.some(({ id }) => id === vip))
    return complain(
      'VIP',
      vip,
      vips.map(({ id }) => id),
    );
  return undefined;
}

interface AgentAnswer {
  readonly status?: Status;
  readonly words: string;
}

/** It need not be there. */
async function askAgent({ control }: Config, { request }: Collaborators): Promise<AgentAnswer> {
  try {
    const answer = await request(control.socket, { kind: 'status' }, { timeout: AGENT_PATIENCE });
    if (answer.ok && 'status' in answer)
      return { status: answer.status, words: `runs here, ${answer.status.phase}` };
    return { words: 'runs here, and does not tell its status' };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return { words: error.code === 'no-agent' ? 'none runs here' : `not asked: ${error.message}` };
  }
}

function contextOf({ self, vips }: Status) {
  const holders = vips.flatMap(({ vip, holder, allocated }) => {
    const who = holder ?? allocated;
    return who === undefined ? [] : [{ vip, here: who === self }];
  });
  const names = (wanted: boolean) => holders.flatMap(({ vip, here }) => (here === wanted ? [vip] : []));
  return { here: names(true), elsewhere: names(false) };
}

export type TestVerdict = 'pass' | 'fail' | 'unknown';

/** A warning is no failure: the failover would work, and surprise somebody. */
export function verdictOf(checks: readonly ProviderCheck[]): TestVerdict {
  if (checks.some(({ verdict }) => verdict === 'fail')) return 'fail';
  return checks.length === 0 || checks.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'pass';
}

const VERDICT_STYLE: Readonly<Record<ProviderCheck['verdict'], Style>> = {
  pass: 'good',
  warn: 'busy',
  fail: 'bad',
  unknown: 'busy',
};

const IN_A_WORD: Readonly<Record<TestVerdict, string>> = {
  pass: 'a failover to this host would work',
  fail: 'a failover to this host would fail',
  unknown: 'it could not be told whether a failover to this host would work',
};

interface Shown {
  readonly verdict: TestVerdict;
  readonly agent: string;
  readonly checks: readonly ProviderCheck[];
}

function draw({ verdict, agent, checks }: Shown, collaborators: Collaborators): string {
  const { color, columns } = collaborators.terminal();
  const paint = painter(color);
  const rows = checks.map((check) => rowOf(check));
  const table = renderTable(['', 'PROVIDER', 'VIP', 'CHECK', 'FOUND'], rows, {
    paint,
    ...(columns !== undefined && { width: Math.max(60, columns) }),
  });
  return `${[...table, '', summary(checks, verdict, paint), `agent: ${agent}; nothing was changed`].join('\n')}\n`;
}

/** What stands in the way is told at full length below its line, with how to mend it. */
function rowOf({ provider = 'cluster', vip = '', what, verdict, detail, mend }: ProviderCheck): Row {
  const cells = [
    { text: verdict, style: VERDICT_STYLE[verdict] },
    { text: provider },
    { text: vip },
    { text: what },
    { text: verdict === 'pass' ? detail : '' },
  ];
  if (verdict === 'pass') return { cells };
  return {
    cells,
    notes: [{ text: detail }, ...(mend === undefined ? [] : [{ text: `→ ${mend}`, style: 'bold' as const }])],
  };
}

function summary(checks: readonly ProviderCheck[], verdict: TestVerdict, paint: Paint): string {
  const counted = (['pass', 'warn', 'fail', 'unknown'] as const).flatMap((kind) => {
    const found = checks.filter((check) => check.verdict === kind).length;
    return found === 0 ? [] : [`${found} ${kind}`];
  });
  const style = { pass: 'good', fail: 'bad', unknown: 'busy' } as const;
  return `${count(checks.length, 'check')}: ${counted.join(', ')}; ${paint(style[verdict], IN_A_WORD[verdict])}`;
}
