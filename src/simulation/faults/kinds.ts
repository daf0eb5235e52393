/** The faults as data: what can happen, how often, for how long. A schedule is a list of these, so that it can be shortened. */
import type { Instant, Millis } from '../../model/time.ts';
import type { Random } from '../world/random.ts';

export interface Shape {
  /** Share among the faults of a run; 0: never. */
  readonly weight: number;
  /** How long it lasts, where it lasts. */
  readonly length: readonly [Millis, Millis];
  /** A third of them last so long. */
  readonly often?: readonly [Millis, Millis];
}

/** Who stands still for so long does not know whether the others went on without it. */
const ABOUT_AS_LONG_AS_OTHERS_WAIT = [500, 1_600] as const;

/** What happens to the cluster, and its usual weight and length. */
export const FAULTS = {
  /** The agent dies; its guardian acts. */
  crash: { weight: 3, length: [0, 0] },
  /** Agent and guardian die; the leases act. */
  crashBoth: { weight: 1, length: [0, 0] },
  /** The guardian alone dies and is started again. */
  guardian: { weight: 0.5, length: [50, 500] },
  power: { weight: 2, length: [0, 0] },
  start: { weight: 6, length: [0, 0] },
  /** The agent dies and is back before or after the others notice, with or without a memory of epochs. */
  restart: { weight: 1.5, length: [1, 600] },
  engineDies: { weight: 0.7, length: [0, 0] },
  pauseProcess: { weight: 1.5, length: [20, 8_000], often: ABOUT_AS_LONG_AS_OTHERS_WAIT },
  pauseMain: { weight: 1.5, length: [20, 8_000], often: ABOUT_AS_LONG_AS_OTHERS_WAIT },
  pauseEngine: { weight: 1.5, length: [20, 8_000], often: ABOUT_AS_LONG_AS_OTHERS_WAIT },
  pauseHost: { weight: 1.5, length: [20, 8_000], often: ABOUT_AS_LONG_AS_OTHERS_WAIT },
  slow: { weight: 1, length: [500, 8_000] },
  split: { weight: 2, length: [0, 0] },
  oneWay: { weight: 1.5, length: [0, 0] },
  pair: { weight: 1, length: [0, 0] },
  heal: { weight: 5, length: [0, 0] },
  storm: { weight: 1.5, length: [200, 6_000] },
  reset: { weight: 1.5, length: [0, 0] },
  halfOpen: { weight: 1, length: [0, 0] },
  provider: { weight: 2, length: [200, 8_000] },
  carrier: { weight: 1, length: [10, 6_000] },
  /** A health check fails, and passes again. */
  check: { weight: 1.5, length: [10, 40_000] },
  removeAddress: { weight: 1, length: [0, 0] },
  stranger: { weight: 0.7, length: [100, 6_000] },
  drain: { weight: 1, length: [0, 0] },
  undrain: { weight: 2, length: [0, 0] },
  move: { weight: 2, length: [0, 0] },
  rebalance: { weight: 1, length: [0, 0] },
  /** A command given in the midst of the next view change. */
  commandInChange: { weight: 1, length: [100, 4_000] },
  stop: { weight: 1.5, length: [0, 0] },
  reload: { weight: 1.5, length: [0, 0] },
  /** The store of the witness fails, hangs, loses answers or does things late. */
  witness: { weight: 3, length: [200, 15_000] },
} as const satisfies Readonly<Record<string, Shape>>;

export type FaultKind = keyof typeof FAULTS;
export type FaultRates = Readonly<Record<FaultKind, Shape>>;

/** One fault. Where and how is drawn from numbers of its own, so that dropping another fault does not change it. */
export interface Fault {
  readonly at: Instant;
  readonly kind: FaultKind;
  /** Host it strikes first, by index. */
  readonly host: number;
  /** Another host. */
  readonly other: number;
  readonly length: Millis;
  readonly seed: number;
}

/** Each kind is on or off by chance, so that rare meetings of few kinds are not drowned by all the others. */
export function swarm(random: Random, wanted?: readonly FaultKind[]): FaultRates {
  const kept = random.pick([0.15, 0.35, 0.6, 1]);
  const rates: Record<string, Shape> = {};
  for (const [kind, shape] of Object.entries(FAULTS)) {
    // What mends is never switched off.
    const mends = kind === 'start' || kind === 'heal' || kind === 'undrain';
    const drawn = random.chance(kept);
    const on = mends || (wanted === undefined ? drawn : wanted.includes(kind as FaultKind));
    rates[kind] = { ...shape, weight: on ? shape.weight : 0 };
  }
  return rates as FaultRates;
}

/** Faults in acts, with stretches between them in which nothing is done and everybody is watched. */
export interface Acts {
  readonly length: Millis;
  readonly lull: readonly [Millis, Millis];
}

export interface ScheduleInput {
  readonly rates: FaultRates;
  readonly members: number;
  readonly length: Millis;
  /** Mean time between two faults of an act. */
  readonly pace: Millis;
  /** Absent: one act without a pause. */
  readonly acts?: Acts;
}

/** In a lull of at least this length one host may go, and nothing else: that is when its going must touch nobody else. */
const LONE_LOSS_AFTER: Millis = 9_000;

/** Faults come alone or in bursts of milliseconds, so that the second finds the first half dealt with. */
export function schedule(input: ScheduleInput, random: Random): Fault[] {
  const { length, pace, acts } = input;
  const draw = drawer(input, random);
  const faults: Fault[] = [];
  let at = random.between(0, 2 * pace) + (random.chance(0.7) ? 3_000 : 0);
  let actEnds = acts ? at + acts.length : Number.POSITIVE_INFINITY;
  while (at < length) {
    if (acts && at >= actEnds) {
      const lull = random.between(...acts.lull);
      if (lull > LONE_LOSS_AFTER && random.chance(0.6))
        faults.push(draw(at + lull - 3_000, random.pick(['crash', 'power'] as const)));
      at += lull;
      actEnds = at + acts.length;
    }
    faults.push(draw(at));
    at += random.chance(0.35) ? random.pick([1, 8, 60, 400]) * random.next() : random.between(0, 2 * pace);
  }
  return faults.filter((fault) => fault.at < length);
}

function drawer({ rates, members }: ScheduleInput, random: Random): (at: Instant, kind?: FaultKind) => Fault {
  const kinds = (Object.keys(rates) as FaultKind[]).filter((kind) => rates[kind].weight > 0);
  const total = kinds.reduce((sum, kind) => sum + rates[kind].weight, 0);
  return (at, wanted) => {
    let rest = random.next() * total;
    const drawn = kinds.find((one) => {
      rest -= rates[one].weight;
      return rest < 0;
    });
    const kind = wanted ?? drawn ?? kinds[0]!;
    return {
      at: Math.round(at * 10) / 10,
      kind,
      host: random.integer(0, members - 1),
      other: random.integer(0, members - 1),
      length: lengthOf(rates[kind], random.next()),
      seed: random.integer(0, 1e9),
    };
  };
}

function lengthOf({ length: [shortest, longest], often }: Shape, drawn: number): Millis {
  if (often === undefined) return Math.round(shortest + drawn ** 2 * (longest - shortest));
  const [least, most] = often;
  if (drawn < 1 / 3) return Math.round(least + 3 * drawn * (most - least));
  return Math.round(shortest + ((3 * drawn - 1) / 2) ** 2 * (longest - shortest));
}
