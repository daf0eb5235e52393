/** Section of a `local` provider: interfaces, lease and timers. */
import { z } from 'zod';
import type { Millis } from '../../model/time.ts';
import { DEFAULTS } from '../defaults.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { duration, integer, interfaceName, yesNo } from '../schema-parts.ts';
import {
  NOTIFY_SECTION,
  type NotifyConfig,
  notifyOf,
  type SharedNotifyConfig,
  sharedNotifyOf,
} from './notify.ts';
import type { CheckContext, ProviderKind } from './provider-kind.ts';

export interface LocalProviderConfig {
  readonly kind: 'local';
  /** Interface for addresses that name none. */
  readonly interface?: string;
  /** Kernel lifetime of an address (whole seconds, 2–3600), renewed by a healthy agent. */
  readonly lease_ms: Millis;
  readonly renew_interval_ms: Millis;
  /** The guardian removes addresses when it has heard no tick for this long. */
  readonly guardian_timeout_ms: Millis;
  /** Delays after the first announcement at which it is repeated. */
  readonly announce_repeat_ms: readonly Millis[];
  /**
   * Once in so long everything held is announced again, and so long others are listened to for the same of theirs: who does not hear us
   * and has what we hold. Absent: neither is done.
   */
  readonly announce_refresh_ms?: Millis;
  /** Ask the link for a stranger (RFC 5227) before every acquire, also where the earlier holder is known to be gone. */
  readonly probe_always: boolean;
  /** Between two probes for a silent link, and how many must stay unanswered in a row. */
  readonly silence_probe_interval_ms: Millis;
  readonly silence_probes: number;
  /** A carrier that came back must stay this long before the interface counts as fit again. */
  readonly carrier_hold_ms: Millis;
  /** Neighbours that are told directly of a new holder, besides the broadcast; absent: none. */
  readonly notify?: readonly NotifyConfig[];
  /** Absent: neighbour caches are neither read nor told to anybody. */
  readonly shared_neighbours?: SharedNeighboursConfig;
}

/** Announcing more often than this finds nobody sooner who is heard by none. */
const REFRESH_MIN: Millis = 500;

export interface SharedNeighboursConfig {
  /** Between two readings of the kernel's neighbour cache; what is not heard of again for three of them is forgotten. */
  readonly interval_ms: Millis;
  /** At least one. */
  readonly notify: readonly SharedNotifyConfig[];
}

const schema = z.strictObject({
  kind: z.literal('local').describe('Addresses on interfaces of this host; absent: the name of the provider'),
  interface: interfaceName().optional().describe('Interface for addresses that name none'),
  lease: duration('2s', '1h', { whole: '1s' })
    .prefault(DEFAULTS.local.lease)
    .describe('Lifetime the kernel gives an address; only a healthy agent renews it'),
  renew_interval: duration('100ms', '30m')
    .prefault(DEFAULTS.local.renew_interval)
    .describe('Between two renewals of the lease'),
  guardian_timeout: duration('500ms', '10m')
    .prefault(DEFAULTS.local.guardian_timeout)
    .describe(
      'The guardian removes the addresses when the agent, which speaks every 200ms, has said nothing for this long; longer than the others take to notice, so that they are ready',
    ),
  announce_repeat: z
    .array(duration('0s', '10m'))
    .max(32)
    .prefault([...DEFAULTS.local.announce_repeat])
    .describe('When, after the first announcement, it is repeated'),
  announce_refresh: duration('0s', '10m')
    .optional()
    .describe(
      'So often everything held is announced again, and the others are listened to: who hears them announce what it holds, and is not heard itself, lets go; the same on all hosts. `0s`: neither. Absent: 3s with Spread and corosync, `0s` with the embedded engine, whose heartbeats tell it sooner',
    ),
  probe_always: yesNo(DEFAULTS.local.probe_always).describe(
    'Ask the link for a stranger (RFC 5227) before every acquire',
  ),
  silence_probe_interval: duration('1ms', '1s')
    .prefault(DEFAULTS.local.silence_probe_interval)
    .describe(
      'Between two questions whether an address is still answered for; times `silence_probes` more than the longest round trip on the link',
    ),
  silence_probes: integer(1, 100)
    .prefault(DEFAULTS.local.silence_probes)
    .describe(
      'Questions in a row that must stay unanswered before an address counts as free; an answer that takes longer than all of them is none',
    ),
  carrier_hold: duration('0s', '10m')
    .prefault(DEFAULTS.local.carrier_hold)
    .describe('A carrier that came back stays this long before the interface counts as fit'),
  notify: NOTIFY_SECTION,
  neighbour_share_interval: duration('5s', '1h')
    .prefault(DEFAULTS.local.neighbour_share_interval)
    .describe(
      'With `neighbours: shared`: between two readings of the neighbour cache; the other members are told what is new in it, and all of it again after ten of them; what none has told of for thirteen is forgotten',
    ),
});

