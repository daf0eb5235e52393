/** The disasters of the demo, in order, with what must be true after each. */
import type { Millis } from '../model/time.ts';
import type { Cluster } from './cluster.ts';

export interface DemoStep {
  readonly title: string;
  /** Does it; may return a better title, with the names of those it met. */
  readonly act: () => Promise<string | undefined>;
  /** Resolves when everything that shall be served is. */
  readonly settled: () => Promise<unknown>;
  /** A longer outage breaks the promise. */
  readonly outage_ms_max: Millis;
  /** Whether the outage counts as one: before the cold start nothing could answer. */
  readonly outageCounts?: false;
  /** How long both observers go on looking after it has settled. */
  readonly linger_ms?: Millis;
}

/** Nothing was lost or everything was handed over: what remains is noise of a busy machine. */
const PLANNED = 1000;
/** A failure has to be noticed first. */
const UNPLANNED = 3000;

/** The steps share the name of the host that suffers at the moment. */
export function demoSteps(cluster: Cluster): readonly DemoStep[] {
  let victim = '';
  const everybody = async () => {
    await cluster.joined();
    await cluster.balanced();
  };
  const theOthers = () => cluster.served([cluster.others(victim)]);
  const toBusiest = async (title: string, act: (name: string) => unknown) => {
    victim = await cluster.busiest();
    await act(victim);
    return title.replace('%', victim);
  };
  const toVictim = async (title: string, act: (name: string) => unknown) => {
    await act(victim);
    return title.replace('%', victim);
  };
  const failure = (title: string, act: (name: string) => unknown): DemoStep => ({
    title,
    act: () => toBusiest(title, act),
    settled: theOthers,
    outage_ms_max: UNPLANNED,
    linger_ms: 700,
  });
  const recovery = (title: string, act: (name: string) => unknown): DemoStep => ({
    title,
    act: () => toVictim(title, act),
    settled: everybody,
    outage_ms_max: PLANNED,
  });
  return [
    coldStart(cluster),
    failure('kill -9 the agent on %', (name) => cluster.agent(name).signal('SIGKILL')),
    recovery('start the agent on % again', (name) => cluster.agent(name).start()),
    failure('pull the cable of %', (name) => cluster.host(name).pullCable()),
    recovery('plug the cable of % in again', (name) => cluster.host(name).plugCable()),
    {
      ...failure('stop the agent on % politely', (name) => cluster.agent(name).stop()),
      outage_ms_max: PLANNED,
    },
    recovery('start it on % again', (name) => cluster.agent(name).start()),
    failure('freeze the agent on % (SIGSTOP)', (name) => cluster.agent(name).signal('SIGSTOP')),
    recovery('thaw it on % (SIGCONT)', (name) => cluster.agent(name).signal('SIGCONT')),
    ...split(cluster),
    failure('the power of % fails', (name) => cluster.host(name).powerOff()),
    recovery('% boots: everybody is back', async (name) => {
      await cluster.host(name).powerOn();
      cluster.agent(name).start();
    }),
  ];
}

function coldStart(cluster: Cluster): DemoStep {
  return {
    title: `${cluster.names.length} agents start at once`,
    act: async () => {
      cluster.startAll();
      return undefined;
    },
    settled: async () => {
      await cluster.served();
      await cluster.joined();
    },
    outage_ms_max: UNPLANNED,
    outageCounts: false,
  };
}

/** The client stays with the larger part; each part serves every VIP, and after the heal one of them again. */
function split(cluster: Cluster): readonly DemoStep[] {
  const few = cluster.names.slice(0, Math.floor(cluster.names.length / 2));
  const many = cluster.others(...few);
  return [
    {
      title: `the network splits: ${many.join(' ')} | ${few.join(' ')}`,
      act: async () => {
        await cluster.observatory.lab.partition([many, few]);
        return undefined;
      },
      settled: () => cluster.served([many, few]),
      outage_ms_max: UNPLANNED,
      linger_ms: 700,
    },
    {
      title: 'the network heals',
      act: async () => {
        await cluster.observatory.lab.heal();
        return undefined;
      },
      settled: async () => {
        await cluster.joined();
        await cluster.served();
        await cluster.balanced();
      },
      outage_ms_max: UNPLANNED,
      linger_ms: 700,
    },
  ];
}
