/**
 * Compare and set, where EC2 has none: what was with one member at our first look, and is with another now, was taken by somebody who
 * decided later than we did. It is left to him; only a younger wish looks anew. Pure.
 */
import type { VipId } from '../../src/model/vip.ts';
import type { Piece, Refusal, Sight } from './sight.ts';

const NOBODY = 'nobody';

export class Tenures {
  /** Who had each piece at the first look that did not show it with us. */
  readonly #first = new Map<string, string>();

  /** The same, with VIPs refused that somebody took since the first look. */
  judged(sight: Sight): Sight {
    const refused = new Map<VipId, Refusal>(sight.refused);
    for (const [vip, pieces] of sight.pieces)
      for (const piece of pieces) {
        const reason = this.#overtaken(piece);
        if (reason !== undefined && !refused.has(vip)) refused.set(vip, { code: 'address-in-use', reason });
      }
    return { ...sight, refused };
  }

  #overtaken({ key, address, seen }: Piece): string | undefined {
    if (seen.state === 'ours') return undefined;
    const now = seen.state === 'free' || seen.holder.gone === true ? NOBODY : seen.holder.words;
    const first = this.#first.get(key);
    if (first === undefined) this.#first.set(key, now);
    if (first === undefined || first === now || now === NOBODY) return undefined;
    return `${address} went from ${first} to ${now} while we were about to take it: only a newer view takes it from there`;
  }
}
