/** Messages between agents, as one could send them that has the key and a wrong program: right in form, wrong in everything else. */
import fc from 'fast-check';
import type { AgentMessage } from '../../src/agent/messages.ts';
import { viewId } from '../../src/model/view.ts';
import type { VipId } from '../../src/model/vip.ts';
import { MEMBERS } from './wire.ts';

/** Stands for the view the listener is in at that moment. */
export const PRESENT_VIEW = viewId(0, MEMBERS[0]!);

export const KNOWN_VIPS: readonly VipId[] = ['v1', 'v2', 'v3', 'v4'];

const member = fc.constantFrom(...MEMBERS);
const name = fc.constantFrom('a', 'b', 'c', 'x');
const vip: fc.Arbitrary<VipId> = fc.constantFrom(...KNOWN_VIPS, 'v9', 'toString', 'x'.repeat(100));
const text = fc.constantFrom('', 'because', '\u0000\u001b[2J', 'x'.repeat(500));
const view = fc.oneof(
  { arbitrary: fc.constant(PRESENT_VIEW), weight: 9 },
  { arbitrary: member.map((who) => viewId(7, who)), weight: 1 },
);
const amount = fc.oneof(fc.nat(3), fc.constantFrom(0.5, 1e-300, 1e308, Number.MAX_SAFE_INTEGER));
const vips = fc.array(vip, { maxLength: 5 });
const reasons = fc.array(fc.tuple(vip, text), { maxLength: 3 });
const kind = <K extends string>(which: K) => fc.constant(which);

const standing = {
  view,
  mature: fc.boolean(),
  draining: fc.boolean(),
  barred: fc.oneof({ arbitrary: fc.constant(''), weight: 3 }, { arbitrary: text, weight: 1 }),
  leaving: fc.boolean(),
  capacity: amount,
  unfit: reasons,
};

const report = {
  kind: kind('report'),
  ...standing,
  round: fc.oneof({ arbitrary: fc.nat(2), weight: 9 }, { arbitrary: amount, weight: 1 }),
  digest: fc.constantFrom('digest-of-4', 'another'),
  votes: amount,
  primary: fc.boolean(),
  quorum: text,
  complete: fc.boolean(),
  held: vips,
  claims: vips,
  pinned: vips,
  passed: reasons,
  doubts: vips,
};

/** Absent from members of earlier releases. */
const later = {
  rules: fc.constantFrom(2, 3, 3, 3),
  beside: fc.array(fc.record({ name, reached: fc.boolean(), vips }), { maxLength: 3 }),
};

const definition = fc.record({
  id: vip,
  addresses: fc.array(fc.constantFrom('10.1.0.1/32', 'fd00::1/128', 'nonsense'), { maxLength: 3 }),
  prefer: fc.array(name, { maxLength: 3 }),
  weight: amount,
  policy: fc.constantFrom('component', 'primary'),
});

const command = fc.oneof(
  fc.record({ kind: fc.constantFrom('drain', 'undrain'), member: name }),
  fc.record({ kind: kind('move'), vip, to: name }),
  fc.record({ kind: kind('rebalance') }),
);

const move = fc.record({ vip, from: member, to: member, reason: text });

export const agentMessage: fc.Arbitrary<AgentMessage> = fc.oneof(
  {
    arbitrary: fc
      .tuple(fc.record(report), fc.record(later, { requiredKeys: [] }))
      .map(([own, more]) => ({ ...own, ...more })),
    weight: 4,
  },
  { arbitrary: fc.record({ kind: kind('standing'), ...standing }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: kind('definitions'),
      view,
      round: fc.nat(2),
      vips: fc.array(definition, { maxLength: 3 }),
    }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom('released', 'acquired', 'retry'), view, vips }), weight: 3 },
  { arbitrary: fc.record({ kind: kind('failed'), view, vips: reasons }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('moves'), view, moves: fc.array(move, { maxLength: 3 }) }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: kind('proceed'),
      view,
      round: fc.nat(2),
      without: fc.array(member, { maxLength: 3 }),
    }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: kind('operator'), command, via: name, number: fc.nat(9) }), weight: 1 },
);
