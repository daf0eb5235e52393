import { describe, expect, it } from 'vitest';
import { createMemoryProvider } from '../../../providers/memory/provider.ts';
import { AgentLoop } from '../../../src/agent/loop.ts';
import type { LoopWitness } from '../../../src/agent/loop-components.ts';
import { encodeMessage } from '../../../src/agent/messages.ts';
import type { GroupCommunication, GroupEvent } from '../../../src/group/group.ts';
import { type MemberId, memberId } from '../../../src/model/member.ts';
import type { KnownNeighbour } from '../../../src/model/neighbour.ts';
import { viewId } from '../../../src/model/view.ts';
import type { Provider, ProviderEvent } from '../../../src/provider/provider.ts';
import { config, vips } from './config.ts';

let incarnation = 0;

/** A group of one, which hands back what it is told. */
class Alone implements GroupCommunication {
  readonly self = memberId('a', (++incarnation).toString(16).padStart(16, '0'));
  readonly calls: string[] = [];
  refuse: string | undefined;
  #listener: ((event: GroupEvent) => void) | undefined;

  async join(listener: (event: GroupEvent) => void): Promise<void> {
    this.calls.push('join');
    if (this.refuse !== undefined) throw new Error(this.refuse);
    this.#listener = listener;
    const view = {
      id: viewId(1, this.self),
      epoch: 1,
      members: [this.self],
      cause: 'join' as const,
      joined: [this.self],
      departed: [],
    };
    setImmediate(() => listener({ kind: 'view', view }));
  }

