/** The `checks` section: one kind of look for each check, VIPs that exist, times that fit together. */
import { z } from 'zod';
import type { Vip } from '../model/vip.ts';
import type { HealthCheckConfig, HealthProbe } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { formatDuration } from './duration.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import { expandRange } from './ranges.ts';
import { command, complaint, duration, integer, interfaceName, path, userName } from './schema-parts.ts';
import { suggest } from './suggest.ts';

export const CHECK_SECTION = z.strictObject({
  command: command()
    .optional()
    .describe(
      'Program with its arguments, without a shell: a text, or a list of words. Passes when it ends with 0',
    ),
  user: userName()
    .optional()
    .describe(
      'User the command runs as, which needs an agent that runs as root; absent: the user of the agent',
    ),
  tcp: z.string().min(1).max(128).optional().describe('`address:port` that must accept a connection'),
  interface: interfaceName()
    .optional()
    .describe('Interface that must be up and have a carrier; for one that carries no VIP'),
  process: z
    .string()
    .regex(/^[^\s/]{1,255}$/, {
      error: () => complaint('cannot be the name of a program', 'write it as `ps -e` shows it'),
    })
    .optional()
    .describe('Name of a program of which at least one must be running'),
  file: path().optional().describe('File that must be there'),
  no_file: path().optional().describe('File that must not be there'),
  interval: duration('100ms', '1h').prefault(DEFAULTS.check.interval).describe('Between two looks'),
  timeout: duration('50ms', '10m')
    .prefault(DEFAULTS.check.timeout)
    .describe('A look that takes longer has failed'),
  rise: integer(1, 100)
    .optional()
    .describe('Good results in a row that make it pass again; absent: 2 for `command` and `tcp`, else 1'),
  fall: integer(1, 100)
    .optional()
    .describe('Bad results in a row that make it fail; absent: 3 for `command` and `tcp`, else 1'),
  hold: duration('0s', '1h')
    .prefault(DEFAULTS.check.hold)
    .describe(
      'It passes again only after it has been good for this long; doubles with each relapse, up to 64 times',
    ),
  vips: z
    .array(z.string().min(1).max(128))
    .min(1)
    .max(10_000)
    .optional()
    .describe('VIPs it concerns, ranges too; absent: all'),
  penalty: integer(1, 1000)
    .optional()
    .describe(
      'While it fails, this member only comes after those with less of it; absent: it may not hold the VIPs',
    ),
  when_all_fail: z
    .enum(['keep', 'release'])
    .prefault(DEFAULTS.check.when_all_fail)
    .describe('Where nobody is fit: `keep`, the least unfit serves all the same; `release`, nobody does'),
});

export type CheckEntry = z.output<typeof CHECK_SECTION>;

export interface HealthContext {
  readonly vips: readonly Vip[];
  /** Makes a path absolute. */
  fromFolder(path: string): string;
}

/** Each look costs a little; a host that needs more has another problem. */
const CHECKS_MAX = 64;

/** What asks a program may be unlucky once; what the kernel says of a file, a process or a carrier is so. */
const SAMPLES = { rise: 2, fall: 3 };
const FACTS = { rise: 1, fall: 1 };

const KINDS = ['command', 'tcp', 'interface', 'process', 'file', 'no_file'] as const;

/** In order of the file. Checks with a finding against them are left out. */
export function buildHealthChecks(
  section: Readonly<Record<string, CheckEntry>>,
  context: HealthContext,
  findings: Findings,
): HealthCheckConfig[] {
  const entries = Object.entries(section);
  if (entries.length > CHECKS_MAX) {
    const what = `${entries.length} checks are more than the ${CHECKS_MAX} that are possible`;
    findings.error(['checks'], { what, mend: 'let one command look at several things', atKey: true });
  }
  return entries.slice(0, CHECKS_MAX).flatMap(([name, entry]) => {
    const path = ['checks', name];
    const probe = probeOf(entry, { path, context, findings });
    const vips = vipsOf(entry, { path, context, findings });
    fitTogether(entry, path, findings);
    if (probe === undefined) return [];
    const patience = probe.kind === 'command' || probe.kind === 'tcp' ? SAMPLES : FACTS;
    return {
      name,
      probe,
      interval_ms: entry.interval,
      timeout_ms: entry.timeout,
      rise: entry.rise ?? patience.rise,
      fall: entry.fall ?? patience.fall,
      hold_ms: entry.hold,
      ...(vips !== undefined && { vips }),
      ...(entry.penalty !== undefined && { penalty: entry.penalty }),
      when_all_fail: entry.when_all_fail,
    };
  });
}

