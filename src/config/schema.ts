/**
 * The shape of the configuration file: keys, types, ranges, defaults. What no single key can say (two VIPs with one
 * address, a member nobody knows) is in `checks.ts`. Each key carries its description: JSON Schema and docs show it.
 */
import { z } from 'zod';
import { DEFAULTS } from './defaults.ts';
import { CHECK_SECTION } from './health-section.ts';
import { HOOKS_SECTION } from './hooks-section.ts';
import { PROVIDER_SECTION } from './providers/kinds.ts';
import { duration, groupName, integer, interfaceName, name, path, tags, yesNo } from './schema-parts.ts';

const address = z.string().min(1).max(128);

const vipAddress = z.union([
  address.describe('`address` (a host route, /32 or /128) or `address/prefix`'),
  z.strictObject({
    address: address.describe('`address` or `address/prefix`'),
    interface: interfaceName().optional().describe('Interface that carries this one address'),
  }),
]);

const constraints = z.strictObject({
  zones: z
    .array(name('zone'))
    .min(1)
    .max(64)
    .optional()
    .describe('Only members whose `zone` is one of these may hold it'),
  tags: tags().optional().describe('Only members that have all of these `tags` may hold it'),
  spread: name('group')
    .optional()
    .describe('VIPs that say the same name here are put into different zones where load allows'),
});

const vipRecord = z.strictObject({
  addresses: z
    .array(vipAddress)
    .min(1)
    .max(64)
    .describe('Addresses that always move together; the first one names the VIP in tables'),
  interface: interfaceName()
    .optional()
    .describe("Interface of the addresses that name none; absent: the provider's"),
  prefer: z
    .array(name('member'))
    .max(256)
    .optional()
    .describe('Members that shall hold it if they can, the best first'),
  policy: z
    .enum(['component', 'primary'])
    .optional()
    .describe(
      'What happens to it when the group splits; absent: the `policy` of the file, or what that says where it is absent too',
    ),
  constraints: constraints.optional().describe('Where it may be'),
  weight: integer(1, 1000).prefault(DEFAULTS.vip.weight).describe('Share of the load it stands for'),
  providers: z
    .array(name('provider'))
    .min(1)
    .max(16)
    .optional()
    .describe('Providers that may carry it, the best first; absent: all of this file, in its order'),
});

const vip = z.union([address, z.array(vipAddress).min(1).max(64), vipRecord]);

const timers = z.strictObject({
  probe_interval: duration('5ms', '60s')
    .optional()
    .describe("Between two probes that the peer's kernel answers"),
  probe_timeout: duration('10ms', '5m')
    .optional()
    .describe('A host that left a probe unanswered for this long is silent'),
  heartbeat_interval: duration('20ms', '60s')
    .optional()
    .describe('Between two heartbeats of the agent itself'),
  heartbeat_timeout: duration('100ms', '10m').optional().describe('An agent not heard for this long is hung'),
  seek_interval: duration('20ms', '60s')
    .optional()
    .describe('Between two seek datagrams to an address without a stream'),
  link_hold: duration('0s', '10m')
    .optional()
    .describe('A link that came back stays this long before it counts'),
  phase_timeout: duration('10ms', '60s')
    .optional()
    .describe('Shortest patience with each phase of a view change'),
});

const multicast = z.strictObject({
  group: address
    .optional()
    .describe('Multicast address of the beacon; absent: 239.255.87.65, or ff02::5741:434b'),
  port: integer(1, 65535).optional().describe('UDP port of the beacon; absent: 4874'),
  interface: interfaceName().optional().describe('Interface of the beacon; absent: the one of `listen`'),
});

