/**
 * How often nodes have answered on their links, with few questions to the daemon: each is a request to it, and is asked on a thread of the runtime's.
 * Pure but for the questions.
 */
import type { LinkMap } from '../../platform/corosync-totem.ts';

/** Of knet. */
const LINKS_MAX = 8;
/** Times that the links of a node are asked before it is looked anew which there are: what an operator adds counts after some ten seconds. */
export const LINKS_USES = 40;

interface Links {
  readonly numbers: readonly number[];
  uses: number;
}

export class LinkQuestions {
  readonly #map: Pick<LinkMap, 'connected' | 'pongs'>;
  readonly #links = new Map<number, Links>();

  constructor(map: Pick<LinkMap, 'connected' | 'pongs'>) {
    this.#map = map;
  }

  /**
   * How often the node has answered the questions of its links that count as connected: it grows as long as the node is heard and hears us. Undefined: no
   * link is connected, or nobody knows.
   */
  async answers(node: number): Promise<number | undefined> {
    let count: number | undefined;
    for (const link of await this.#linksOf(node)) {
      if ((await this.#map.connected(node, link)) !== true) continue;
      count = (count ?? 0) + ((await this.#map.pongs(node, link)) ?? 0);
    }
    return count;
  }

  async #linksOf(node: number): Promise<readonly number[]> {
    const known = this.#links.get(node);
    if (known !== undefined && known.uses < LINKS_USES) {
      known.uses += 1;
      return known.numbers;
    }
    const numbers: number[] = [];
    // What was once known is asked on: that nothing is said of a link may be the daemon's fault.
    for (let link = 0; link < LINKS_MAX; link += 1)
      if (known?.numbers.includes(link) || (await this.#map.connected(node, link)) !== undefined)
        numbers.push(link);
    if (numbers.length > 0) this.#links.set(node, { numbers, uses: 1 });
    return numbers;
  }
}
