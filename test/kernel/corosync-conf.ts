/** What `corosync.conf` says on the hosts of a lab. */
import type { LabHost } from '../../src/lab/host.ts';

export interface CorosyncTimes {
  /** Ms without the token after which it is lost. */
  readonly token: number;
  /** Ms for the others to agree on a new ring. */
  readonly consensus: number;
}

export interface CorosyncSettings {
  /** `defaults`: the file says nothing of them. */
  readonly times: CorosyncTimes | 'defaults';
  readonly transport: 'knet' | 'udpu';
  /** Lines of `quorum { … }`. */
  readonly quorum: readonly string[];
  /** Scheduled before everything else, as corosync is unless told otherwise. */
  readonly realTime: boolean;
}

export function corosyncConf(nodes: readonly LabHost[], settings: CorosyncSettings): string {
  const { times, transport, quorum, realTime } = settings;
  const list = nodes.flatMap(({ name, plan }, index) => [
    'node {',
    `  ring0_addr: ${plan.ipv4}`,
    `  name: ${name}`,
    `  nodeid: ${index + 1}`,
    '}',
  ]);
  const totem = ['version: 2', 'cluster_name: lab', `transport: ${transport}`];
  const lines = [
    ...section('totem', [...totem, ...(times === 'defaults' ? [] : timing(times))]),
    ...section('nodelist', list),
    ...section('quorum', quorum),
    ...section('logging', ['to_stderr: yes', 'to_logfile: no', 'to_syslog: no', 'timestamp: hires']),
    // The machine is others' too.
    ...(realTime ? [] : section('system', ['sched_rr: no', 'priority: 0'])),
  ];
  return `${lines.join('\n')}\n`;
}

function timing({ token, consensus }: CorosyncTimes): readonly string[] {
  return [`token: ${token}`, 'token_coefficient: 0', `consensus: ${consensus}`];
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return [`${name} {`, ...lines.map((line) => `  ${line}`), '}'];
}