const group = z.strictObject({
  engine: z
    .enum(['embedded', 'spread', 'corosync'])
    .prefault(DEFAULTS.group.engine)
    .describe(
      'Group communication engine: our own, the Spread daemon that `daemon` names, or corosync on this host',
    ),
  listen: address
    .optional()
    .describe(
      "Address (and port, 4873 unless said) this member listens on and the others dial; absent: this member's first among `peers`",
    ),
  peers: z
    .record(name('member'), z.union([address, z.array(address).min(1).max(8)]))
    .optional()
    .describe('Members and where they listen: one address or several; this member may be among them'),
  multicast: z
    .union([z.boolean(), multicast])
    .optional()
    .describe('Find members on the link by a beacon; absent: off'),
  key_file: path()
    .optional()
    .describe(
      'File with the cluster key, 32 bytes as 64 hexadecimal digits or base64; during a rotation up to four, one a line: the first is used, all are accepted',
    ),
  insecure: yesNo(false).describe('Run without a key: anybody who reaches the port can join'),
  profile: z
    .enum(['lan', 'fast', 'wan'])
    .prefault(DEFAULTS.group.profile)
    .describe('Table of timers to start from'),
  timers: timers.prefault({}).describe('Single timers that differ from the profile'),
  daemon: z
    .union([z.string().min(1).max(300), integer(1, 65535)])
    .optional()
    .describe(
      'Spread daemon: `4803` (socket /tmp/4803), `4803@host` or the path of a socket; absent: `4803`',
    ),
  spread_group: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Name of the Spread group, at most 31 characters; absent: wackamole-CLUSTER'),
  members: z
    .array(name('member'))
    .min(1)
    .max(256)
    .optional()
    .describe('With Spread and corosync: all members that may be there; absent: whoever joins'),
  cpg_group: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe(
      'Name of the closed process group of corosync, at most 127 characters; absent: wackamole-CLUSTER',
    ),
  primary_by: z
    .enum(['corosync', 'votes'])
    .optional()
    .describe(
      'Who says which part is primary: the quorum of corosync, where it has one, or the votes of `quorum`; absent: corosync',
    ),
  connect_timeout: duration('100ms', '60s')
    .optional()
    .describe('Longest wait for the daemon to take us in; absent: 5s'),
  daemon_timeout: duration('1s', '10m')
    .optional()
    .describe(
      'A daemon that delivered nothing for this long is lost; absent: 10s with Spread, 20s with corosync',
    ),
  agent_timeout: duration('1s', '10m')
    .optional()
    .describe('With Spread and corosync: a member not heard for this long is hung; absent: 3s'),
});

const agent = z.strictObject({
  maturity: duration('0s', '1h')
    .prefault(DEFAULTS.agent.maturity)
    .describe('Age at which a member that meets no mature one may be given VIPs'),
  report_timeout: duration('50ms', '60s')
    .prefault(DEFAULTS.agent.report_timeout)
    .describe('Longest wait for the reports of a view before the silent are named and passed over'),
  stop_timeout: duration('100ms', '10m')
    .prefault(DEFAULTS.agent.stop_timeout)
    .describe('Longest a polite stop may take'),
  stall_bound: duration('100ms', '1h')
    .prefault(DEFAULTS.agent.stall_bound)
    .describe('After a stall of this length everything is released first; at most the lease'),
  retry_min: duration('50ms', '1h')
    .prefault(DEFAULTS.agent.retry_min)
    .describe('First wait before a failed acquire is tried again here'),
  retry_max: duration('50ms', '24h')
    .prefault(DEFAULTS.agent.retry_max)
    .describe('Longest such wait; it doubles in between'),
  takeover: z
    .enum(['at-once', 'strict'])
    .prefault(DEFAULTS.agent.takeover)
    .describe('`strict`: wait for the lease to be over also where the earlier host is silent'),
});

const balance = z.strictObject({
  enabled: yesNo(DEFAULTS.balance.enabled).describe('Even out the load by itself'),
  interval: duration('1s', '24h').prefault(DEFAULTS.balance.interval).describe('Between two rounds'),
  moves_per_round_max: integer(1, 10_000)
    .prefault(DEFAULTS.balance.moves_per_round_max)
    .describe('Most moves in one round'),
  hold_down: duration('0s', '24h')
    .prefault(DEFAULTS.balance.hold_down)
    .describe('A VIP that moved, or a member that joined, this recently is left alone'),
});

