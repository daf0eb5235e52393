/** G1 to G5 of the engines, by the checkers of the engine's own simulator; G7: nobody is detached without need. */

import type { World } from '../world/world.ts';
import { checkAgreement } from './agreement.ts';
import { checkOrder } from './order.ts';
import { checkSelfInclusion } from './self-inclusion.ts';
import { checkSynchrony } from './synchrony.ts';
import { checkTransitional } from './transitional.ts';

/** What was sent just before the end may still be on its way, longest over a stream that swallows it until TCP gives it up. */
const ON_THE_WAY = 4_000;

export function checkEngines(world: World): string[] {
  const traces = world.traces.map((trace) => {
    const ended = world.now - (trace.sentAt ?? 0) > ON_THE_WAY;
    return { ...trace, alive: trace.alive && ended };
  });
  return [
    ...checkSelfInclusion(traces),
    ...checkAgreement(traces),
    ...checkOrder(traces),
    ...checkSynchrony(traces),
    ...checkTransitional(traces),
  ];
}