export const LOCAL_KIND: ProviderKind<typeof schema, LocalProviderConfig> = {
  schema,
  settingsOf: (section, { engine }) => ({
    kind: 'local',
    ...(section.interface !== undefined && { interface: section.interface }),
    lease_ms: section.lease,
    renew_interval_ms: section.renew_interval,
    guardian_timeout_ms: section.guardian_timeout,
    announce_repeat_ms: section.announce_repeat,
    ...refreshOf(section.announce_refresh ?? parseDuration(DEFAULTS.local.announce_refresh[engine])!),
    probe_always: section.probe_always,
    silence_probe_interval_ms: section.silence_probe_interval,
    silence_probes: section.silence_probes,
    carrier_hold_ms: section.carrier_hold,
    ...notifySettings(section),
  }),
  check(settings, context) {
    checkInterfaces(settings, context);
    checkLease(settings, context);
  },
};

function refreshOf(refresh: Millis): Pick<LocalProviderConfig, 'announce_refresh_ms'> {
  return refresh === 0 ? {} : { announce_refresh_ms: refresh };
}

function notifySettings({
  notify,
  neighbour_share_interval,
}: z.output<typeof schema>): Pick<LocalProviderConfig, 'notify' | 'shared_neighbours'> {
  const [ranges, shared] = [notifyOf(notify), sharedNotifyOf(notify)];
  return {
    ...(ranges.length > 0 && { notify: ranges }),
    ...(shared.length > 0 && {
      shared_neighbours: { interval_ms: neighbour_share_interval, notify: shared },
    }),
  };
}

/** Each address has an interface. */
function checkInterfaces(settings: LocalProviderConfig, { name, carried, findings }: CheckContext): void {
  if (settings.interface !== undefined) return;
  for (const { vip, addressPaths } of carried) {
    for (const [index, { interface: device }] of vip.addresses.entries()) {
      if (device !== undefined) continue;
      const mend = `write \`providers: {${name}: {interface: eth0}}\` with the name of the interface, or \`interface\` at the VIP`;
      findings.error(addressPaths[index]!, { what: 'nothing says which interface carries it', mend });
    }
  }
}

/** Timers against each other and against the agent's. */
function checkLease(settings: LocalProviderConfig, { name, path, agent, findings }: CheckContext): void {
  const lease = formatDuration(settings.lease_ms);
  if (settings.renew_interval_ms * 2 > settings.lease_ms) {
    const mend = `write at most half of the lease (${lease}), so that one late renewal loses nothing`;
    findings.error([...path, 'renew_interval'], { what: 'is more than half of the lease', mend });
  }
  if ((settings.announce_refresh_ms ?? REFRESH_MIN) < REFRESH_MIN) {
    const mend = `write at least ${formatDuration(REFRESH_MIN)}, or 0s for none`;
    findings.error([...path, 'announce_refresh'], { what: 'is a flood of announcements', mend });
  }
  if (settings.guardian_timeout_ms > settings.lease_ms) {
    const mend = `write at most the lease (${lease}); later the kernel has removed the addresses already`;
    findings.error([...path, 'guardian_timeout'], { what: 'is longer than the lease', mend });
  }
  if (agent.stall_bound_ms > settings.lease_ms) {
    const what = `is longer than the lease of ${name} (${lease}): another member may hold the VIPs by then`;
    findings.error(['agent', 'stall_bound'], { what, mend: `write at most ${lease}` });
  }
}