  multicast(bytes: Uint8Array): void {
    this.calls.push('multicast');
    setImmediate(() => this.#listener?.({ kind: 'message', sender: this.self, bytes }));
  }

  async leave(): Promise<void> {
    this.calls.push('leave');
    this.#listener = undefined;
  }

  ticks = 0;

  tick(): void {
    this.ticks += 1;
  }

  lose(): void {
    this.#listener?.({ kind: 'detached', reason: 'the engine died' });
  }

  /** Another member says something. */
  hear(sender: MemberId, bytes: Uint8Array): void {
    this.#listener?.({ kind: 'message', sender, bytes });
  }

  status() {
    return { engine: 'test', self: this.self, peers: [], counters: {} };
  }
}

type Vote = Parameters<LoopWitness['start']>[0]['vote'];

/** Alone of two where the witness decides. It asks for the vote when it is mature. */
const TIED = {
  agent: { ...config({ member: 'a', members: ['a'], vips: [] }).agent, maturity_ms: 100 },
  quorum: {
    votes: {},
    expected_votes: 2,
    witness: { kind: 's3', place: 'x', key: 'k', lease_ms: 10_000, renew_ms: 2_000 },
  },
} as const;

function stage({ slow = 0, witness }: { slow?: number; witness?: LoopWitness } = {}) {
  const calls: string[] = [];
  /** By how much the clock had been put on when a renewal was asked for. */
  const renewals: number[] = [];
  const neighbours: (readonly KnownNeighbour[])[] = [];
  const log = (_: object, text: string): void => void groups.at(-1)?.calls.push(`log ${text}`);
  let tell: (event: ProviderEvent) => void = () => {};
  const memory = createMemoryProvider('memory');
  const provider: Provider = Object.assign(Object.create(memory) as Provider, {
    start: async (...args: Parameters<Provider['start']>) => {
      calls.push('start');
      tell = args[1];
      await new Promise((resolve) => setTimeout(resolve, slow));
      await memory.start(...args);
    },
    acquire: (...args: Parameters<Provider['acquire']>) => {
      groups.at(-1)?.calls.push('acquire');
      return memory.acquire(...args);
    },
    release: (...args: Parameters<Provider['release']>) => {
      calls.push(`release ${args[0].length}`);
      return memory.release(...args);
    },
    renew: (...args: Parameters<Provider['renew']>) => {
      renewals.push(clock.offset);
      return memory.renew(...args);
    },
    inspect: (...args: Parameters<Provider['inspect']>) => memory.inspect(...args),
    announce: (...args: Parameters<Provider['announce']>) => memory.announce(...args),
    configure: (...args: Parameters<Provider['configure']>) => memory.configure(...args),
    neighbours: (known: readonly KnownNeighbour[]) => void neighbours.push(known),
    stop: async () => {
      calls.push('stop');
      await memory.stop();
    },
  });
  Object.defineProperty(provider, 'traits', { value: memory.traits });
  const groups: Alone[] = [];
  const clock = {
    offset: 0,
    /** Put on so far whenever somebody looks. */
    step: 0,
  };
  const now = () => {
    clock.offset += clock.step;
    return performance.now() + clock.offset;
  };
  const loop = new AgentLoop(
    {
      config: config(
        witness === undefined
          ? { member: 'a', members: ['a'], vips: vips(3) }
          : { member: 'a', members: ['a', 'b'], vips: vips(3, { policy: 'primary' }), overrides: TIED },
      ),
      version: 'test',
    },
    {
      createGroup: () => {
        const group = new Alone();
        group.refuse = clock.offset < 0 ? 'port 4873 is in use' : undefined;
        groups.push(group);
        return group;
      },
      providers: new Map([['memory', provider]]),
      clock: { monotonic: () => performance.now(), boot: now, wall: () => Date.now() },
      logger: { debug: log, info: log, warn: log, error: log },
      witness,
    },
  );
  return { loop, calls, renewals, neighbours, groups, clock, tell: (event: ProviderEvent) => tell(event) };
}

async function until(what: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!what()) {
    if (performance.now() > end) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const held = (loop: AgentLoop) => loop.status().vips.filter((v) => v.state === 'held').length;

describe('AgentLoop', () => {
  it('serves, and hands everything over when it is stopped', async () => {
    const { loop, calls, groups } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    await loop.stop('test');
    expect(calls).toEqual(['start', 'release 3', 'stop']);
    const told = groups[0]!.calls.filter((call) => call === 'join' || call === 'leave');
    expect(told).toEqual(['join', 'leave']);
  });

  it('stops what it started when the group cannot be joined, and says why', async () => {
    const { loop, calls, clock } = stage();
    clock.offset = -1e-9;
    await expect(loop.start()).rejects.toThrow('port 4873 is in use');
    expect(calls).toEqual(['start', 'stop']);
  });

  it('does not join when it is stopped while a provider starts', async () => {
    const { loop, calls, groups } = stage({ slow: 50 });
    const started = loop.start();
    const stopped = loop.stop('test');
    await Promise.all([started, stopped]);
    expect(calls).toEqual(['start', 'stop']);
    expect(groups).toEqual([]);
  });

  it('releases first after a stall, whatever woke it', async () => {
    const { loop, calls, clock } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    clock.offset = 5000;
    const answer = loop.command({ kind: 'rebalance' });
    expect(calls.at(-1)).toBe('release 3');
    await answer;
    await until(() => held(loop) === 3);
    await loop.stop('test');
  });

  it('believes no vote of the witness that it gave back when it found itself late, before it heard of it', async () => {
    const wishes: boolean[] = [];
    let vote: Vote = () => {};
    const witness: LoopWitness = {
      start(listener) {
        vote = (told) => listener.vote(told);
      },
      want(wanted) {
        wishes.push(wanted);
        if (!wanted) vote({ has: false, fence: 1, reason: 'not needed any more' });
      },
      judge: () => undefined,
      stop: () => undefined,
    };
    const { loop, clock } = stage({ witness });
    await loop.start();
    await until(() => wishes.at(-1) === true);
    clock.offset = 5000;
    vote({ has: true, fence: 1, reason: 'the witness is ours' });
    expect(wishes).toContain(false);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(held(loop)).toBe(0);
    vote({ has: true, fence: 2, reason: 'the witness is ours' });
    await until(() => held(loop) === 3);
    await loop.stop('test');
  });

  it('renews what it holds though it comes late to it again and again, as long as that is no stall', async () => {
    const { loop, clock, renewals } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    // Everything is late from now on, by more than is overlooked and less than the bound.
    clock.step = 750;
    await until(() => renewals.filter((offset) => offset > 0).length >= 2);
    clock.step = 0;
    await loop.stop('test');
  });

  it('releases and joins again under a fresh identity when the group is lost', async () => {
    const { loop, calls, groups } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    groups[0]?.lose();
    await until(() => groups.length === 2 && held(loop) === 3);
    expect(calls).toContain('release 3');
    expect(groups[1]?.self).not.toBe(groups[0]?.self);
    await loop.stop('test');
  });

  it('is unwell for the trouble of a provider, but not for one that is confined', async () => {
    const { loop, tell } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    tell({ kind: 'trouble', reason: 'the API does not answer', confined: true });
    expect(loop.unwell()).toBeUndefined();
    expect(loop.status().warnings).toEqual([expect.stringContaining('the API does not answer')]);
    tell({ kind: 'trouble', reason: 'no guardian' });
    expect(loop.unwell()).toBe('provider memory: no guardian');
    tell({ kind: 'trouble', reason: undefined });
    expect(loop.unwell()).toBeUndefined();
    await loop.stop('test');
  });

  it('passes what other members know of neighbours to the providers, and not what this one knows itself', async () => {
    const { loop, groups, neighbours } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    const known: readonly KnownNeighbour[] = [['10.0.0.9', '02:00:00:00:00:09']];
    const bytes = encodeMessage({ kind: 'neighbours', neighbours: known });
    groups[0]!.hear(memberId('b', 'f'.repeat(16)), bytes);
    expect(neighbours).toEqual([known]);
    groups[0]!.hear(groups[0]!.self, bytes);
    expect(neighbours).toHaveLength(1);
    await loop.stop('test');
  });

  it('does what others wait for before it tells people of it', async () => {
    const { loop, groups } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    const { calls } = groups[0]!;
    const inOrder = (first: string, then: string) => {
      expect(calls).toContain(first);
      expect(calls.indexOf(first)).toBeLessThan(calls.indexOf(then));
    };
    inOrder('multicast', 'log view installed');
    inOrder('acquire', 'log acquired');
    // What is told keeps its order.
    inOrder('log joining the group', 'log view installed');
    inOrder('log view installed', 'log acquired');
    await loop.stop('test');
  });

  it('practises while all is quiet, also when it is over, and touches neither group nor provider by it', async () => {
    const { loop, groups, calls } = stage();
    const turns: string[] = [];
    loop.practise({
      turn: () => {
        turns.push(loop.status().phase);
        return false;
      },
    });
    await loop.start();
    await until(() => held(loop) === 3);
    const before = [...groups[0]!.calls, ...calls];
    // Nobody is to let go of what was practised, and it costs nothing when it is over.
    await until(() => turns.length === 3);
    expect(new Set(turns)).toEqual(new Set(['settled']));
    expect([...groups[0]!.calls, ...calls]).toEqual(before);
    await loop.stop('test');
  });

  it('does not practise after an interval in which something happened', async () => {
    const { loop, groups, tell } = stage();
    await loop.start();
    await until(() => held(loop) === 3);
    const { ticks } = groups[0]!;
    let turns = 0;
    const stir = setInterval(() => tell({ kind: 'trouble', reason: `again ${turns}` }), 20);
    loop.practise({ turn: () => ++turns > 0 });
    await until(() => groups[0]!.ticks > ticks + 3);
    expect(turns).toBe(0);
    clearInterval(stir);
    await until(() => turns > 0);
    await loop.stop('test');
  });
});
