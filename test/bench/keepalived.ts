/**
 * keepalived as it is set up for the same purpose: VRRPv3, one instance a VIP so that every host serves some, priorities
 * spread round-robin; above 60 VIPs one instance a host, as its documentation advises. Never changes the machine's own files.
 */
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { LabHost } from '../../src/lab/host.ts';
import type { Observatory } from '../../src/lab/observatory.ts';
import type { VipPlan } from '../../src/lab/plan.ts';
import type { Subject, SubjectKind, SubjectTraits } from './subject.ts';

/** More VIPs than this are put into one instance a host; VRRP has 255 instances a link. */
const INSTANCES_MAX = 60;
/** More addresses than this do not fit into one advertisement. */
const ADVERTISED_MAX = 20;

export function keepalived(advert_s: number, traits: Omit<SubjectTraits, 'name' | 'family'>): SubjectKind {
  return {
    traits: { name: `keepalived ${advert_s} s`, family: 'keepalived', ...traits },
    create: (observatory) => new Keepalived(observatory, advert_s),
  };
}

class Keepalived implements Subject {
  readonly #observatory: Observatory;
  readonly #advert: number;
  readonly #daemons = new Map<string, ChildProcess>();
  #complaint = '';

  constructor(observatory: Observatory, advert_s: number) {
    this.#observatory = observatory;
    this.#advert = advert_s;
  }

  start(host: LabHost): void {
    const { hosts } = this.#observatory.lab;
    const file = `${host.folder}/keepalived.conf`;
    writeFileSync(
      file,
      configuration({ hosts, host, vips: this.#observatory.vips, advert_s: this.#advert }),
      { mode: 0o644 },
    );
    const pids = ['-p', `${host.folder}/keepalived.pid`, '-r', `${host.folder}/vrrp.pid`];
    const child = host.spawn(['keepalived', '-n', '-l', '-P', '-f', file, ...pids], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#complaint = (this.#complaint + text).slice(-2000);
      });
    }
    this.#daemons.set(host.name, child);
  }

  kill(host: LabHost): void {
    host.killAll();
  }

  killAll(host: LabHost): void {
    host.killAll();
  }

  freeze(host: LabHost): void {
    for (const pid of host.processes()) process.kill(pid, 'SIGSTOP');
  }

  thaw(host: LabHost): void {
    for (const pid of host.processes()) process.kill(pid, 'SIGCONT');
  }

  stop(host: LabHost): Promise<void> {
    const child = this.#daemons.get(host.name);
    if (child === undefined) throw new Error(`no keepalived was started on host ${host.name}`);
    child.kill('SIGTERM');
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
    });
  }

  complaint(): string {
    return this.#complaint;
  }
}

interface Place {
  readonly hosts: readonly LabHost[];
  readonly host: LabHost;
  readonly vips: readonly VipPlan[];
  readonly advert_s: number;
}

function configuration(place: Place): string {
  const groups = place.vips.length <= INSTANCES_MAX ? place.vips.map((vip) => [vip]) : spread(place);
  const instances = groups.map((vips, index) => instance(place, { vips, index }));
  return `global_defs {\n  router_id ${place.host.name}\n}\n${instances.join('')}`;
}

function spread({ hosts, vips }: Place): readonly (readonly VipPlan[])[] {
  return hosts.map((_, index) => vips.filter((_vip, number) => number % hosts.length === index));
}

function instance(place: Place, { vips, index }: { vips: readonly VipPlan[]; index: number }): string {
  const { hosts, host, advert_s } = place;
  const distance = (hosts.indexOf(host) - index + hosts.length * index) % hosts.length;
  const lines = vips.map(({ address, family }) => `    ${address}/${family === 4 ? 32 : 128} dev eth0`);
  const excluded = lines.slice(ADVERTISED_MAX);
  return `vrrp_instance v${index + 1} {
  version 3
  state BACKUP
  interface eth0
  virtual_router_id ${index + 1}
  priority ${200 - 10 * distance}
  advert_int ${advert_s}
  virtual_ipaddress {
${lines.slice(0, ADVERTISED_MAX).join('\n')}
  }
${excluded.length > 0 ? `  virtual_ipaddress_excluded {\n${excluded.join('\n')}\n  }\n` : ''}}
`;
}
