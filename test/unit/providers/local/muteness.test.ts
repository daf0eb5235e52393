import { describe, expect, it } from 'vitest';
import {
  ANNOUNCERS_MAX,
  ASKED_MAX,
  CALM,
  disputeText,
  type Hearing,
  type HearingEvent,
  STRIKE_LIFETIME,
  step,
} from '../../../../providers/local/muteness.ts';

const QUIET = 10_000;

/** An interface whose host holds some addresses, and a link where some link addresses answer. */
class Scene {
  hearing: Hearing = CALM;
  now = 0;
  /** Who answers when asked. */
  answering = new Set<string>();
  /** Address and since when it is held. */
  held = new Map<string, number>();
  defended: string[] = [];
  asked: string[][] = [];

  step(event: HearingEvent): void {
    const { hearing, ask, defend } = step(this.hearing, event, { now: this.now, quiet: QUIET });
    this.hearing = hearing;
    if (defend !== undefined) this.defended.push(defend);
    if (ask === undefined) return;
    this.asked.push(ask.map(({ mac }) => mac));
    this.now += 50;
    const from = new Set(ask.map(({ mac }) => mac).filter((mac) => this.answering.has(mac)));
    this.step({ kind: 'answers', from, held: this.held.has(ask[0]!.address) });
  }

  /** Some time later somebody announces the address. */
  announced(mac: string, address: string, later = 100): void {
    this.now += later;
    const since = this.held.get(address);
    this.step({ kind: 'announcement', mac, address, ...(since !== undefined && { heldSince: since }) });
  }

  tick(times = 1): void {
    for (let time = 0; time < times; time++) {
      this.now += 1000;
      this.step({ kind: 'tick' });
    }
  }

  get mute(): boolean {
    return this.hearing.mute !== undefined;
  }
}

function holding(...addresses: string[]): Scene {
  const scene = new Scene();
  for (const address of addresses) scene.held.set(address, 0);
  return scene;
}

/** Mute, by what `a` announces of ours. */
function muted(): Scene {
  const scene = holding('x');
  scene.announced('a', 'x');
  scene.announced('a', 'x');
  expect(scene.mute).toBe(true);
  return scene;
}

