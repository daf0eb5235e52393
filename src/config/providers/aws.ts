/** Section of an `aws` provider: which register of EC2 it moves, on which interfaces, and how patiently. */
import { z } from 'zod';
import type { Millis } from '../../model/time.ts';
import { complaint, duration, integer } from '../schema-parts.ts';
import { guest } from './guest.ts';
import type { CheckContext, ProviderKind } from './provider-kind.ts';

export type AwsMode = 'secondary-ip' | 'elastic-ip' | 'route';

export interface AwsProviderConfig {
  readonly kind: 'aws';
  readonly mode: AwsMode;
  /** Absent: the environment's (`AWS_REGION`), or the instance's own. */
  readonly region?: string;
  /** Interfaces of this host: `eni-…`, a MAC, the name of a link, or a device index. Never empty. */
  readonly interfaces: readonly (string | number)[];
  /** Mode `route`: the tables concerned, by id, by tags or by the subnets they are in force for. */
  readonly tables?: {
    readonly ids?: readonly string[];
    readonly tags?: Readonly<Record<string, string>>;
    readonly subnets?: readonly string[];
  };
  /** URL instead of Amazon's. */
  readonly endpoint?: string;
  /** URL of the metadata service. */
  readonly metadata_endpoint?: string;
  /** Longest wait for one answer. */
  readonly call_timeout_ms: Millis;
  /** Longest time between a granted change and its sight. */
  readonly settle_timeout_ms: Millis;
  /** Between two looks of an idle agent. */
  readonly look_interval_ms: Millis;
}

const eniId = /^eni-[0-9a-f]{8,17}$/;
const mac = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
const link = /^(?!\.{1,2}$)(?!eni-)[^\s/:]{1,15}$/;

function url() {
  const mend = 'write a URL such as https://ec2.eu-central-1.amazonaws.com';
  return z.string().regex(/^https?:\/\/[^\s/]+(\/\S*)?$/, {
    error: () => complaint('not a URL', mend),
  });
}

function id(prefix: 'rtb' | 'subnet') {
  return z.string().regex(new RegExp(`^${prefix}-[0-9a-f]{8,17}$`), {
    error: (issue) =>
      complaint(`${JSON.stringify(issue.input)} is no id`, `write ${prefix}-0123456789abcdef0`),
  });
}

const networkInterface = z.union([
  integer(0, 63),
  z.string().refine((text) => eniId.test(text) || mac.test(text) || link.test(text), {
    error: (issue) =>
      complaint(
        `${JSON.stringify(issue.input)} names no interface`,
        'write eni-0123456789abcdef0, a MAC, a link such as ens5, or a device index such as 0',
      ),
  }),
]);

const schema = z.strictObject({
  kind: z.literal('aws').describe('Addresses moved by the API of Amazon EC2'),
  mode: z
    .enum(['secondary-ip', 'elastic-ip', 'route'])
    .describe(
      'What leads the address here: `secondary-ip`, a secondary address of an interface (IPv4, IPv6; one subnet); `elastic-ip`, a public address; `route`, a host route in route tables (across zones)',
    ),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, {
      error: (issue) =>
        complaint(`${JSON.stringify(issue.input)} is no region`, 'write one such as eu-central-1'),
    })
    .optional()
    .describe("Region; absent: `AWS_REGION` of the environment, or the instance's own"),
  interfaces: z
    .array(networkInterface)
    .min(1)
    .max(16)
    .prefault([0])
    .describe(
      'Interfaces of this host that may carry addresses: `eni-…`, a MAC, a link such as ens5, or a device index; absent: the first one',
    ),
  route_tables: z.array(id('rtb')).min(1).max(50).optional().describe('Mode `route`: the tables concerned'),
  route_table_tags: z
    .record(z.string().min(1).max(128), z.string().max(256))
    .optional()
    .describe(
      'Mode `route`: the tables concerned are those with all these tags; absent: `wackamole:cluster` = CLUSTER',
    ),
  route_table_subnets: z
    .array(id('subnet'))
    .min(1)
    .max(100)
    .optional()
    .describe('Mode `route`: the tables concerned are those in force for these subnets'),
  endpoint: url().optional().describe("URL of the API; absent: Amazon's for the region"),
  metadata_endpoint: url()
    .optional()
    .describe('URL of the instance metadata service; absent: http://169.254.169.254'),
  call_timeout: duration('200ms', '60s').prefault('5s').describe('Longest wait for one answer of the API'),
  settle_timeout: duration('1s', '25s')
    .prefault('15s')
    .describe('Longest time until a change that was granted is seen in the API'),
  look_interval: duration('1s', '1h')
    .prefault('60s')
    .describe('How often an idle agent looks whether all is as it should be'),
  guest: guest(),
});

type Section = z.output<typeof schema>;

export const AWS_KIND: ProviderKind<typeof schema, AwsProviderConfig> = {
  schema,
  settingsOf: (section) => ({
    kind: 'aws',
    mode: section.mode,
    ...(section.region !== undefined && { region: section.region }),
    interfaces: section.interfaces,
    ...tablesOf(section),
    ...(section.endpoint !== undefined && { endpoint: section.endpoint.replace(/\/$/, '') }),
    ...(section.metadata_endpoint !== undefined && {
      metadata_endpoint: section.metadata_endpoint.replace(/\/$/, ''),
    }),
    call_timeout_ms: section.call_timeout,
    settle_timeout_ms: section.settle_timeout,
    look_interval_ms: section.look_interval,
  }),
  check(settings, context) {
    checkTables(settings, context);
    checkFamilies(settings, context);
  },
};

function tablesOf({
  route_tables: ids,
  route_table_tags: tags,
  route_table_subnets: subnets,
}: Section): Pick<AwsProviderConfig, 'tables'> {
  if (ids === undefined && tags === undefined && subnets === undefined) return {};
  return {
    tables: {
      ...(ids !== undefined && { ids }),
      ...(tags !== undefined && { tags }),
      ...(subnets !== undefined && { subnets }),
    },
  };
}

function checkTables({ mode, tables }: AwsProviderConfig, { path, findings }: CheckContext): void {
  const named = Object.keys(tables ?? {});
  if (mode !== 'route' && named.length > 0) {
    findings.error(path, {
      what: `has route tables, and mode \`${mode}\` knows none`,
      mend: 'write `mode: route`, or drop them',
      atKey: true,
    });
  } else if (named.length > 1) {
    findings.error(path, {
      what: 'chooses its route tables in more than one way',
      mend: 'write one of route_tables, route_table_tags and route_table_subnets',
      atKey: true,
    });
  }
}

/** What the mode can never carry is told before a failover has to. */
function checkFamilies({ mode }: AwsProviderConfig, { carried, findings }: CheckContext): void {
  if (mode !== 'elastic-ip') return;
  for (const { vip, addressPaths } of carried) {
    for (const [at, { family, address }] of vip.addresses.entries()) {
      if (family === 4) continue;
      const mend = 'use a provider with `mode: secondary-ip` or `mode: route` for it';
      findings.error(addressPaths[at]!, { what: `${address}: there are no Elastic IPs of IPv6`, mend });
    }
  }
}
