/** Whom the links reach, by what the daemon says of their answers, and when it says nothing. */
import { describe, expect, it } from 'vitest';
import { LinkReach } from '../../../../src/group/corosync/link-reach.ts';

const PING = 100;

class Links {
  now = 0;
  /** Answers so far, of nodes with a connected link. */
  readonly counts = new Map<number, number>();
  /** The daemon synchronises: no answer comes. */
  standing: Promise<void> | undefined;
  finalized = 0;
  readonly reach = new LinkReach({
    questions: {
      answers: async (node) => {
        await this.standing;
        return this.counts.get(node);
      },
    },
    links: {
      descriptor: () => ({ code: 1, value: -1 }),
      finalize: () => {
        this.finalized += 1;
        return 1;
      },
    },
    ping: PING,
    now: () => this.now,
  });

  async after(ms: number): Promise<readonly number[]> {
    this.now += ms;
    this.reach.look([1, 2]);
    await new Promise(setImmediate);
    return [1, 2, 3].filter((node) => this.reach.has(node));
  }

  answer(...nodes: readonly number[]): this {
    for (const node of nodes) this.counts.set(node, (this.counts.get(node) ?? 0) + 1);
    return this;
  }
}

describe('whom the links reach', () => {
  it('is whose link is connected and goes on answering', async () => {
    const links = new Links();
    expect(await links.after(0)).toEqual([]);
    links.answer(1, 2);
    expect(await links.after(PING)).toEqual([1, 2]);
    links.answer(1);
    expect(await links.after(2 * PING)).toEqual([1, 2]);
    links.answer(1);
    expect(await links.after(2 * PING)).toEqual([1]);
    links.answer(2);
    expect(await links.after(PING)).toEqual([1, 2]);
    links.counts.delete(1);
    expect(await links.after(1)).toEqual([2]);
  });

  it('is what was said last while nothing is said, and then is looked at anew', async () => {
    const links = new Links().answer(1, 2);
    expect(await links.after(0)).toEqual([1, 2]);
    const daemon = Promise.withResolvers<void>();
    links.standing = daemon.promise;
    expect(await links.after(50 * PING)).toEqual([1, 2]);
    expect(await links.after(50 * PING)).toEqual([1, 2]);
    links.answer(2).standing = undefined;
    daemon.resolve();
    await new Promise(setImmediate);
    expect([1, 2].map((node) => links.reach.has(node))).toEqual([false, true]);
  });

  it('is over with the connection, whose end waits for what is still asked', async () => {
    const links = new Links().answer(1);
    expect(await links.after(0)).toEqual([1]);
    const daemon = Promise.withResolvers<void>();
    links.standing = daemon.promise;
    await links.after(PING);
    const closing = links.reach.close();
    expect(links.finalized).toBe(0);
    daemon.resolve();
    await closing;
    expect(links.finalized).toBe(1);
    const idle = new Links();
    expect(idle.reach.close()).toBeUndefined();
    expect(idle.finalized).toBe(1);
    await idle.answer(1).after(PING);
    expect(idle.reach.has(1)).toBe(false);
  });
});
