/** `guest`: the address is on an interface of this host too, beside what the provider moves. Any kind may offer the key. */
import { z } from 'zod';
import { DEFAULTS } from '../defaults.ts';
import { parseDuration } from '../duration.ts';
import type { Findings } from '../findings.ts';
import type { Path } from '../problem.ts';
import { integer, interfaceName, name } from '../schema-parts.ts';
import type { LocalProviderConfig } from './local.ts';

/** How the address stands on this host. */
export interface GuestConfig {
  readonly local: LocalProviderConfig;
  /** Interface of all addresses, whatever the VIPs say. */
  readonly interface: string;
  /** Prefix lengths by family; absent: host routes. */
  readonly prefix: { readonly 4: number; readonly 6: number };
}

const settings = z.strictObject({
  interface: interfaceName().describe('Interface that carries the address in the guest'),
  prefix: integer(1, 32)
    .prefault(32)
    .describe('Prefix length of IPv4 addresses in the guest; IPv6 addresses are host routes of their own'),
});

export function guest() {
  return z
    .union([name('provider'), settings])
    .optional()
    .describe(
      'The address is put on an interface of this host too, under a lease and a guardian: the name of a `local` provider, or which interface; absent: it is not',
    );
}

type GuestShape = z.output<ReturnType<typeof guest>>;

export interface GuestContext {
  /** Of the provider that has the key. */
  readonly path: Path;
  /** Of this file, by name. */
  readonly locals: ReadonlyMap<string, LocalProviderConfig>;
  readonly findings: Findings;
}

/** Undefined where the section has none, or with a finding. */
export function guestOf(
  section: GuestShape,
  { path, locals, findings }: GuestContext,
): GuestConfig | undefined {
  if (section === undefined) return undefined;
  const at = [...path, 'guest'];
  if (typeof section !== 'string') {
    const { interface: device, prefix } = section;
    return {
      local: DEFAULT_LOCAL,
      interface: device,
      prefix: { 4: prefix, 6: 128 },
    };
  }
  const local = locals.get(section);
  if (local?.interface !== undefined) return { local, interface: local.interface, prefix: { 4: 32, 6: 128 } };
  const what =
    local === undefined
      ? `this file has no \`local\` provider ${section}`
      : `provider ${section} names no interface`;
  findings.error(at, {
    what,
    mend: 'write the name of one that has `interface`, or `guest: {interface: eth0}`',
  });
  return undefined;
}

/** A `local` provider of which the file says nothing but the interface. */
const DEFAULT_LOCAL: LocalProviderConfig = {
  kind: 'local',
  lease_ms: parseDuration(DEFAULTS.local.lease)!,
  renew_interval_ms: parseDuration(DEFAULTS.local.renew_interval)!,
  guardian_timeout_ms: parseDuration(DEFAULTS.local.guardian_timeout)!,
  announce_repeat_ms: DEFAULTS.local.announce_repeat.map((text) => parseDuration(text)!),
  probe_always: DEFAULTS.local.probe_always,
  silence_probe_interval_ms: parseDuration(DEFAULTS.local.silence_probe_interval)!,
  silence_probes: DEFAULTS.local.silence_probes,
  carrier_hold_ms: parseDuration(DEFAULTS.local.carrier_hold)!,
};
