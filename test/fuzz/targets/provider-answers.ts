/** What a provider of somebody else may answer and tell: any shape at all. The agent has one outcome for each VIP, and goes on. */
import fc from 'fast-check';
import { decodeMessage, encodeMessage } from '../../../src/agent/messages.ts';
import { brokenAnswer, problemOf, readAnswer, readEvent } from '../../../src/agent/provider-answers.ts';
import { AgentStage } from '../agent-stage.ts';
import { KNOWN_VIPS } from '../agent-talk.ts';
import { demand, type Target } from '../target.ts';

/** A value as data; {@link built} makes the strange ones of it. */
type Shape =
  | { readonly is: 'plain'; readonly value: unknown }
  | { readonly is: 'outcome'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly is: 'list'; readonly items: readonly Shape[] }
  | { readonly is: 'sparse'; readonly length: number }
  | { readonly is: 'cycle' }
  | { readonly is: 'symbol' }
  | { readonly is: 'thrower' }
  | { readonly is: 'text'; readonly length: number };

interface Input {
  readonly asked: number;
  readonly answer: Shape;
  readonly event: Shape;
  readonly call: 'acquired' | 'released' | 'renewed';
}

function built(shape: Shape): unknown {
  switch (shape.is) {
    case 'plain':
      return shape.value;
    case 'outcome':
      return Object.fromEntries(
        Object.entries(shape.fields).map(([key, value]) => [key, isShape(value) ? built(value) : value]),
      );
    case 'list':
      return shape.items.map(built);
    case 'sparse':
      return Object.assign([], { length: shape.length });
    case 'cycle': {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      return cycle;
    }
    case 'symbol':
      return Symbol('strange');
    case 'thrower':
      return thrower();
    case 'text':
      return 'x'.repeat(shape.length);
  }
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && 'is' in value;
}

/** Throws at every look, and what it throws does so too. */
function thrower(): object {
  const fault = (): never => {
    throw thrown;
  };
  const traps: ProxyHandler<Error> = { get: fault, has: fault, ownKeys: fault, getPrototypeOf: fault };
  const thrown: Error = new Proxy(new Error('unseen'), traps);
  return new Proxy(new Error('unseen'), traps);
}

const vip = fc.constantFrom<unknown>(...KNOWN_VIPS, ...KNOWN_VIPS, 'v9', '__proto__', 7, null);
const strange: fc.Arbitrary<Shape> = fc.oneof(
  fc.constantFrom<Shape>({ is: 'cycle' }, { is: 'symbol' }, { is: 'thrower' }),
  fc.constantFrom(0, 501, 1 << 20).map((length): Shape => ({ is: 'text', length })),
  fc.constantFrom(1, 2 ** 32 - 1).map((length): Shape => ({ is: 'sparse', length })),
  fc
    .constantFrom<unknown>(undefined, null, 0, true, '', 'ok')
    .map((value): Shape => ({ is: 'plain', value })),
);
const field = (right: fc.Arbitrary<unknown>) =>
  fc.oneof({ arbitrary: right, weight: 8 }, { arbitrary: strange, weight: 1 });
const outcome: fc.Arbitrary<Shape> = fc
  .record(
    {
      vip: field(vip),
      held: field(fc.boolean()),
      code: field(
        fc.constantFrom(
          'ok',
          'aborted',
          'address-in-use',
          'lease-expired',
          'lost',
          'timeout',
          'failed',
          'huh',
        ),
      ),
      reason: field(fc.constantFrom('done', '', '\u001b[2J')),
    },
    { requiredKeys: [] },
  )
  .map((fields): Shape => ({ is: 'outcome', fields }));
const event: fc.Arbitrary<Shape> = fc
  .record(
    {
      kind: field(fc.constantFrom('lost', 'fitness', 'trouble', 'news')),
      vip: field(vip),
      reason: field(fc.constantFrom<unknown>('done', undefined)),
      fit: field(fc.boolean()),
      fenced: field(fc.boolean()),
    },
    { requiredKeys: ['kind'] },
  )
  .map((fields): Shape => ({ is: 'outcome', fields }));
const list = fc
  .array(fc.oneof({ arbitrary: outcome, weight: 9 }, { arbitrary: strange, weight: 1 }), { maxLength: 6 })
  .map((items): Shape => ({ is: 'list', items }));

function check({ asked, answer, event: told, call }: Input): void {
  const stage = new AgentStage();
  stage.settle();
  const vips = stage.config.vips.slice(0, asked);
  const { outcomes, complaint } = readAnswer(vips, built(answer));
  demand(outcomes.length === vips.length, () => `${outcomes.length} outcomes for ${vips.length} VIPs`);
  for (const [index, { vip: id, held, reason }] of outcomes.entries()) {
    demand(id === vips[index]!.id && typeof held === 'boolean', () => `an outcome for ${String(id)}`);
    demand(reason.length <= 500, () => `a reason of ${reason.length} characters`);
  }
  demand(complaint.length <= 500, () => `a complaint of ${complaint.length} characters`);
  demand(problemOf(built(answer)).length <= 500, () => 'a long problem');
  const event = readEvent(new Set(KNOWN_VIPS), built(told));
  if (typeof event !== 'string') stage.give({ kind: 'provider', provider: 'memory', event });
  else demand(event !== '' && event.length <= 500, () => 'no complaint, or a long one');
  stage.give({ kind: call, outcomes });
  stage.give({ kind: call, outcomes: brokenAnswer(vips, problemOf(thrower())) });
  stage.settle();
  // What it tells the others of it, they must understand.
  for (const message of stage.said) {
    const decoded = decodeMessage(encodeMessage(message));
    demand(decoded.ok, () => `others refuse what it says: ${decoded.ok ? '' : decoded.error}`);
  }
}

export const providerAnswers: Target<Input> = {
  name: 'provider-answers',
  about: "answers and events of other people's providers, up to what the agent makes of them (src/agent)",
  share: 4,
  patience: 300,
  inputs: () =>
    fc.record({
      asked: fc.integer({ min: 0, max: KNOWN_VIPS.length }),
      answer: fc.oneof({ arbitrary: list, weight: 5 }, { arbitrary: strange, weight: 1 }),
      event: fc.oneof({ arbitrary: event, weight: 5 }, { arbitrary: strange, weight: 1 }),
      call: fc.constantFrom('acquired', 'released', 'renewed'),
    }),
  check,
};
