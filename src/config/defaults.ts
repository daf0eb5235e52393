/**
 * What holds where the file says nothing, written as in the file; the schema, its JSON form and the documentation take
 * their defaults from here. The timers of the detectors are in `profiles.ts`.
 */
import type { MemberName } from '../model/member.ts';

/** TCP and UDP. */
export const GROUP_PORT = 4873;

/** The beacon's own port, so that it can be bound on all addresses beside the group's. */
export const BEACON_PORT = 4874;

/** Administratively scoped (RFC 2365) and link-local (RFC 4291): a beacon stays on the link. */
export const BEACON_GROUPS = { 4: '239.255.87.65', 6: 'ff02::5741:434b' } as const;

export const CONFIG_FILE = '/etc/wackamole/wackamole.yaml';

/** Where the documentation has it; `group.key_file` says where it is. */
export const KEY_FILE = '/etc/wackamole/cluster.key';

export const DEFAULTS = {
  capacity: 1,
  policy: 'component',
  group: { engine: 'embedded', profile: 'lan' },
  spread: { daemon: '4803', connect_timeout: '5s', daemon_timeout: '10s', agent_timeout: '3s' },
  corosync: { primary_by: 'corosync', connect_timeout: '5s', daemon_timeout: '20s', agent_timeout: '3s' },
  local: {
    lease: '3s',
    renew_interval: '500ms',
    guardian_timeout: '1500ms',
    announce_repeat: ['100ms', '400ms', '1s', '3s', '10s'],
    announce_refresh: { embedded: '0s', spread: '3s', corosync: '3s' },
    probe_always: false,
    silence_probe_interval: '4ms',
    silence_probes: 2,
    carrier_hold: '500ms',
    notify: { throttle: 100, ping: false },
    neighbour_share_interval: '60s',
  },
  exec: {
    timeout: '10s',
    renew_interval: '30s',
    families: [4, 6],
    scope: 'any',
    atomic_takeover: false,
  },
  vip: { weight: 1 },
  agent: {
    maturity: '5s',
    report_timeout: '500ms',
    stop_timeout: '5s',
    stall_bound: '1s',
    retry_min: '500ms',
    retry_max: '30s',
    takeover: 'at-once',
  },
  check: { interval: '2s', timeout: '1s', hold: '5s', when_all_fail: 'keep' },
  balance: { enabled: true, interval: '10s', moves_per_round_max: 10, hold_down: '30s' },
  quorum: { votes: {} },
  witness: { lease: '10s', renew: '2s' },
  hooks: { timeout: '10s', parallel: 4, stop_timeout: '5s' },
  log: { level: 'info' },
} as const;

/** Where the agent of a cluster listens for its operator. */
export function defaultSocket(cluster: string): string {
  return `/run/wackamole/${cluster}.sock`;
}

/** Where those listen who may only look, beside the operator's socket: `web.status.sock` beside `web.sock`. */
export function readOnlySocket(socket: string): string {
  return `${socket.replace(/\.sock$/, '')}.status.sock`;
}

/** The host's name where the peers know it so, else its first label: what a cloud image calls itself is often an FQDN. */
export function defaultMember(hostName: string, known: ReadonlySet<string>): MemberName {
  return known.has(hostName) ? hostName : (hostName.split('.')[0] ?? hostName);
}
