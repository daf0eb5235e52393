/** Section of a `gcp` provider: which register of Compute Engine it moves, for which instance, and how patiently. */
import { z } from 'zod';
import type { Millis } from '../../model/time.ts';
import { complaint, duration, integer } from '../schema-parts.ts';
import { guest } from './guest.ts';
import type { CheckContext, ProviderKind } from './provider-kind.ts';

export type GcpMode = 'alias-ip' | 'external-ip' | 'route';

export interface GcpProviderConfig {
  readonly kind: 'gcp';
  readonly mode: GcpMode;
  /** Absent, and the two below: as the metadata server says. */
  readonly project?: string;
  readonly zone?: string;
  readonly instance?: string;
  /** Of this host: `nic0` … */
  readonly interface: string;
  /** Mode `alias-ip`: secondary range of the subnetwork; absent: its primary range. */
  readonly range?: string;
  /** Mode `alias-ip`: how many ranges an interface may have. */
  readonly alias_limit: number;
  /** Mode `route`: of the routes; the lower wins. */
  readonly priority: number;
  /** URL instead of Google's. */
  readonly endpoint?: string;
  /** URL of the metadata server. */
  readonly metadata_endpoint?: string;
  /** Longest wait for one answer. */
  readonly call_timeout_ms: Millis;
  /** Longest wait for an operation. */
  readonly operation_timeout_ms: Millis;
  /** Longest time between a change that is done and its sight. */
  readonly settle_timeout_ms: Millis;
  /** Between two looks of an idle agent. */
  readonly look_interval_ms: Millis;
}

/** RFC 1035 labels, as resources are named. */
const RESOURCE = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

function url() {
  const mend = 'write a URL such as https://compute.googleapis.com';
  return z.string().regex(/^https?:\/\/[^\s/]+\/?$/, {
    error: () => complaint('not a URL of a host', mend),
  });
}

function named(pattern: RegExp, what: string, example: string) {
  return z.string().regex(pattern, {
    error: (issue) =>
      complaint(`${JSON.stringify(issue.input)} names no ${what}`, `write one such as ${example}`),
  });
}

const schema = z.strictObject({
  kind: z.literal('gcp').describe('Addresses moved by the API of Google Compute Engine'),
  mode: z
    .enum(['alias-ip', 'external-ip', 'route'])
    .describe(
      'What leads the address here: `alias-ip`, an alias range of an interface (one subnetwork, any zone of its region); `external-ip`, a reserved public address; `route`, a host route of the network',
    ),
  project: named(/^([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]$/, 'project', 'my-project-123')
    .optional()
    .describe("Project; absent: the instance's own"),
  zone: named(/^[a-z]+-[a-z]+\d-[a-z]$/, 'zone', 'europe-west3-a')
    .optional()
    .describe('Zone of this host; absent: as the metadata server says'),
  instance: named(RESOURCE, 'instance', 'web-1')
    .optional()
    .describe('Name of this instance; absent: as the metadata server says'),
  interface: named(/^nic\d{1,2}(\.\d{1,4})?$/, 'interface', 'nic0')
    .prefault('nic0')
    .describe('Interface of this host that carries addresses'),
  range: named(RESOURCE, 'range', 'vips')
    .optional()
    .describe(
      'Mode `alias-ip`: secondary range of the subnetwork that the addresses are of; absent: its primary one',
    ),
  alias_limit: integer(1, 1000)
    .prefault(100)
    .describe('Mode `alias-ip`: how many alias ranges an interface may have; see the quotas of your project'),
  priority: integer(0, 65_535)
    .prefault(1000)
    .describe('Mode `route`: priority of the routes; of two routes the lower one wins'),
  endpoint: url().optional().describe("URL of the API; absent: Google's"),
  metadata_endpoint: url().optional().describe('URL of the metadata server; absent: http://169.254.169.254'),
  call_timeout: duration('200ms', '60s').prefault('5s').describe('Longest wait for one answer of the API'),
  operation_timeout: duration('1s', '5m')
    .prefault('60s')
    .describe('Longest wait for an operation: Google moves an alias within a minute'),
  settle_timeout: duration('1s', '25s')
    .prefault('10s')
    .describe('Longest time until a change that is done is seen in the API'),
  look_interval: duration('1s', '1h')
    .prefault('60s')
    .describe('How often an idle agent looks whether all is as it should be'),
  guest: guest(),
});

export const GCP_KIND: ProviderKind<typeof schema, GcpProviderConfig> = {
  schema,
  settingsOf: ({ endpoint, metadata_endpoint, ...section }) => ({
    kind: 'gcp',
    mode: section.mode,
    ...(section.project !== undefined && { project: section.project }),
    ...(section.zone !== undefined && { zone: section.zone }),
    ...(section.instance !== undefined && { instance: section.instance }),
    interface: section.interface,
    ...(section.range !== undefined && { range: section.range }),
    alias_limit: section.alias_limit,
    priority: section.priority,
    ...(endpoint !== undefined && { endpoint: endpoint.replace(/\/$/, '') }),
    ...(metadata_endpoint !== undefined && { metadata_endpoint: metadata_endpoint.replace(/\/$/, '') }),
    call_timeout_ms: section.call_timeout,
    operation_timeout_ms: section.operation_timeout,
    settle_timeout_ms: section.settle_timeout,
    look_interval_ms: section.look_interval,
  }),
  check(settings, context) {
    if (settings.range !== undefined && settings.mode !== 'alias-ip')
      context.findings.error(context.path, {
        what: `names a range of the subnetwork, and mode \`${settings.mode}\` knows none`,
        mend: 'write `mode: alias-ip`, or drop `range`',
        atKey: true,
      });
    checkAddresses(settings, context);
  },
};

/** What the mode can never carry is told before a failover has to. */
function checkAddresses({ mode }: GcpProviderConfig, { carried, findings }: CheckContext): void {
  for (const { vip, addressPaths } of carried) {
    for (const [at, { family, address }] of vip.addresses.entries()) {
      if (family === 6) {
        const mend = 'use another provider for it';
        findings.error(addressPaths[at]!, { what: `${address}: kind \`gcp\` moves IPv4 alone`, mend });
      } else if (mode === 'external-ip' && at > 0) {
        const mend = 'make VIPs of one address each';
        findings.error(addressPaths[at]!, {
          what: `${address}: an interface has one external address`,
          mend,
        });
      }
    }
  }
}
