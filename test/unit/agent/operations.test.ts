import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryProvider } from '../../../providers/memory/provider.ts';
import type { AgentEvent } from '../../../src/agent/events.ts';
import { Operations } from '../../../src/agent/operations.ts';
import type { Provider } from '../../../src/provider/provider.ts';
import { vips } from './config.ts';

const LIST = vips(3);

/** A provider of somebody else, of which these methods are wrong. */
function stage(wrong: object) {
  const provider = Object.assign(
    Object.create(createMemoryProvider('memory')) as object,
    { name: 'memory' },
    wrong,
  );
  const events: AgentEvent[] = [];
  const complaints: string[] = [];
  const operations = new Operations(new Map([['memory', provider as Provider]]), {
    emit: (event) => events.push(event),
    complain: (_, problem) => complaints.push(problem),
  });
  const acquire = () => {
    const requests = LIST.map((vip) => ({ vip, guard: { kind: 'at-once' as const } }));
    operations.acquire({ kind: 'acquire', requests, fence: 1 });
  };
  return { operations, events, complaints, acquire };
}

const outcomesOf = (event: AgentEvent | undefined) => (event && 'outcomes' in event ? event.outcomes : []);

describe('providers that break their contract', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each<{ what: string; answer: () => unknown; says: RegExp }>([
    {
      what: 'throws instead of rejecting',
      answer: () => {
        throw new Error('no such cloud');
      },
      says: /no such cloud/,
    },
    {
      what: 'rejects with nothing',
      answer: () => Promise.reject(undefined),
      says: /undefined/,
    },
    { what: 'answers nothing', answer: () => undefined, says: /no list/ },
    { what: 'answers with something else', answer: () => Promise.resolve({ ok: true }), says: /no list/ },
    { what: 'forgets a VIP', answer: () => Promise.resolve([]), says: /no outcome for v1 and 2 more/ },
  ])('one that $what: every VIP counts as held, and the log says why', async ({ answer, says }) => {
    const { operations, events, complaints, acquire } = stage({ acquire: answer });
    acquire();
    await operations.settled();
    expect(outcomesOf(events[0]).map(({ vip, held, code }) => ({ vip, held, code }))).toEqual(
      LIST.map(({ id }) => ({ vip: id, held: true, code: 'failed' })),
    );
    expect(complaints).toEqual([expect.stringMatching(says)]);
  });

  it('one that never answers is given up after its time and the grace after the abort', async () => {
    const { operations, events, acquire } = stage({ acquire: () => new Promise(() => undefined) });
    acquire();
    await vi.advanceTimersByTimeAsync(31_900);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(outcomesOf(events[0])).toMatchObject(LIST.map(() => ({ held: true, code: 'failed' })));
    await operations.settled();
  });

  it('one that ignores a cancel does not hold up the agent for longer than the grace', async () => {
    const { operations, events, acquire } = stage({ acquire: () => new Promise(() => undefined) });
    acquire();
    operations.cancel(LIST);
    await vi.advanceTimersByTimeAsync(2_100);
    expect(events).toHaveLength(1);
  });

  it('throwing in calls without an answer is told, and the agent goes on', () => {
    const fault = (): never => {
      throw new Error('broken');
    };
    const { operations, complaints } = stage({ announce: fault, tick: fault, configure: fault });
    operations.announce(LIST);
    operations.tick();
    operations.configure(LIST);
    expect(complaints).toEqual(['announce: broken', 'tick: broken', 'configure: broken']);
  });

  it('a renewal that fails does not end renewing', async () => {
    let calls = 0;
    const renew = (): never => {
      calls += 1;
      throw new Error('broken');
    };
    const { operations } = stage({ renew });
    for (let times = 0; times < 2; times += 1) {
      operations.renew(LIST);
      await operations.settled();
    }
    expect(calls).toBe(2);
  });

  it('a renewal that hangs holds up no other provider', async () => {
    const calls: string[] = [];
    const providers = ['slow', 'quick'].map((name) => {
      const renew = (): Promise<unknown> => {
        calls.push(name);
        return name === 'slow' ? new Promise(() => undefined) : Promise.resolve([]);
      };
      return [
        name,
        Object.assign(Object.create(createMemoryProvider(name)) as object, { name, renew }),
      ] as const;
    });
    const operations = new Operations(new Map(providers as never), { emit: () => {}, complain: () => {} });
    const both = ['slow', 'quick'].map((name, at) => ({ ...LIST[at]!, providers: [name] }));
    for (let times = 0; times < 2; times += 1) {
      operations.renew(both);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(calls).toEqual(['slow', 'quick', 'quick']);
  });
});
