/** Section of an `exec` provider: the operator's program, and what it says of itself. */
import { z } from 'zod';
import type { Millis } from '../../model/time.ts';
import { DEFAULTS } from '../defaults.ts';
import { command, duration, integer, userName, yesNo } from '../schema-parts.ts';
import { guest } from './guest.ts';
import type { CheckContext, ProviderKind } from './provider-kind.ts';

export interface ExecProviderConfig {
  readonly kind: 'exec';
  /** Words of the command; the first is the absolute path of the program. */
  readonly command: readonly string[];
  /** It runs as this user; absent: as the agent's. */
  readonly user?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Longest for one run. */
  readonly timeout_ms: Millis;
  /** Between two looks whether what is held is still there. */
  readonly renew_interval_ms: Millis;
  readonly families: readonly (4 | 6)[];
  readonly scope: 'link' | 'subnet' | 'zone' | 'region' | 'any';
  readonly atomic_takeover: boolean;
  /** So long after its last renewal an address may stay with a host whose agent is gone; absent: for ever. */
  readonly lease_bound_ms?: Millis;
  /** Addresses of each family that this host can hold; absent: as many as it likes. */
  readonly slots?: number;
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

const schema = z.strictObject({
  kind: z.literal('exec').describe('A program of yours moves the addresses: any other platform'),
  command: command().describe(
    'The program, by its absolute path, and its arguments; no shell reads them. It is asked in JSON on standard input and answers so on standard output',
  ),
  user: userName()
    .optional()
    .describe("User it runs as, which needs an agent that runs as root; absent: the agent's"),
  env: z
    .record(z.string().regex(ENV_NAME), z.string().max(4096))
    .prefault({})
    .describe('Environment variables beside PATH and LC_ALL, which is all it has otherwise'),
  timeout: duration('100ms', '25s')
    .prefault(DEFAULTS.exec.timeout)
    .describe('One run that takes longer is ended, with all it started'),
  renew_interval: duration('1s', '1h')
    .prefault(DEFAULTS.exec.renew_interval)
    .describe('Between two looks whether what is held is still there'),
  families: z
    .array(z.union([z.literal(4), z.literal(6)]))
    .min(1)
    .max(2)
    .prefault([...DEFAULTS.exec.families])
    .describe('Address families it can move'),
  scope: z
    .enum(['link', 'subnet', 'zone', 'region', 'any'])
    .prefault(DEFAULTS.exec.scope)
    .describe('How far apart hosts may be that hand an address to each other'),
  atomic_takeover: yesNo(DEFAULTS.exec.atomic_takeover).describe(
    'Acquiring takes the address away from whoever has it, in one step of the platform',
  ),
  lease_bound: duration('1s', '24h')
    .optional()
    .describe(
      'Promise of yours: so long after its last renewal an address is gone from a host whose agent is dead; absent: it stays',
    ),
  slots: integer(0, 10_000)
    .optional()
    .describe('Addresses of each family that the platform lets this host hold; absent: as many as it likes'),
  guest: guest(),
});

export const EXEC_KIND: ProviderKind<typeof schema, ExecProviderConfig> = {
  schema,
  settingsOf: (section) => ({
    kind: 'exec',
    command: section.command,
    ...(section.user !== undefined && { user: section.user }),
    env: section.env,
    timeout_ms: section.timeout,
    renew_interval_ms: section.renew_interval,
    families: [...new Set(section.families)],
    scope: section.scope,
    atomic_takeover: section.atomic_takeover,
    ...(section.lease_bound !== undefined && { lease_bound_ms: section.lease_bound }),
    ...(section.slots !== undefined && { slots: section.slots }),
  }),
  check(settings, context) {
    checkFamilies(settings, context);
    const { lease_bound_ms: bound } = settings;
    if (bound !== undefined && bound < 2 * settings.renew_interval_ms) {
      const mend = 'write at least twice as much, so that one late renewal loses nothing';
      context.findings.error([...context.path, 'lease_bound'], {
        what: 'is less than two renewals (`renew_interval`)',
        mend,
      });
    }
  },
};

/** Addresses of a family that it cannot move. */
function checkFamilies({ families }: ExecProviderConfig, { name, carried, findings }: CheckContext): void {
  for (const { vip, addressPaths } of carried) {
    for (const [index, { family, address }] of vip.addresses.entries()) {
      if (families.includes(family)) continue;
      const what = `${address} is IPv${family}, and ${name} moves IPv${families.join(' and IPv')} only`;
      findings.error(addressPaths[index]!, {
        what,
        mend: `name another provider, or add ${family} to its \`families\``,
      });
    }
  }
}
