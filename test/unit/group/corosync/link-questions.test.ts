/** What is asked of the daemon about links, and how often. */
import { describe, expect, it } from 'vitest';
import { LINKS_USES, LinkQuestions } from '../../../../src/group/corosync/link-questions.ts';

class Daemon {
  /** Links of node 2: connected or not, and their answers. */
  readonly links = new Map<number, { connected: boolean; pongs: number }>();
  /** It says nothing. */
  mute = false;
  asked = 0;
  readonly questions = new LinkQuestions({
    connected: async (_, link) => {
      this.asked += 1;
      return this.mute ? undefined : this.links.get(link)?.connected;
    },
    pongs: async (_, link) => {
      this.asked += 1;
      return this.mute ? undefined : this.links.get(link)?.pongs;
    },
  });

  answers(): Promise<number | undefined> {
    return this.questions.answers(2);
  }
}

describe('questions about links', () => {
  it('sum up the answers on links that are connected', async () => {
    const daemon = new Daemon();
    expect(await daemon.answers()).toBeUndefined();
    daemon.links.set(0, { connected: true, pongs: 7 });
    daemon.links.set(3, { connected: true, pongs: 5 });
    expect(await daemon.answers()).toBe(12);
    daemon.links.set(3, { connected: false, pongs: 6 });
    expect(await daemon.answers()).toBe(7);
    daemon.links.set(0, { connected: false, pongs: 8 });
    expect(await daemon.answers()).toBeUndefined();
  });

  it('are two for each link that there is, and find new links after a while', async () => {
    const daemon = new Daemon();
    daemon.links.set(0, { connected: true, pongs: 1 });
    await daemon.answers();
    daemon.links.set(1, { connected: true, pongs: 1 });
    const { asked } = daemon;
    for (let times = 1; times < LINKS_USES; times += 1) expect(await daemon.answers()).toBe(1);
    expect(daemon.asked - asked).toBe(2 * (LINKS_USES - 1));
    expect(await daemon.answers()).toBe(2);
  });

  it('go on about the known links where the daemon said nothing in between', async () => {
    const daemon = new Daemon();
    daemon.links.set(1, { connected: true, pongs: 4 });
    expect(await daemon.answers()).toBe(4);
    daemon.mute = true;
    for (let times = 0; times < 2 * LINKS_USES; times += 1) expect(await daemon.answers()).toBeUndefined();
    daemon.mute = false;
    expect(await daemon.answers()).toBe(4);
    // Also where it said something of another one just when it was looked which there are.
    daemon.links.set(0, { connected: false, pongs: 0 });
    const spare = daemon.links.get(1)!;
    daemon.links.delete(1);
    for (let times = 0; times < LINKS_USES; times += 1) await daemon.answers();
    daemon.links.set(1, spare);
    expect(await daemon.answers()).toBe(4);
  });
});