describe('who becomes mute', () => {
  it('hears twice that somebody has what it holds, and is answered neither time', () => {
    const scene = holding('x');
    scene.announced('a', 'x');
    expect(scene.mute).toBe(false);
    expect(scene.defended).toEqual(['x']);
    scene.announced('a', 'x');
    expect(scene.hearing.mute).toMatchObject({ by: { mac: 'a', address: 'x' } });
  });

  it('whoever they are, and whichever addresses', () => {
    const scene = holding('x', 'y');
    scene.announced('a', 'x');
    scene.announced('c', 'y');
    expect(scene.mute).toBe(true);
  });

  it('not by addresses that it does not hold', () => {
    const scene = holding('x');
    for (let time = 0; time < 10; time++) scene.announced('a', 'y');
    expect(scene.asked).toEqual([]);
    expect(scene.mute).toBe(false);
  });

  it('not by one announcement, in several frames of one moment', () => {
    const scene = holding('x');
    scene.announced('a', 'x');
    for (let frame = 0; frame < 5; frame++) scene.announced('a', 'x', 9);
    expect(scene.mute).toBe(false);
  });

  it('not where the second one comes when the first is forgotten', () => {
    const scene = holding('x');
    scene.announced('a', 'x');
    scene.announced('a', 'x', STRIKE_LIFETIME + 1);
    expect(scene.mute).toBe(false);
  });

  it('not by late frames of two holders whom it has taken over from, one after the other', () => {
    const scene = holding('x');
    scene.announced('a', 'x');
    scene.held.set('y', scene.now + 50);
    scene.announced('c', 'y');
    expect(scene.mute).toBe(false);
  });

  it('not where it has released the address before the question was over', () => {
    const scene = holding('x');
    scene.announced('a', 'x');
    scene.now += 100;
    const { hearing, ask } = step(
      scene.hearing,
      { kind: 'announcement', mac: 'a', address: 'x', heldSince: 0 },
      { now: scene.now, quiet: QUIET },
    );
    expect(ask).toHaveLength(1);
    scene.hearing = hearing;
    scene.step({ kind: 'answers', from: new Set(), held: false });
    expect(scene.mute).toBe(false);
  });

  it('not where the link cannot be asked', () => {
    const scene = holding('x');
    for (let time = 0; time < 5; time++) {
      scene.now += 2000;
      const event = { kind: 'announcement', mac: 'a', address: 'x', heldSince: 0 } as const;
      const { hearing } = step(scene.hearing, event, { now: scene.now, quiet: QUIET });
      scene.hearing = hearing;
      scene.step({ kind: 'answers', held: true });
    }
    expect(scene.mute).toBe(false);
  });

  it('not where the other answers: the group decides, and an operator hears of it when it lasts', () => {
    const scene = holding('x');
    scene.answering.add('a');
    scene.announced('a', 'x');
    scene.announced('a', 'x', 1100);
    expect(scene.mute).toBe(false);
    expect(disputeText(scene.hearing)).toBeUndefined();
    scene.announced('a', 'x', 1100);
    expect(disputeText(scene.hearing)).toContain(
      'a announces x, which this host holds, and answers when asked',
    );
    scene.tick(QUIET / 1000 + 1);
    expect(disputeText(scene.hearing)).toBeUndefined();
  });

  it('in the smaller part, not in the larger one, which an operator hears of', () => {
    const scene = holding('x');
    scene.answering.add('c');
    for (let time = 0; time < 5; time++) {
      scene.announced('c', 'z', 1100);
      scene.announced('b', 'x', 100);
      scene.announced('b', 'x', 100);
    }
    expect(scene.asked.at(-1)).toEqual(['b', 'c']);
    expect(scene.mute).toBe(false);
    expect(disputeText(scene.hearing)).toContain(
      'b announces x, which this host holds, and does not hear this host',
    );
    scene.announced('d', 'w', 1100);
    scene.announced('b', 'x', 100);
    scene.announced('b', 'x', 100);
    expect(scene.mute, 'two hear us not, and one does').toBe(true);
  });
});

describe('questions', () => {
  it('are not asked again and again in a flood', () => {
    const scene = holding('x');
    scene.answering.add('a');
    for (let time = 0; time < 1000; time++) scene.announced('a', 'x', 1);
    expect(scene.asked.length).toBeLessThan(3);
  });

  it('go to so many at most, of those remembered, and in the end to all', () => {
    const scene = muted();
    for (let one = 0; one < 1000; one++) scene.announced(`m${one}`, 'x', 0);
    expect(scene.hearing.announcers.size).toBe(ANNOUNCERS_MAX);
    scene.asked = [];
    scene.tick(5);
    expect(Math.max(...scene.asked.map(({ length }) => length))).toBe(ASKED_MAX);
    expect(new Set(scene.asked.flat()).size).toBe(ANNOUNCERS_MAX);
  });
});

describe('who is mute', () => {
  it('stays so while others announce and none answers', () => {
    const scene = muted();
    scene.held.clear();
    for (let time = 0; time < 60; time++) {
      scene.announced('a', 'x', 0);
      scene.tick();
      expect(scene.mute).toBe(true);
    }
  });

  it('is so no more when all who announce answer', () => {
    const scene = muted();
    scene.held.clear();
    scene.announced('c', 'y', 0);
    scene.answering.add('a');
    scene.tick(3);
    expect(scene.mute, 'c does not hear us yet').toBe(true);
    scene.answering.add('c');
    scene.tick();
    expect(scene.mute).toBe(false);
  });

  it('is so no more when nobody announces any more: nobody else would serve', () => {
    const scene = muted();
    scene.tick(QUIET / 1000 - 1);
    expect(scene.mute).toBe(true);
    scene.tick(2);
    expect(scene.mute).toBe(false);
  });

  it('needs two strikes again to become so again', () => {
    const scene = muted();
    scene.answering.add('a');
    scene.tick();
    expect(scene.mute).toBe(false);
    scene.answering.clear();
    scene.announced('a', 'x', 2000);
    expect(scene.mute).toBe(false);
    scene.announced('a', 'x');
    expect(scene.mute).toBe(true);
  });
});
