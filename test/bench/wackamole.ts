/** Our own agents as a subject of the bench. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { AgentProcess } from '../../src/lab/agent-process.ts';
import type { LabHost } from '../../src/lab/host.ts';
import type { Observatory } from '../../src/lab/observatory.ts';
import type { Subject, SubjectKind, SubjectTraits } from './subject.ts';

export function wackamole(
  profile: 'lan' | 'fast',
  traits: Omit<SubjectTraits, 'name' | 'family'>,
): SubjectKind {
  return {
    traits: { name: `wackamole ${profile}`, family: 'wackamole', ...traits },
    create: (observatory) => new Wackamole(observatory, profile),
  };
}

const KEY_FILE = '/run/lab/bench.key';

export class Wackamole implements Subject {
  readonly agents: ReadonlyMap<string, AgentProcess>;

  constructor(observatory: Observatory, profile: 'lan' | 'fast') {
    writeFileSync(KEY_FILE, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    const { hosts } = observatory.lab;
    const settings = { hosts, vips: observatory.vips, profile, keyFile: KEY_FILE };
    this.agents = new Map(hosts.map((host) => [host.name, new AgentProcess(host, settings)]));
  }

  start(host: LabHost): void {
    this.#agent(host).start();
  }

  kill(host: LabHost): void {
    this.#agent(host).signal('SIGKILL');
  }

  killAll(host: LabHost): void {
    host.killAll();
  }

  freeze(host: LabHost): void {
    this.#agent(host).signal('SIGSTOP');
  }

  thaw(host: LabHost): void {
    this.#agent(host).signal('SIGCONT');
  }

  async stop(host: LabHost): Promise<void> {
    await this.#agent(host).stop();
  }

  complaint(): string {
    return [...this.agents.values()].map((agent) => `--- ${agent.host.name}\n${agent.logTail(8)}`).join('\n');
  }

  #agent(host: LabHost): AgentProcess {
    const agent = this.agents.get(host.name);
    if (agent === undefined) throw new Error(`the bench has no agent for host ${host.name}`);
    return agent;
  }
}
