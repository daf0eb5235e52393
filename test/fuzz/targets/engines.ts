/** One membership engine, and members that are authenticated and broken: frames right in form, in any order, about anything. */
import fc from 'fast-check';
import { PROFILES } from '../../../src/config/profiles.ts';
import { encodeFrame, encodeHeartbeat } from '../../../src/membership/codec.ts';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction, EngineEvent, SansIoEngine } from '../../../src/membership/events.ts';
import type { Frame } from '../../../src/membership/messages.ts';
import { incarnationOf, type MemberId } from '../../../src/model/member.ts';
import type { Instant } from '../../../src/model/time.ts';
import { viewId } from '../../../src/model/view.ts';
import { forLong } from '../for-long.ts';
import { demand, type Target } from '../target.ts';
import { MEMBERS, NARROW, wire } from '../wire.ts';

const SELF = MEMBERS[0]!;
/** What one event may cause: a few frames for each member, or all that was waiting for a view. */
const ACTIONS_MAX = 5000;
const TIMEOUTS_MAX = 50;
/** Numbers below this are meant from the present epoch on; as they stand they would soon all be of the past. */
const RELATIVE_BELOW = 7;

interface Step {
  readonly event: EngineEvent;
  readonly later: number;
  readonly relative: boolean;
  /** The others answer as the protocol wants, so that views come about. */
  readonly obedient: boolean;
}

interface Story {
  readonly steps: readonly Step[];
}

const { frame, heartbeat } = wire(NARROW);
const other = fc.constantFrom(...MEMBERS.slice(1));
const kind = <K extends string>(which: K) => fc.constant(which);
const event: fc.Arbitrary<EngineEvent> = fc.oneof(
  { arbitrary: fc.record({ kind: kind('frame'), member: fc.constant(MEMBERS[1]!), frame }), weight: 8 },
  { arbitrary: fc.record({ kind: kind('frame'), member: other, frame }), weight: 4 },
  {
    arbitrary: fc.record({ kind: kind('heartbeat'), member: fc.constantFrom(...MEMBERS), heartbeat }),
    weight: 3,
  },
  { arbitrary: other.map(helloOf), weight: 3 },
  {
    arbitrary: fc.record({
      kind: kind('stream-opened'),
      member: fc.constantFrom(...MEMBERS),
      wireVersion: fc.constantFrom(1, 1, 1, 0, 9),
    }),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: kind('stream-closed'), member: other, reason: kind('fuzz') }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('probe-answered'), member: other, probe: NARROW.count }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('probe-unavailable'), member: other }), weight: 1 },
  { arbitrary: fc.record({ kind: kind('multicast'), bytes: fc.uint8Array({ maxLength: 8 }) }), weight: 2 },
  { arbitrary: fc.record({ kind: kind('tick') }), weight: 2 },
  { arbitrary: fc.record({ kind: kind('stalled'), lateness: fc.nat(3000) }), weight: 1 },
);
const step: fc.Arbitrary<Step> = fc.record({
  event,
  later: fc.oneof({ arbitrary: fc.nat(20), weight: 3 }, { arbitrary: fc.nat(1500), weight: 1 }),
  relative: fc.boolean(),
  obedient: fc.boolean(),
});

/** A heartbeat that hears everybody. */
function helloOf(member: MemberId): EngineEvent {
  const hears = MEMBERS.map(incarnationOf);
  const counts = { number: 2, size: 1, highest: 1, received: 0, stable: 0 };
  return {
    kind: 'heartbeat',
    member,
    heartbeat: { sender: member, well: true, view: viewId(1, member), hears, ...counts },
  };
}

class EngineStage {
  readonly #engine: SansIoEngine = createEngine({ self: SELF, timers: PROFILES.lan });
  readonly #answers: EngineEvent[] = [];
  #now: Instant = 0;
  #epoch = 1;
  /** Whom each member wanted in its view. */
  readonly #prepared = new Map<MemberId, readonly MemberId[]>();

  constructor() {
    const [, b, c] = MEMBERS;
    for (const member of [b!, c!]) {
      this.#give({ kind: 'stream-opened', member, wireVersion: 1 }, true);
      this.#give(helloOf(member), true);
    }
  }

  readonly perform = ({ event: given, later, relative, obedient }: Step): void => {
    this.#pass(later, obedient);
    this.#give(relative ? shifted(given, this.#epoch) : given, obedient);
  };

  /** The agent's own call for a goodbye, and the end of it. */
  end(): void {
    this.#give({ kind: 'leave' }, false);
    this.#pass(2000, false);
    demand(this.#engine.status().state === 'stopped', () => 'it does not leave');
    demand(this.#engine.nextTimeout() === undefined, () => 'it has left and still asks to be called');
  }

  #pass(length: number, obedient: boolean): void {
    const until = this.#now + length;
    for (let times = 0; ; ) {
      const due = this.#engine.nextTimeout();
      if (due === undefined || due > until) break;
      times = due > this.#now ? 0 : times + 1;
      demand(times < TIMEOUTS_MAX, () => `it asks to be called at once again and again at ${this.#now}`);
      this.#now = Math.max(this.#now, due);
      this.#give({ kind: 'timeout' }, obedient);
    }
    this.#now = until;
  }

  #give(given: EngineEvent, obedient: boolean): void {
    if (given.kind === 'frame' && given.frame.kind === 'prepare')
      this.#prepared.set(given.member, given.frame.members);
    this.#take(this.#engine.handle(given, this.#now), obedient);
    for (let count = 0; this.#answers.length > 0; count += 1) {
      demand(count < 1000, () => 'it goes on sending for ever to those who only answer');
      this.#take(this.#engine.handle(this.#answers.shift()!, this.#now), obedient);
    }
    const { peers } = this.#engine.status();
    demand(peers.length <= 256, () => `it remembers ${peers.length} peers`);
  }

