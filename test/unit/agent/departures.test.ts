import { describe, expect, it } from 'vitest';
import { Barrier } from '../../../src/agent/barrier.ts';
import type { Carrier } from '../../../src/agent/carriers.ts';
import { Departures } from '../../../src/agent/departures.ts';
import { type Access, type Clearance, type DoubtSettings, Doubts } from '../../../src/agent/doubts.ts';
import type { Report } from '../../../src/agent/messages.ts';
import { Table } from '../../../src/agent/table.ts';
import { memberId } from '../../../src/model/member.ts';
import { type Departed, type View, viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';
import { report } from './reports.ts';

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

describe('who was still asking for a VIP as its host fell silent', () => {
  it('is waited for where takeovers are strict: it may have got it', () => {
    const barrier = new Barrier([a, b], 0);
    const view: View = { ...alone([]), members: [a, b] };
    barrier.add(a, report(view.id));
    barrier.add(b, report(view.id, { claims: ['v1'] }));
    const table = new Table(
      barrier,
      { view, vips: vips(1), story: () => undefined, gone: () => undefined },
      0,
    );
    const notBefore = (takeover: DoubtSettings['takeover']) => {
      const doubts = new Doubts();
      const departures = new Departures();
      departures.remember(table);
      const how = { leaseBound: 4100, takeover };
      const next = alone([{ member: b, how: 'host' }]);
      departures.judge({ view: next, previous: view, vips: vips(1), settings: how }, doubts, 100);
      return doubts.clearance('v1', { now: 110, settings: how, access: 'link', doubtedSince: undefined })
        ?.notBefore;
    };
    expect(notBefore('strict')).toBe(4200);
    expect(notBefore('at-once')).toBeUndefined();
  });
});

describe('who is astray', () => {
  const view = (members: View['members'], departed: readonly Departed[] = []): View => ({
    ...alone(departed),
    members,
  });
  const seen = (departures: Departures, next: View) => {
    departures.judge({ view: next, previous: undefined, vips: [], settings }, new Doubts(), 0);
    return departures.astray(next, undefined);
  };

  it('is who went without a goodbye, until its host is back, with whichever agent', () => {
    const departures = new Departures();
    const gone: Departed[] = [
      { member: b, how: 'leave' },
      { member: c, how: 'host' },
    ];
    expect(seen(departures, view([a], gone))).toEqual(['c']);
    expect(seen(departures, view([a, b]))).toEqual(['c']);
    expect(seen(departures, view([a, memberId('c', '1'.repeat(16))]))).toEqual([]);
    expect(seen(departures, view([a], [{ member: c, how: 'leave' }]))).toEqual([]);
  });

  it('is learnt from others', () => {
    const departures = new Departures();
    departures.learn(new Set(['c']));
    expect(seen(departures, view([a, b]))).toEqual(['c']);
    expect(seen(departures, view([a, c]))).toEqual([]);
  });

  it('is everybody expected who is not here, where the configuration names all', () => {
    expect(new Departures().astray(view([a, b]), ['d', 'b', 'a', 'c'])).toEqual(['c', 'd']);
  });
});

describe('what the last table says of those that went', () => {
  const before: View = {
    id: viewId(4, a),
    epoch: 4,
    members: [a, b, c],
    cause: 'join',
    joined: [],
    departed: [],
  };

  interface Circumstances {
    readonly earlier?: (doubts: Doubts) => void;
    readonly by?: { readonly settings: DoubtSettings; readonly access: Access };
  }

  /** How `a` goes about v1 at 160, after the others reported this of it and went like that at 150. */
  function approach(
    reports: { readonly b?: Partial<Report>; readonly c?: Partial<Report> },
    departed: readonly Departed[],
    { earlier = () => {}, by = { settings, access: 'link' } }: Circumstances = {},
  ): Clearance | undefined {
    const barrier = new Barrier(before.members, 0);
    barrier.add(a, report(before.id));
    if (reports.b) barrier.add(b, report(before.id, reports.b));
    else barrier.add(a, { kind: 'proceed', view: before.id, round: 0, without: [b] });
    barrier.add(c, report(before.id, reports.c ?? {}));
    const table = new Table(
      barrier,
      { view: before, vips: vips(1), story: () => undefined, gone: () => undefined },
      0,
    );
    const doubts = new Doubts();
    earlier(doubts);
    const departures = new Departures();
    departures.remember(table);
    const gone = new Set(departed.map(({ member }) => member));
    const members = before.members.filter((member) => !gone.has(member));
    const view = { ...alone(departed), members };
    departures.judge({ view, previous: before, vips: vips(1), settings: by.settings }, doubts, 150);
    return doubts.clearance('v1', { now: 160, ...by, doubtedSince: undefined });
  }
  const untilLease = {
    guard: { kind: 'when-silent', until: 150 + settings.leaseBound },
    notBefore: undefined,
  };
  const had = { held: ['v1'] };

  it('of two holders the one whose host still answers counts, in whichever order they are told', () => {
    const departed: Departed[] = [
      { member: b, how: 'process' },
      { member: c, how: 'host' },
    ];
    expect(approach({ b: had, c: had }, departed)).toEqual(untilLease);
    expect(approach({ b: had, c: had }, [...departed].reverse())).toEqual(untilLease);
  });

  it('a goodbye clears what its sender had, unless another has it still, or it was only asking for it', () => {
    const left: Departed[] = [{ member: b, how: 'leave' }];
    expect(approach({ b: had }, left)?.guard.kind).toBe('at-once');
    expect(approach({ b: had, c: had }, left)?.guard.kind).toBe('when-silent');
    expect(approach({ b: { claims: ['v1'] } }, left)?.guard.kind).toBe('when-silent');
  });

  it('one that was only asking for it leaves an earlier doubt as it is', () => {
    const doubted = (doubts: Doubts) => doubts.departed('v1', 'process', { now: 100, settings });
    const guard = approach({ b: { claims: ['v1'] } }, [{ member: b, how: 'host' }], {
      earlier: doubted,
    })?.guard;
    expect(guard).toEqual({ kind: 'when-silent', until: 100 + settings.leaseBound });
  });

  describe('where one may have handed it to the other in words that did not reach us', () => {
    const cloud: readonly Carrier[] = [{ provider: 'cloud', askable: false, lasts: 30_000 }];
    const metal: readonly Carrier[] = [{ provider: 'local', askable: true, lasts: 4_100 }];
    const process = (member: Departed['member']): Departed => ({ member, how: 'process' });

    /** In which ways v1, which `b` had, may still be with somebody. */
    function ways(departed: readonly Departed[]): string[] {
      let after = new Doubts();
      approach({ b: { ...had, carriers: cloud }, c: { carriers: metal } }, departed, {
        earlier: (doubts) => {
          after = doubts;
        },
      });
      return after.lasting(160).map(({ vip, provider }) => `${vip} ${provider}`);
    }

    it('each way of those that went together counts, and of one that stays nothing does', () => {
      expect(ways([process(b), process(c)])).toEqual(['v1 cloud', 'v1 local']);
      expect(ways([{ member: b, how: 'leave' }, process(c)])).toEqual(['v1 local']);
      expect(ways([process(b)])).toEqual(['v1 cloud']);
      expect(ways([process(c)])).toEqual([]);
    });

    it('a provider that can ask nobody waits for the lease of who went without a word, though the holder said goodbye', () => {
      const goodbye: readonly Departed[] = [{ member: b, how: 'leave' }, process(c)];
      const blindly = (blind: boolean) =>
        approach({ b: had, c: {} }, goodbye, { by: { settings: { ...settings, blind }, access: 'blind' } });
      expect(blindly(true)?.notBefore).toBe(150 + settings.leaseBound);
      expect(blindly(false)?.notBefore).toBeUndefined();
    });
  });

  it('one that never reported may have had anything while its host answers', () => {
    expect(approach({}, [{ member: b, how: 'process' }])).toEqual(untilLease);
    expect(approach({ b: {} }, [{ member: b, how: 'process' }])).not.toEqual(untilLease);
  });
});
