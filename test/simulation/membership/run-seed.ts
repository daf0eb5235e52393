/** One simulation from one seed: boot, a stretch of faults, calm, and the verdict of all checkers. */
import type { DetectorTimers } from '../../../src/config/config.ts';
import { checkAgreement } from '../../../src/simulation/checks/agreement.ts';
import { checkOrder } from '../../../src/simulation/checks/order.ts';
import { checkSelfInclusion } from '../../../src/simulation/checks/self-inclusion.ts';
import { checkSynchrony } from '../../../src/simulation/checks/synchrony.ts';
import { checkTransitional } from '../../../src/simulation/checks/transitional.ts';
import { Random } from '../../../src/simulation/world/random.ts';
import { checkConvergence } from './check-convergence.ts';
import { checkOutranked } from './check-outranked.ts';
import { calm, chatter, plague } from './faults.ts';
import { World } from './world.ts';

/** The `lan` profile's proportions. */
export const LAN: DetectorTimers = {
  probe_interval_ms: 50,
  probe_timeout_ms: 200,
  heartbeat_interval_ms: 200,
  heartbeat_timeout_ms: 1_000,
  seek_interval_ms: 50,
  link_hold_ms: 250,
  phase_timeout_ms: 100,
};

/** The `fast` profile's: only where the network is quick enough for it. */
const FAST: DetectorTimers = { ...LAN, probe_interval_ms: 10, probe_timeout_ms: 35 };

/** Doubled six times and heard again at the very end of it: the longest a pair is held down. */
const CONVERGENCE_BOUND_MS = 64 * LAN.link_hold_ms + 6_000;
const QUIET_MS = 3_000;

export interface Verdict {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly views: number;
  readonly messages: number;
  /** From the end of the faults to the last view, in virtual ms. */
  readonly settledAfter: number;
}

export function runSeed(seed: number, { verbose = false }: { readonly verbose?: boolean } = {}): Verdict {
  const random = new Random(seed);
  const hosts = random.integer(2, 6);
  const delayMax = random.pick([0.3, 2, 10]);
  const timers = delayMax < 1 && random.chance(0.4) ? FAST : LAN;
  const world = new World(
    {
      hosts,
      timers,
      delay: { min: 0.05, max: delayMax },
      detours: detours(hosts, random),
      loss: random.pick([0, 0.01, 0.1]),
      streamPatience: random.pick([500, 2_000]),
      encoded: seed % 5 === 0,
      deaf: new Set(random.chance(0.15) ? [random.integer(0, hosts - 1)] : []),
      verbose,
    },
    random,
  );
  for (const host of world.hosts) {
    if (random.chance(0.8))
      world.agenda.at(random.pick([0, 1, random.between(0, 1_500)]), () => host.process ?? world.start(host));
  }
  const length = random.between(3_000, 10_000);
  plague(world, random, { length, pace: random.pick([150, 500, 1_500]) });
  chatter(world, random, { length: length + 3_000, pace: random.pick([5, 40, 300]) });
  world.agenda.runUntil(length);
  const partial = random.chance(0.3);
  calm(world);
  if (partial) breakSome(world, random);
  const calmAt = world.now;
  // No losses from here on: "no view without cause" can be asked for only where nothing gives cause.
  (world.settings as { loss: number }).loss = 0;
  world.agenda.runUntil(calmAt + CONVERGENCE_BOUND_MS + QUIET_MS);
  return verdictOf(world, { seed, partial, calmAt });
}

/** Some ways are longer than others, so that some members are behind the rest when a view ends. */
function detours(hosts: number, random: Random): Map<string, number> {
  const found = new Map<string, number>();
  for (let a = 0; a < hosts; a++) {
    for (let b = 0; b < hosts; b++) if (random.chance(0.25)) found.set(`${a}>${b}`, random.pick([3, 8]));
  }
  return found;
}

/** A final state in which not everybody reaches everybody. */
function breakSome(world: World, random: Random): void {
  for (const a of world.hosts) {
    for (const b of world.hosts) if (a !== b && random.chance(0.12)) world.cut(a, b, true);
  }
}

function verdictOf(
  world: World,
  { seed, partial, calmAt }: { readonly seed: number; readonly partial: boolean; readonly calmAt: number },
): Verdict {
  const { traces } = world;
  const quiet = { since: calmAt + CONVERGENCE_BOUND_MS };
  const faults = [
    ...checkSelfInclusion(traces),
    ...checkAgreement(traces),
    ...checkOrder(traces),
    ...checkSynchrony(traces),
    ...checkTransitional(traces),
    ...(partial ? checkOutranked(world, quiet) : checkConvergence(world, quiet)),
  ];
  const viewTimes = traces.flatMap((trace) =>
    trace.events.flatMap((event) => (event.kind === 'view' ? [event.at] : [])),
  );
  return {
    seed,
    faults,
    views: viewTimes.length,
    messages: traces.reduce((sum, trace) => sum + trace.sent, 0),
    settledAfter: Math.max(0, Math.max(...viewTimes) - calmAt),
  };
}
