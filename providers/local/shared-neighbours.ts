/**
 * The neighbours that some member's kernel knew of late: a union that forgets what nobody tells of again. Pure; time comes from
 * outside. Places in it stay where they are while somebody goes through them.
 */
import { isIP } from 'node:net';
import type { SharedNotifyConfig } from '../../src/config/providers/notify.ts';
import type { KnownNeighbour } from '../../src/model/neighbour.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import { ipBytes } from '../../src/platform/ip-bytes.ts';
import type { Audience } from './notifier.ts';

/** Of each family; who comes when it is full is not kept. */
export const SHARED_NEIGHBOURS_MAX = 4096;

interface Known {
  readonly key: string;
  readonly address: Uint8Array;
  readonly mac: Uint8Array;
  heardAt: Instant;
}

export class SharedNeighbours {
  readonly #lifetime: Millis;
  readonly #places = { 4: new Places(), 6: new Places() };

  constructor(lifetime: Millis) {
    this.#lifetime = lifetime;
  }

  learn(neighbours: readonly KnownNeighbour[], now: Instant): void {
    for (const [address, linkAddress] of neighbours) {
      const family = isIP(address);
      if (family !== 4 && family !== 6) continue;
      this.#places[family].put(ipBytes(address), Buffer.from(linkAddress.replaceAll(':', ''), 'hex'), now);
    }
  }

  forgetOld(now: Instant): void {
    for (const places of Object.values(this.#places)) places.forget(now - this.#lifetime);
  }

  count(family: 4 | 6): number {
    return this.#places[family].known;
  }

  /** Who is told by such an entry, of each family. `isOnLink`: whether an address is on the link of the interface with this index. */
  audiences(
    { interface: device, throttle, ping }: SharedNotifyConfig,
    isOnLink: (interfaceIndex: number, address: Uint8Array) => boolean,
  ): readonly Audience[] {
    return ([4, 6] as const).map((family) => {
      const { all } = this.#places[family];
      return {
        family,
        throttle,
        ping,
        ...(device !== undefined && { interface: device }),
        count: () => all.length,
        at(index, interfaceIndex) {
          const address = all[index]?.address;
          return address !== undefined && isOnLink(interfaceIndex, address) ? address : undefined;
        },
        linkAddressAt: (index) => all[index]?.mac,
      };
    });
  }
}

/** Of one family. */
class Places {
  /** A place that was given up is `undefined` until it is taken again. */
  readonly all: (Known | undefined)[] = [];
  readonly #at = new Map<string, Known>();
  readonly #free: number[] = [];

  get known(): number {
    return this.#at.size;
  }

  put(address: Uint8Array, mac: Uint8Array, now: Instant): void {
    const key = Buffer.concat([address, mac]).toString('hex');
    const known = this.#at.get(key);
    if (known !== undefined) {
      known.heardAt = now;
      return;
    }
    if (this.#at.size >= SHARED_NEIGHBOURS_MAX) return;
    const entry = { key, address, mac, heardAt: now };
    this.#at.set(key, entry);
    this.all[this.#free.pop() ?? this.all.length] = entry;
  }

  forget(before: Instant): void {
    for (const [index, entry] of this.all.entries()) {
      if (entry === undefined || entry.heardAt >= before) continue;
      this.#at.delete(entry.key);
      this.all[index] = undefined;
      this.#free.push(index);
    }
  }
}
