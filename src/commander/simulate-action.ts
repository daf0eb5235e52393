/** `wackamole simulate`: what would happen in the cluster of this file if these hosts failed; nothing is touched. */
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { suggest } from '../config/suggest.ts';
import type { Distribution, Rehearsed, RehearsedFault, SideOutcome } from '../model/rehearsal.ts';
import type { Collaborators } from './collaborators.ts';
import { exitCode } from './exit-codes.ts';
import { count, printable } from './format.ts';
import { painter } from './paint.ts';
import { readerOf } from './reader.ts';
import { renderTable } from './table.ts';

export interface SimulateOptions {
  readonly config: string;
  readonly faults: readonly RehearsedFault[];
  /** Absent: those of `group.peers`. */
  readonly hosts?: readonly string[];
  readonly seeds: number;
  readonly json: boolean;
}

export async function simulate(options: SimulateOptions, collaborators: Collaborators): Promise<number> {
  const refuse = (text: string) => {
    collaborators.stderr.write(`${printable(text)}\n`);
    return exitCode('usage');
  };
  let text: string;
  try {
    text = await collaborators.readFile(options.config);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse(`cannot read ${options.config}: ${why}; name the file with --config`);
  }
  const { parseConfig } = await import('../config/parse.ts');
  const { readSource } = await import('../config/source.ts');
  const hostName = readerOf(readSource(text).value, collaborators.hostName);
  const parsed = parseConfig(text, { fileName: options.config, hostName });
  if (!parsed.ok) return refuse(parsed.problems.map(formatProblem).join('\n'));
  const { config } = parsed;
  const hosts = options.hosts ?? hostsOf(config);
  const problem = problemOf(config, hosts, options.faults);
  if (problem !== undefined) return refuse(problem);
  const { faults, seeds } = options;
  const rehearsed = await collaborators.rehearse({ config, hosts, faults, runs: seeds });
  if (options.json) collaborators.stdout.write(`${JSON.stringify(rehearsed, undefined, 2)}\n`);
  else collaborators.stdout.write(tell(rehearsed, collaborators));
  return exitCode('ok');
}

/** Its peers, and itself where it is one of them or has none. */
function hostsOf({ group, member }: Config): readonly string[] {
  const names = group.engine === 'embedded' ? group.peers.map(({ name }) => name) : [];
  return names.length === 0 ? [member] : names;
}

function problemOf(
  { group }: Config,
  hosts: readonly string[],
  faults: readonly RehearsedFault[],
): string | undefined {
  if (group.engine !== 'embedded')
    return `group.engine is ${group.engine}: the simulator knows the embedded engine alone`;
  if (hosts.length < 2)
    return 'the file names no other hosts, since they are discovered: name all of them with --hosts a,b,c';
  for (const host of faults.flatMap((fault) => fault.hosts)) {
    if (hosts.includes(host)) continue;
    const meant = suggest(host, hosts);
    const question = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    return `--fault: there is no host ${host}${question}; the hosts are ${hosts.join(', ')}`;
  }
  return undefined;
}

function tell({ runs, faults, sides }: Rehearsed, collaborators: Collaborators): string {
  const lines = [
    `${faults.map(({ kind, hosts }) => `${kind} ${hosts.join(', ')}`).join('; ')} — ${count(runs, 'simulated run')}`,
  ];
  if (sides.length === 0) lines.push('', 'No host is left.');
  for (const side of sides) lines.push('', ...tellSide(side, sides.length > 1, collaborators));
  return `${lines.join('\n')}\n`;
}

const UNSERVED_SHOWN_MAX = 10;

function tellSide(side: SideOutcome, parted: boolean, collaborators: Collaborators): string[] {
  const { interrupted, until_served_ms, unserved, hosts } = side;
  const paint = painter(collaborators.terminal().color);
  const where = `${parted ? 'On the side of' : 'Among'} ${hosts.map(({ name }) => name).join(', ')}: `;
  const lines = [
    interrupted.worst === 0
      ? `${where}${unserved.length === 0 ? 'no VIP is interrupted' : `nobody takes over ${count(unserved.length, 'VIP')}`}.`
      : `${where}${range(interrupted)} VIPs are interrupted; all that can be are served after ${duration(until_served_ms)}.`,
  ];
  for (const { vip, reason } of unserved.slice(0, UNSERVED_SHOWN_MAX))
    lines.push(paint('bad', printable(`${vip} is served by nobody: ${reason}`)));
  if (unserved.length > UNSERVED_SHOWN_MAX)
    lines.push(paint('bad', `and ${count(unserved.length - UNSERVED_SHOWN_MAX, 'more VIP')} by nobody`));
  const rows = hosts.map(({ name, vips_before, vips, load }) => ({
    cells: [name, range(vips_before), range(vips), range(load)].map((text) => ({ text })),
  }));
  return [...lines, ...renderTable(['HOST', 'VIPS BEFORE', 'VIPS AFTER', 'LOAD AFTER'], rows, { paint })];
}

/** `12`, or `12, at worst 14`. */
function range({ median, worst }: Distribution): string {
  return median === worst ? `${median}` : `${median}, at worst ${worst}`;
}

function duration({ median, worst }: Distribution): string {
  return `${seconds(median)}, at worst ${seconds(worst)}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
