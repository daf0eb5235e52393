/** G1 to G5 of the engines, by the checkers of the engine's own simulator; G7: nobody is detached without need. */

import type { World } from '../world/world.ts';
import { checkAgreement } from './agreement.ts';
import { checkOrder } from './order.ts';
import { checkSelfInclusion } from './self-inclusion.ts';
import { checkSynchrony } from './synchrony.ts';
import { checkTransitional } from './transitional.ts';

export function checkEngines({ traces }: World): string[] {
  return [
    ...checkSelfInclusion(traces),
    ...checkAgreement(traces),
    ...checkOrder(traces),
    ...checkSynchrony(traces),
    ...checkTransitional(traces),
  ];
}