const witness = z.strictObject({
  kind: z
    .enum(['dynamodb', 's3', 'gcs'])
    .describe('Where its record lies: a table of DynamoDB, a bucket of S3, or one of Google Cloud Storage'),
  table: z
    .string()
    .min(3)
    .max(255)
    .optional()
    .describe('With `dynamodb`: the table; its key is a text named `id`'),
  bucket: z.string().min(3).max(222).optional().describe('With `s3` and `gcs`: the bucket'),
  key: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe('Of the record, of this cluster alone; absent: `wackamole/CLUSTER`'),
  region: z
    .string()
    .min(2)
    .max(32)
    .optional()
    .describe('Region of the table or bucket; absent: `AWS_REGION` of the environment'),
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^\s/]+(\/\S*)?$/)
    .optional()
    .describe("URL instead of the cloud's own"),
  lease: duration('5s', '10m')
    .prefault(DEFAULTS.witness.lease)
    .describe('Whoever has its vote and is gone is waited for this long'),
  renew: duration('500ms', '2m')
    .prefault(DEFAULTS.witness.renew)
    .describe('Between two renewals while it is had; at most a quarter of the lease'),
});

const quorum = z.strictObject({
  votes: z
    .record(name('member'), integer(0, 1000))
    .prefault({ ...DEFAULTS.quorum.votes })
    .describe('Votes by member; a member not named has 1'),
  expected_votes: integer(1, 1_000_000)
    .optional()
    .describe('Votes of all members that may exist; absent: the sum over `peers`. More than half is primary'),
  witness: witness
    .optional()
    .describe(
      'A record outside the group: whoever has the lease on it has one vote more, for two members without a third',
    ),
});

const control = z.strictObject({
  socket: path().optional().describe('Unix socket for the operator; absent: /run/wackamole/CLUSTER.sock'),
  group: groupName()
    .optional()
    .describe(
      'Group whose members may do everything an operator may; absent: only the user the agent runs as',
    ),
  read_only_group: groupName()
    .optional()
    .describe(
      'Group whose members may see the status and change nothing, at a second socket (`web.status.sock` beside `web.sock`); absent: there is none',
    ),
});

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .prefault(DEFAULTS.log.level)
    .describe('Least severe level that is logged'),
  file: path().optional().describe('File to append to; absent: standard error'),
});

export const FILE_SCHEMA = z.strictObject({
  cluster: name('cluster').describe('Name of the group; members of other clusters are refused'),
  member: name('member').optional().describe("This host's member name; absent: the host name"),
  capacity: integer(0, 1000)
    .prefault(DEFAULTS.capacity)
    .describe('Share of the load this member carries; 0: none'),
  zone: name('zone')
    .optional()
    .describe('Where this host is, for instance its availability zone; what VIPs say of zones refers to it'),
  tags: tags()
    .optional()
    .describe('What else there is to say of this host, by name; `constraints` of VIPs refer to it'),
  policy: z
    .enum(['component', 'primary'])
    .optional()
    .describe(
      'When the group splits: `component`, every part serves all VIPs; `primary`, only the part with a majority of votes; absent: `primary` for VIPs whose `providers` have one of kind `aws` or `gcp`, `component` for all others',
    ),
  group: group.describe('How the members talk'),
  providers: z
    .record(name('provider'), PROVIDER_SECTION)
    .prefault({ local: { kind: 'local' } })
    .describe('Ways to move an address, by name'),
  vips: z
    .record(z.string().min(1).max(128), vip)
    .describe('The virtual IPs, by name; `{1..50}` stands for a row of names'),
  checks: z
    .record(name('check'), CHECK_SECTION)
    .prefault({})
    .describe('Whether this host is fit to serve, by name'),
  agent: agent.prefault({}).describe('How this member acts'),
  balance: balance.prefault({}).describe('Evening out the load'),
  quorum: quorum.prefault({}).describe('Which part may act when the group is split (policy `primary`)'),
  hooks: HOOKS_SECTION.optional().describe('Programs that are run when VIPs come to this host or go'),
  control: control.prefault({}).describe('The door for the operator'),
  log: log.prefault({}).describe('What is logged, and where to'),
});

export type FileInput = z.input<typeof FILE_SCHEMA>;
export type FileShape = z.output<typeof FILE_SCHEMA>;
export type VipEntry = FileShape['vips'][string];
