/** A mistake on purpose: a text patch of one file, and in which simulations it shows. */
import type { Wishes } from '../../../src/simulation/options.ts';
import type { SceneName } from './scenes/scenes.ts';

export interface Mutation {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** A cluster in which it shows soon; drawn where absent. */
  readonly wishes?: Wishes;
  /** Hunted in the simulator of the group alone, where messages are many and some ways are longer than others. */
  readonly groupOnly?: true;
  /** Hunted in this scene alone: what drawn worlds meet too seldom, or do not have. */
  readonly scene?: SceneName;
  /** Shows so seldom that only the long hunt (`npm run sim:mutations`) looks for it. */
  readonly rare?: true;
}
