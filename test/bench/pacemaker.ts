/**
 * Pacemaker on corosync as it is set up for the same purpose: one `ocf:heartbeat:IPaddr2` a VIP, spread over the hosts as it spreads resources
 * unless told otherwise, no fencing (the lab has no power switch). Never changes the machine's own files: each host has its own.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { LabHost } from '../../src/lab/host.ts';
import type { Observatory } from '../../src/lab/observatory.ts';
import type { VipPlan } from '../../src/lab/plan.ts';
import { type CorosyncSettings, corosyncConf } from '../kernel/corosync-conf.ts';
import type { Subject, SubjectKind, SubjectTraits } from './subject.ts';

type Times = CorosyncSettings['times'];

export function pacemaker(times: Times, traits: Omit<SubjectTraits, 'name' | 'family'>): SubjectKind {
  const setting = times === 'defaults' ? times : `token ${times.token} ms`;
  return {
    traits: { name: `pacemaker, ${setting}`, family: 'pacemaker', ...traits },
    create: (observatory) => new Pacemaker(observatory, times),
  };
}

class Pacemaker implements Subject {
  readonly #observatory: Observatory;
  readonly #times: Times;
  /** A shell of each host, the parent of both daemons. */
  readonly #shells = new Map<string, ChildProcess>();
  readonly #complaints = new Map<string, string>();

  constructor(observatory: Observatory, times: Times) {
    this.#observatory = observatory;
    this.#times = times;
  }

  start(host: LabHost): void {
    const { lab, vips } = this.#observatory;
    const settings = { times: this.#times, transport: 'knet', realTime: true } as const;
    const quorum = ['provider: corosync_votequorum', `expected_votes: ${lab.hosts.length}`];
    for (const { source } of OWN) mkdirSync(`${host.folder}/${source}`, { recursive: true });
    mkdirSync(`${host.folder}/state/cib`, { recursive: true });
    writeFileSync(`${host.folder}/run/corosync.conf`, corosyncConf(lab.hosts, { ...settings, quorum }));
    writeFileSync(`${host.folder}/state/cib/cib.xml`, informationBase(vips), { mode: 0o600 });
    const shell = host.spawn(command(host), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PCMK_stderr: '1', PCMK_logfile: 'none', PCMK_logfacility: 'none' },
    });
    for (const stream of [shell.stdout, shell.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#complaints.set(host.name, ((this.#complaints.get(host.name) ?? '') + text).slice(-2000));
      });
    }
    this.#shells.set(host.name, shell);
  }

  /** Corosync, the largest of them. Without pacemakerd the others go on, and without corosync pacemakerd waits for another one. */
  kill(host: LabHost): void {
    signal(daemons(host, 'corosync'), 'SIGKILL');
  }

  killAll(host: LabHost): void {
    host.killAll();
  }

  freeze(host: LabHost): void {
    signal(host.processes(), 'SIGSTOP');
  }

  thaw(host: LabHost): void {
    signal(host.processes(), 'SIGCONT');
  }

  async stop(host: LabHost): Promise<void> {
    const shell = this.#shells.get(host.name);
    if (shell === undefined) throw new Error(`no pacemaker was started on host ${host.name}`);
    const ended = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
    signal(daemons(host, 'pacemakerd'), 'SIGTERM');
    await ended;
  }

  complaint(): string {
    return [...this.#complaints].map(([host, text]) => `--- ${host}\n${text}`).join('\n');
  }
}

function daemons(host: LabHost, name: string): readonly number[] {
  return host.processes().filter((pid) => nameOf(pid) === name);
}

function nameOf(pid: number): string | undefined {
  return unlessEnded(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) unlessEnded(() => process.kill(pid, name));
}

/** Resource agents come and go at any moment. */
function unlessEnded<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ESRCH'].includes(code)) return undefined;
    throw error;
  }
}

/** What daemons of a host have for themselves; `/run` comes last, since the host's folder is in the one of the lab. */
const OWN = [
  { source: 'shm', target: '/dev/shm' },
  { source: 'ring', target: '/var/lib/corosync' },
  { source: 'state', target: '/var/lib/pacemaker' },
  { source: 'run', target: '/run' },
] as const;

/** Pacemaker starts when corosync answers and ends before it, as with the units of their packages. */
function command({ folder }: LabHost): readonly string[] {
  const script = `
set -e
${OWN.map(({ source, target }) => `mount --bind ${folder}/${source} ${target}`).join('\n')}
chmod 1777 /dev/shm
mkdir -p /run/crm /run/resource-agents
chown -R hacluster:haclient /var/lib/pacemaker /run/crm
chmod 750 /var/lib/pacemaker /var/lib/pacemaker/cib /run/crm
corosync -f -c /run/corosync.conf &
ring=$!
until corosync-cfgtool -s > /run/rings 2>&1; do sleep 0.2; done
set +e
pacemakerd
kill $ring
wait $ring`;
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script];
}

/** The cluster information base that each host finds at its first start. */
function informationBase(vips: readonly VipPlan[]): string {
  return `<cib validate-with="pacemaker-3.0" admin_epoch="0" epoch="1" num_updates="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="options">
        <nvpair id="options-fencing" name="stonith-enabled" value="false"/>
        <nvpair id="options-quorum" name="no-quorum-policy" value="stop"/>
      </cluster_property_set>
    </crm_config>
    <nodes/>
    <resources>
${vips.map(primitive).join('\n')}
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
`;
}

function primitive({ id, address, family }: VipPlan): string {
  const parameters = { ip: address, cidr_netmask: family === 4 ? 32 : 128, nic: 'eth0' };
  const pairs = Object.entries(parameters).map(
    ([name, value]) => `<nvpair id="${id}-${name}" name="${name}" value="${value}"/>`,
  );
  return `      <primitive id="${id}" class="ocf" provider="heartbeat" type="IPaddr2">
        <instance_attributes id="${id}-parameters">${pairs.join('')}</instance_attributes>
        <operations><op id="${id}-monitor" name="monitor" interval="10s"/></operations>
      </primitive>`;
}
