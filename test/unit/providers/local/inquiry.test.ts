import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Inquiry } from '../../../../providers/local/inquiry.ts';
import type { Link } from '../../../../src/platform/rtnetlink-codec.ts';

/** How far the clock is ahead of the timers. */
let late = 0;
vi.mock('../../../../src/platform/clock.ts', () => ({ monotonicNow: () => performance.now() + late }));

const LINK: Link = {
  index: 4,
  name: 'eth0',
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  up: true,
  carrier: true,
  resolves: true,
};

describe('an inquiry', () => {
  let link: Link | undefined;
  let sends: 'sent' | 'full' | 'down';
  let questions: number;
  let answers: (ReadonlySet<string> | undefined)[];
  /** What is read before it is judged. */
  let waiting: (inquiry: Inquiry) => void;

  beforeEach(() => {
    vi.useFakeTimers();
    [late, link, sends, questions, answers, waiting] = [0, LINK, 'sent', 0, [], () => {}];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function ask(...addresses: string[]): Inquiry {
    const inquiry: Inquiry = new Inquiry(
      addresses,
      { interval: 4, rounds: 2 },
      {
        sender: {
          send() {
            questions += 1;
            return sends;
          },
          close() {},
        },
        link: () => link,
        drain: () => waiting(inquiry),
        done: (answered) => answers.push(answered),
      },
    );
    inquiry.start();
    return inquiry;
  }

  it('says which addresses were answered for, after five rounds at least', () => {
    const inquiry = ask('10.0.0.1', '10.0.0.2', '2001:db8::1');
    inquiry.hear('10.0.0.2', 'answer');
    inquiry.hear('10.0.0.9', 'answer');
    vi.advanceTimersByTime(49);
    expect(answers).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(answers).toEqual([new Set(['10.0.0.2'])]);
    expect(questions).toBe(15);
  });

  it('takes advertisements for answers only where they come again with the questions', () => {
    const inquiry = ask('2001:db8::1', '2001:db8::2');
    for (let round = 0; round < 5; round++) {
      inquiry.hear('2001:db8::1', 'claim');
      if (round < 2) inquiry.hear('2001:db8::2', 'claim');
      vi.advanceTimersByTime(10);
    }
    expect(answers).toEqual([new Set(['2001:db8::1'])]);
  });

  it('takes in what waits before it judges', () => {
    waiting = (inquiry) => inquiry.hear('10.0.0.1', 'answer');
    ask('10.0.0.1');
    vi.advanceTimersByTime(50);
    expect(answers).toEqual([new Set(['10.0.0.1'])]);
  });

  it.each(['full', 'down'] as const)('says nothing where a question was not sent: %s', (outcome) => {
    ask('10.0.0.1');
    vi.advanceTimersByTime(25);
    sends = outcome;
    vi.advanceTimersByTime(100);
    expect(answers).toEqual([undefined]);
  });

  it.each([undefined, { ...LINK, up: false }, { ...LINK, carrier: false }])('nor on a link %j', (now) => {
    link = now;
    ask('10.0.0.1');
    expect(answers).toEqual([undefined]);
    expect(questions).toBe(0);
  });

  it('nor of silence where it stood still meanwhile', () => {
    ask('10.0.0.1');
    late = 3000;
    vi.advanceTimersByTime(100);
    expect(answers).toEqual([undefined]);
  });

  it('says nothing once it is stopped', () => {
    ask('10.0.0.1').stop();
    vi.advanceTimersByTime(1000);
    expect(answers).toEqual([]);
  });
});
