/** Does the faults to a cluster, and mends them. Knows nothing of rules. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProcess, Sections } from '../../src/lab/agent-process.ts';
import type { Cluster } from '../../src/lab/cluster.ts';
import { CLIENT_NETNS } from '../../src/lab/lab.ts';
import type { OperatorCommand } from '../../src/model/operator.ts';
import { guardiansOf } from './processes.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';

const NOISE = new URL('./noise.ts', import.meta.url).pathname;
const COMMAND_TRIES = 40;
const COMMAND_PAUSE_MS = 250;
/** Of some seconds each. */
const RELOAD_TRIES = 7;

export interface StrikeContext {
  readonly cluster: Cluster;
  /** Whose agent takes operators' commands. */
  readonly spared: string;
  /** Hosts whose agent has to be running. */
  readonly expected: Set<string>;
  readonly seed: number;
  /** Where it is said what could not be done. */
  readonly tell: (what: string) => void;
}

/** How it is mended; absent: it needs no mending. */
export type Mend = (() => Promise<void>) | undefined;

type Act = (context: StrikeContext, agent: AgentProcess, fault: PlannedFault) => Promise<Mend>;

export async function strike(context: StrikeContext, fault: PlannedFault): Promise<Mend> {
  const agent = context.cluster.agent(fault.hosts[0] ?? context.spared);
  return ACTS[fault.kind](context, agent, fault);
}

const ACTS: Readonly<Record<FaultKind, Act>> = {
  'kill agent': async (context, agent) => killed(context, agent, () => agent.signal('SIGKILL')),
  'kill both': async (context, agent) => killed(context, agent, () => agent.host.killAll()),
  'kill guardian': async (_, agent) => {
    signalAll(guardiansOf(agent), 'SIGKILL');
    return undefined;
  },
  'freeze agent': async (_, agent) => frozen([agent.pid]),
  'freeze guardian': async (_, agent) => frozen(guardiansOf(agent)),
  'freeze both': async (_, agent) => frozen([agent.pid, ...guardiansOf(agent)]),
  stop: async (context, agent) => {
    context.expected.delete(agent.host.name);
    await agent.stop();
    return async () => started(context, agent);
  },
  'power loss': async (context, agent) => {
    context.expected.delete(agent.host.name);
    await agent.host.powerOff();
    await agent.exited();
    return async () => {
      await agent.host.powerOn();
      started(context, agent);
    };
  },
  'pull cable': async (_, { host }) => {
    await host.pullCable();
    return () => host.plugCable();
  },
  'isolate port': async (_, { host }) => {
    await host.isolatePort();
    return () => host.plugCable();
  },
  'one-way loss': async ({ cluster }, { host }) => {
    await cluster.observatory.lab.loseOneWay(
      cluster.others(host.name).map((to) => ({ from: host.name, to })),
    );
    return () => healed(cluster);
  },
  partition: async ({ cluster }, _, { hosts }) => {
    await cluster.observatory.lab.partition([cluster.others(...hosts), hosts]);
    return () => healed(cluster);
  },
  drain: async (context, { host }) => {
    await ordered(context, { kind: 'drain', member: host.name });
    return () => ordered(context, { kind: 'undrain', member: host.name });
  },
  move: async (context, { host }) => {
    const { vips } = context.cluster.observatory;
    const vip = vips[context.seed % vips.length]!.id;
    await ordered(context, { kind: 'move', vip, to: host.name }, 1);
    return () => ordered(context, { kind: 'rebalance' });
  },
  rebalance: async (context) => {
    await ordered(context, { kind: 'rebalance' }, 1);
    return undefined;
  },
  reload: async (_, agent) => {
    await reloaded(agent, { balance: { moves_per_round_max: 3 } });
    return () => reloaded(agent, {});
  },
  noise: async ({ cluster, seed }) => {
    const hosts = cluster.agents.map(({ host }) => host.plan.ipv4).join(',');
    const argv = [`--net=/run/netns/${CLIENT_NETNS}`, '--', process.execPath, NOISE, hosts, String(seed)];
    const child = spawn('nsenter', argv, { stdio: 'ignore' });
    return () => ended(child);
  },
};

async function killed(context: StrikeContext, agent: AgentProcess, kill: () => void): Promise<Mend> {
  context.expected.delete(agent.host.name);
  kill();
  await agent.exited();
  return async () => started(context, agent);
}

function started({ expected }: StrikeContext, agent: AgentProcess): void {
  agent.start();
  expected.add(agent.host.name);
}

async function frozen(pids: readonly number[]): Promise<Mend> {
  signalAll(pids, 'SIGSTOP');
  return async () => signalAll(pids, 'SIGCONT');
}

async function healed(cluster: Cluster): Promise<void> {
  await cluster.observatory.lab.heal();
}

/** What an operator does until it is done: a group that is just changing may refuse. What came of it at last is told. */
async function ordered(
  context: StrikeContext,
  command: OperatorCommand,
  tries = COMMAND_TRIES,
): Promise<void> {
  const agent = context.cluster.agent(context.spared);
  let refusal = '';
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const answer = await agent.command(command).catch(refused);
    if (answer.ok) return;
    refusal = `${answer.code}: ${answer.message}`;
    await sleep(COMMAND_PAUSE_MS);
  }
  context.tell(`  ${command.kind} was refused ${tries} times, at last for ${refusal}`);
}

/** A busy machine may take its time over an answer; asked again meanwhile, the agent goes on with the reload it is at. */
async function reloaded(agent: AgentProcess, sections: Sections): Promise<void> {
  agent.configure(sections);
  let last: unknown;
  for (let attempt = 0; attempt < RELOAD_TRIES; attempt += 1) {
    try {
      const answer = await agent.ask({ kind: 'reload' });
      if (answer.ok) return;
      throw new Error(`${answer.code}: ${answer.message}`);
    } catch (error) {
      last = error;
      await sleep(COMMAND_PAUSE_MS);
    }
  }
  throw last;
}

/** Nobody answered: the spared agent is being struck by something else, or gone, which the rules see. */
function refused(error: unknown): { ok: false; code: string; message: string } {
  return { ok: false, code: 'no answer', message: error instanceof Error ? error.message : String(error) };
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await gone;
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}