interface Place {
  readonly path: Path;
  readonly context: HealthContext;
  readonly findings: Findings;
}

function probeOf(entry: CheckEntry, place: Place): HealthProbe | undefined {
  const { path, findings } = place;
  const given = KINDS.filter((kind) => entry[kind] !== undefined);
  if (given.length !== 1) {
    const what =
      given.length === 0 ? 'says nothing to look at' : `looks at several things: ${given.join(', ')}`;
    findings.error(path, { what, mend: `write one of ${KINDS.join(', ')}`, atKey: true });
    return undefined;
  }
  return readProbe(entry, place);
}

function readProbe(entry: CheckEntry, { path, context, findings }: Place): HealthProbe | undefined {
  const { command: argv, tcp, interface: device, process, file, no_file: absent } = entry;
  if (argv !== undefined) {
    const { user } = entry;
    return { kind: 'command', argv, ...(user !== undefined && { user }) };
  }
  if (tcp !== undefined) return tcpProbe(tcp, [...path, 'tcp'], findings);
  if (device !== undefined) return interfaceProbe(device, { path, context, findings });
  if (process !== undefined) return { kind: 'process', process };
  return { kind: 'file', path: context.fromFolder((file ?? absent)!), present: file !== undefined };
}

function tcpProbe(text: string, path: Path, findings: Findings): HealthProbe | undefined {
  const result = parseEndpoint(text, { defaultPort: 0, names: false });
  if (result.ok) return { kind: 'tcp', ...result.endpoint };
  const portless = result.what.startsWith('port of');
  const what = portless ? `${JSON.stringify(text)} names no port that there is` : result.what;
  findings.error(path, { what, mend: 'write an address and a port, such as 127.0.0.1:80 or [::1]:80' });
  return undefined;
}

/** The interfaces of VIPs are watched anyway, and by more than their carrier. */
function interfaceProbe(device: string, { path, context, findings }: Place): HealthProbe {
  const carrying = context.vips.find((vip) => vip.addresses.some((address) => address.interface === device));
  if (carrying !== undefined) {
    const what = `${device} carries ${carrying.id}, which moves away without a check when the carrier is lost`;
    findings.warn([...path, 'interface'], {
      what,
      mend: 'drop the check, unless it concerns VIPs elsewhere',
    });
  }
  return { kind: 'interface', interface: device };
}

function vipsOf({ vips }: CheckEntry, { path, context, findings }: Place): string[] | undefined {
  if (vips === undefined) return undefined;
  const known = new Set(context.vips.map(({ id }) => id));
  const named = new Set<string>();
  for (const [index, pattern] of vips.entries()) {
    const expansion = expandRange(pattern);
    if (!expansion.ok) {
      findings.error([...path, 'vips', index], expansion);
      continue;
    }
    const unknown = expansion.texts.find((id) => !known.has(id));
    if (unknown !== undefined) {
      const near = suggest(unknown, known);
      const mend = near === undefined ? 'name a VIP of this file' : `did you mean ${near}?`;
      findings.error([...path, 'vips', index], { what: `no VIP is called ${unknown}`, mend });
    }
    for (const id of expansion.texts) named.add(id);
  }
  return [...named];
}

function fitTogether(entry: CheckEntry, path: Path, findings: Findings): void {
  if (entry.user !== undefined && entry.command === undefined) {
    findings.error([...path, 'user'], { what: 'only a `command` runs as somebody', mend: 'drop it' });
  }
  if (entry.penalty !== undefined && entry.when_all_fail === 'release') {
    const what = 'with `penalty` a failing check takes nothing away, so there is nothing to release';
    findings.error([...path, 'when_all_fail'], { what, mend: 'drop one of the two' });
  }
  if (entry.timeout > entry.interval) {
    const interval = formatDuration(entry.interval);
    const what = `is longer than the interval (${interval}), so a look that hangs puts off the next`;
    findings.warn([...path, 'timeout'], { what, mend: `write at most ${interval}, or look less often` });
  }
}