  #take(actions: readonly EngineAction[], obedient: boolean): void {
    demand(actions.length <= ACTIONS_MAX, () => `${actions.length} actions for one event`);
    for (const action of actions) {
      if (action.kind === 'send') {
        // What it sends fits the wire.
        encodeFrame(action.frame);
        if (obedient)
          this.#answers.push(...answersTo(action.to, action.frame, this.#prepared.get(action.to)));
      }
      if (action.kind === 'heartbeat') encodeHeartbeat(action.heartbeat);
      if (action.kind === 'deliver' && action.event.kind === 'view') this.#installed(action.event.view);
    }
  }

  #installed({ epoch, members }: { epoch: number; members: readonly MemberId[] }): void {
    demand(epoch > 0 && epoch >= this.#epoch, () => `epoch ${epoch} after ${this.#epoch}`);
    demand(members.includes(SELF), () => 'a view without itself');
    demand(new Set(members).size === members.length, () => 'a view that names one twice');
    this.#epoch = epoch;
  }
}

function answersTo(member: MemberId, sent: Frame, prepared: readonly MemberId[] = []): EngineEvent[] {
  const say = (answer: Frame): EngineEvent[] => [{ kind: 'frame', member, frame: answer }];
  switch (sent.kind) {
    case 'prepare': {
      const attempt = { epoch: sent.epoch, proposer: SELF };
      return say({
        kind: 'promise',
        attempt,
        view: viewId(1, member),
        received: 0,
        stable: 0,
        fresh: true,
        absent: [],
      });
    }
    case 'promise':
      return say(installOf(sent, prepared));
    case 'install':
      return say({ kind: 'installed', view: viewId(sent.epoch, SELF) });
    case 'ordered':
      return say({ kind: 'ack', view: sent.view, received: sent.seq });
    case 'goodbye':
      return say({ kind: 'farewell' });
    default:
      return [];
  }
}

/** What follows from our promise, if all others come from views of their own. */
function installOf(promise: Extract<Frame, { kind: 'promise' }>, members: readonly MemberId[]): Frame {
  const { attempt, view, received, stable, fresh, absent } = promise;
  const from = [{ member: SELF, received }];
  const ours = { view, fresh, cut: received, stable, source: SELF, from, departed: absent };
  const theirs = members
    .filter((member) => member !== SELF)
    .map((member) => ({
      ...{ view: viewId(1, member), fresh: true, cut: 0, stable: 0, source: member },
      ...{ from: [{ member, received: 0 }], departed: [] },
    }));
  return { kind: 'install', epoch: attempt.epoch, members, origins: [ours, ...theirs] };
}

/** Small epochs and views, from the present epoch on. */
function shifted<T>(value: T, epoch: number): T {
  if (Array.isArray(value)) return value.map((item: unknown) => shifted(item, epoch)) as T;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => {
    if ((key === 'epoch' || key === 'highest') && typeof item === 'number' && item < RELATIVE_BELOW)
      return [key, epoch + item - 1];
    const view = key === 'view' && typeof item === 'string' ? /^(\d)\.(.*)$/.exec(item) : null;
    if (view !== null) return [key, `${epoch + Number(view[1]) - 1}.${view[2]}`];
    return [key, shifted(item, epoch)];
  });
  return Object.fromEntries(entries) as T;
}

export const engines: Target<Story> = {
  name: 'engines',
  about: 'the membership engine and broken members (src/membership/engine.ts), one input an event',
  share: 20,
  patience: 1000,
  inputs: () => fc.record({ steps: fc.array(step, { maxLength: 60, size: 'max' }) }),
  check: ({ steps }) => {
    const stage = new EngineStage();
    for (const given of steps) stage.perform(given);
    stage.end();
  },
  countOf: ({ steps }) => steps.length,
};

const STEPS_LONG = 20_000;

export const enginesForLong: Target<number> = {
  name: 'engines-for-long',
  about: `the same over ${STEPS_LONG} events: what it keeps stays bounded`,
  share: 3,
  patience: 60_000,
  long: true,
  inputs: () => fc.nat(0xffff_ffff),
  check: (seed) => {
    const stage = new EngineStage();
    const size = forLong(fc.sample(step, { seed, numRuns: STEPS_LONG }), stage.perform);
    demand(
      size < 6 * 1024 * 1024,
      () => `${STEPS_LONG} events left ${(size / 2 ** 20).toFixed(1)} MiB behind`,
    );
    stage.end();
  },
  countOf: () => STEPS_LONG,
};
