/** One agent core, and a member with the key and a wrong program: messages right in form, in any order, about anything. */
import fc from 'fast-check';
import { type AgentMessage, decodeMessage, encodeMessage } from '../../../src/agent/messages.ts';
import type { OperatorCommand } from '../../../src/model/operator.ts';
import type { Departure } from '../../../src/model/view.ts';
import { AgentStage } from '../agent-stage.ts';
import { agentMessage, KNOWN_VIPS, PRESENT_VIEW } from '../agent-talk.ts';
import { forLong } from '../for-long.ts';
import { demand, type Target } from '../target.ts';
import { MEMBERS } from '../wire.ts';

type Step =
  | { readonly kind: 'says'; readonly who: number; readonly message: AgentMessage }
  | { readonly kind: 'noise'; readonly who: number; readonly bytes: Uint8Array }
  | { readonly kind: 'view'; readonly members: readonly number[]; readonly how: Departure }
  | { readonly kind: 'wait'; readonly length: number }
  | { readonly kind: 'rest' }
  | { readonly kind: 'command'; readonly command: OperatorCommand }
  | { readonly kind: 'outranked'; readonly by: boolean }
  | { readonly kind: 'quorum'; readonly primary: boolean }
  | {
      readonly kind: 'bystanders';
      readonly reached: readonly string[] | undefined;
      readonly lost: readonly string[];
      readonly lesser: boolean;
    }
  | { readonly kind: 'fitness'; readonly vip: string; readonly fit: boolean }
  | { readonly kind: 'detached' }
  | { readonly kind: 'stalled'; readonly lateness: number }
  | { readonly kind: 'stop' };

const who = fc.nat(MEMBERS.length - 2).map((index) => index + 1);
const command: fc.Arbitrary<OperatorCommand> = fc.oneof(
  fc.record({ kind: fc.constantFrom('drain', 'undrain'), member: fc.constantFrom('a', 'b', 'x') }),
  fc.record({
    kind: fc.constant('move' as const),
    vip: fc.constantFrom('v1', 'v9'),
    to: fc.constantFrom('a', 'b'),
  }),
  fc.record({ kind: fc.constant('rebalance' as const) }),
);
const kind = <K extends string>(which: K) => fc.constant(which);
const hosts = fc.array(fc.constantFrom('a', 'b', 'c', 'x', ' '), { maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ kind: kind('says'), who: fc.constant(1), message: agentMessage }), weight: 12 },
  { arbitrary: fc.record({ kind: kind('says'), who, message: agentMessage }), weight: 3 },
  { arbitrary: fc.record({ kind: kind('noise'), who, bytes: fc.uint8Array({ maxLength: 9 }) }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: kind('view'),
      members: fc.array(who, { maxLength: 3 }),
      how: fc.constantFrom('leave', 'process', 'host'),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: kind('wait'), length: fc.nat(2000) }), weight: 4 },
  { arbitrary: fc.record({ kind: kind('rest') }), weight: 4 },
  { arbitrary: fc.record({ kind: kind('command'), command }), weight: 1 },
  {
    arbitrary: fc.record({ kind: kind('fitness'), vip: fc.constantFrom(...KNOWN_VIPS), fit: fc.boolean() }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: kind('outranked'), by: fc.boolean() }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('quorum'), primary: fc.boolean() }), weight: 1 },
  {
    arbitrary: fc.record({
      kind: kind('bystanders'),
      reached: fc.option(hosts, { nil: undefined }),
      lost: hosts,
      lesser: fc.boolean(),
    }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: kind('stalled'), lateness: fc.nat(3000) }), weight: 1 },
);
/** What ends an agent's part in a view comes seldom, or nothing else would be seen. */
const ending: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom('detached', 'stop') });

function perform(stage: AgentStage, given: Step): void {
  switch (given.kind) {
    case 'says':
      return stage.deliver(MEMBERS[given.who]!, encodeMessage(about(given.message, stage)));
    case 'noise':
      return stage.deliver(MEMBERS[given.who]!, given.bytes);
    case 'view':
      return stage.install(
        given.members.map((index) => MEMBERS[index]!),
        given.how,
      );
    case 'wait':
      stage.settle();
      return stage.pass(given.length);
    case 'rest':
      return stage.settle();
    case 'command':
      return stage.give({ kind: 'command', number: 1, command: given.command });
    case 'outranked':
      return stage.give({
        kind: 'group',
        event: { kind: 'outranked', by: given.by ? PRESENT_VIEW : undefined, reason: 'fuzz' },
      });
    case 'quorum':
      return stage.give({
        kind: 'group',
        event: { kind: 'quorum', primary: given.primary, reason: 'fuzz' },
      });
    case 'bystanders': {
      const { reached, lost } = given;
      const lesser = given.lesser ? 'fuzz' : undefined;
      return stage.give({ kind: 'group', event: { kind: 'bystanders', reached, lost, lesser } as never });
    }
    case 'fitness': {
      const { vip, fit } = given;
      return stage.give({
        kind: 'provider',
        provider: 'memory',
        event: { kind: 'fitness', vip, fit, reason: 'fuzz' },
      });
    }
    case 'detached':
      return stage.give({ kind: 'group', event: { kind: 'detached', reason: 'fuzz' } });
    case 'stalled':
      return stage.give({ kind: 'stalled', lateness: given.lateness });
    case 'stop':
      return stage.give({ kind: 'stop', reason: 'fuzz' });
  }
}

/** Of the view it is in now. */
function about(message: AgentMessage, stage: AgentStage): AgentMessage {
  return 'view' in message && message.view === PRESENT_VIEW && stage.view
    ? { ...message, view: stage.view.id }
    : message;
}

function check(steps: readonly Step[]): void {
  const stage = new AgentStage();
  stage.settle();
  for (const given of steps) perform(stage, given);
  stage.settle();
  stage.pass(5000);
  stage.checkStatus();
  for (const message of stage.said) {
    const decoded = decodeMessage(encodeMessage(message));
    demand(decoded.ok, () => `others refuse what it says: ${decoded.ok ? '' : decoded.error}`);
  }
}

export const agents: Target<readonly Step[]> = {
  name: 'agents',
  about: 'the agent core and a broken member of its view (src/agent/agent.ts), one input a step',
  share: 8,
  patience: 1000,
  inputs: () =>
    fc
      .tuple(
        fc.array(step, { maxLength: 40, size: 'max' }),
        fc.array(ending, { maxLength: 1 }),
        fc.array(step, { maxLength: 5 }),
      )
      .map((parts) => parts.flat()),
  check,
  countOf: (steps) => steps.length,
};

/** One agent, so many steps: what it keeps must not grow with what it was told. */
const STEPS_LONG = 10_000;

export const agentsForLong: Target<number> = {
  name: 'agents-for-long',
  about: `the same over ${STEPS_LONG} steps: what it keeps stays bounded`,
  share: 1.5,
  patience: 60_000,
  long: true,
  inputs: () => fc.nat(0xffff_ffff),
  check: (seed) => {
    const stage = new AgentStage();
    const steps = fc.sample(step, { seed, numRuns: STEPS_LONG });
    const size = forLong(steps, (given) => perform(stage, given));
    stage.settle();
    stage.checkStatus();
    demand(
      size < 6 * 1024 * 1024,
      () => `${STEPS_LONG} steps left ${(size / 2 ** 20).toFixed(1)} MiB behind`,
    );
  },
  countOf: () => STEPS_LONG,
};
