/** Frames and heartbeats as members could send them, right and wrong: every field of every kind, near the edges of its range. */
import fc from 'fast-check';
import type { Absent, Frame, Heartbeat, Origin } from '../../src/membership/messages.ts';
import { incarnationOf, type MemberId, memberId } from '../../src/model/member.ts';
import { viewId } from '../../src/model/view.ts';

const digits = (n: number) => n.toString(16).padStart(16, '0');

/** Few, so that frames speak of each other: `b` in two runs. */
export const MEMBERS: readonly MemberId[] = [
  memberId('a', digits(0)),
  memberId('b', digits(0)),
  memberId('c', digits(0)),
  memberId('d', digits(0)),
  memberId('b', digits(1)),
];

export interface WireRanges {
  readonly member: fc.Arbitrary<MemberId>;
  readonly count: fc.Arbitrary<number>;
  readonly bytesMax: number;
  readonly listMax: number;
  /** Lists of members that mean something. */
  readonly lists: readonly (readonly MemberId[])[];
}

const NAME_FIRST = 'abzABZ019'.split('');
const NAME_REST = 'az09AZ._-'.split('');
const strangeMember = fc
  .tuple(fc.constantFrom(...NAME_FIRST), fc.array(fc.constantFrom(...NAME_REST), { maxLength: 62 }), fc.nat())
  .map(([first, rest, run]) => memberId(first + rest.join(''), digits(run)));

/** For codecs: anything a type allows. */
export const WIDE: WireRanges = {
  member: fc.oneof(
    { arbitrary: fc.constantFrom(...MEMBERS), weight: 3 },
    { arbitrary: strangeMember, weight: 1 },
  ),
  count: fc.oneof(fc.nat(4), fc.maxSafeNat()),
  bytesMax: 48,
  listMax: 6,
  lists: [],
};

/** For the engine: small numbers meet more often. */
export const NARROW: WireRanges = {
  member: fc.constantFrom(...MEMBERS),
  count: fc.oneof({ arbitrary: fc.nat(6), weight: 9 }, { arbitrary: fc.maxSafeNat(), weight: 1 }),
  bytesMax: 8,
  listMax: 5,
  lists: [
    [1, 0],
    [0, 1],
    [1, 0, 2],
    [0, 1, 2],
    [2, 0],
  ].map((list) => list.map((index) => MEMBERS[index]!)),
};

export interface Wire {
  readonly frame: fc.Arbitrary<Frame>;
  readonly heartbeat: fc.Arbitrary<Heartbeat>;
}

export function wire(ranges: WireRanges): Wire {
  const { member, count } = ranges;
  const anyMembers = fc.array(member, { maxLength: ranges.listMax });
  const members =
    ranges.lists.length === 0
      ? anyMembers
      : fc.oneof(anyMembers, fc.constantFrom(...ranges.lists.map((list) => [...list])));
  const view = fc.tuple(count, member).map(([epoch, who]) => viewId(epoch, who));
  const bytes = fc.uint8Array({ maxLength: ranges.bytesMax });
  const attempt = fc.record({ epoch: count, proposer: member });
  const size = fc.oneof(fc.nat(5), fc.nat(0xffff));
  const absent: fc.Arbitrary<Absent[]> = fc.array(
    fc.record({ member, how: fc.constantFrom('leave', 'process', 'host') }),
    { maxLength: 3 },
  );
  const heartbeat: fc.Arbitrary<Heartbeat> = fc.record({
    sender: member,
    number: count,
    well: fc.boolean(),
    view,
    size,
    hears: members.map((list) => list.map(incarnationOf)),
    highest: count,
    received: count,
    stable: count,
  });
  const origin: fc.Arbitrary<Origin> = fc.record({
    view,
    fresh: fc.boolean(),
    cut: count,
    stable: count,
    source: member,
    from: fc.array(fc.record({ member, received: count }), { maxLength: 3 }),
    departed: absent,
  });
  const kind = <K extends string>(name: K) => fc.constant(name);
  const message = { view, seq: count, sender: member, number: count, bytes };
  const frame: fc.Arbitrary<Frame> = fc.oneof(
    fc.record({ kind: kind('prepare'), epoch: count, members }),
    fc.record({
      kind: kind('promise'),
      attempt,
      view,
      received: count,
      stable: count,
      fresh: fc.boolean(),
      absent,
    }),
    fc.record({
      kind: kind('refuse'),
      attempt,
      reason: fc.constantFrom('stale', 'busy', 'unheard', 'smaller', 'leaving'),
      highest: count,
      size,
      unheard: members,
    }),
    fc.record({ kind: kind('install'), epoch: count, members, origins: fc.array(origin, { maxLength: 3 }) }),
    fc.record({ kind: kind('installed'), view }),
    fc.record({ kind: kind('cancel'), epoch: count }),
    fc.record({ kind: kind('data'), view, number: count, bytes }),
    fc.record({ kind: kind('ordered'), ...message, stable: count }),
    fc.record({ kind: kind('fill'), ...message }),
    fc.record({ kind: kind('ack'), view, received: count }),
    fc.record({ kind: kind('hear'), heartbeat }),
    fc.record({ kind: fc.constantFrom('goodbye', 'farewell') }),
  );
  return { frame, heartbeat };
}
