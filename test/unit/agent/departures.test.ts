import { describe, expect, it } from 'vitest';
import { Departures } from '../../../src/agent/departures.ts';
import { Doubts } from '../../../src/agent/doubts.ts';
import { memberId } from '../../../src/model/member.ts';
import { type Departed, type View, viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => memberId(name, '0'.repeat(16))) as [never, never, never];
const settings = { leaseBound: 4100, takeover: 'at-once' } as const;

function alone(departed: readonly Departed[]): View {
  return { id: viewId(5, a), epoch: 5, members: [a], cause: 'network', joined: [], departed };
}

/** How `a` goes about v1, which was seen released just before this view came. */
function guardAfter(departed: readonly Departed[]): string {
  const doubts = new Doubts();
  doubts.cleared('v1', 100);
  const judgement = { view: alone(departed), previous: undefined, vips: vips(1), settings };
  new Departures().judge(judgement, doubts, 150);
  const input = { now: 160, settings, access: 'link', doubtedSince: undefined } as const;
  return String(doubts.clearance('v1', input)?.guard.kind);
}

describe('a release that was seen, and then a view', () => {
  it('counts while everybody who went said goodbye', () => {
    expect(guardAfter([{ member: b, how: 'leave' }])).toBe('at-once');
  });

  it('counts no more when others parted without a word: they may have been given the VIP meanwhile', () => {
    const departed: Departed[] = [
      { member: b, how: 'leave' },
      { member: c, how: 'host' },
    ];
    expect(guardAfter(departed)).toBe('when-silent');
  });
});
