/** G1 to G5 of the engines, by the checkers of the engine's own simulator; G7: nobody is detached without need. */
import { checkAgreement } from '../membership/check-agreement.ts';
import { checkOrder } from '../membership/check-order.ts';
import { checkSelfInclusion } from '../membership/check-self-inclusion.ts';
import { checkSynchrony } from '../membership/check-synchrony.ts';
import { checkTransitional } from '../membership/check-transitional.ts';
import type { World } from '../world/world.ts';

export function checkEngines({ traces }: World): string[] {
  return [
    ...checkSelfInclusion(traces),
    ...checkAgreement(traces),
    ...checkOrder(traces),
    ...checkSynchrony(traces),
    ...checkTransitional(traces),
  ];
}
