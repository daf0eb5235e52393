/**
 * The interfaces of this host as they are now, by name, and each change of them.
 * Keeps a table fed by notices; after an overrun it asks for everything again. Judges nothing.
 */
import type { RouteRequests } from './netlink.ts';
import type { Link, RouteNotice } from './rtnetlink-codec.ts';

export interface InterfaceChange {
  readonly name: string;
  readonly before: Link | undefined;
  readonly now: Link | undefined;
}

export class InterfaceTable {
  #byIndex = new Map<number, Link>();

  byName(name: string): Link | undefined {
    for (const link of this.#byIndex.values()) if (link.name === name) return link;
    return undefined;
  }

  byIndex(index: number): Link | undefined {
    return this.#byIndex.get(index);
  }

  all(): Link[] {
    return [...this.#byIndex.values()];
  }

  /** Asks the kernel for everything; the changes against what was known. */
  refresh(requests: Pick<RouteRequests, 'links'>): InterfaceChange[] {
    const before = this.#byIndex;
    this.#byIndex = new Map(requests.links().map((link) => [link.index, link]));
    return changes(before, this.#byIndex);
  }

  /** Takes notices in; the changes that matter to anybody (not every counter the kernel tells about). */
  apply(notices: readonly RouteNotice[]): InterfaceChange[] {
    const before = new Map(this.#byIndex);
    for (const notice of notices) {
      if (notice.kind !== 'link') continue;
      if (notice.gone) this.#byIndex.delete(notice.link.index);
      else this.#byIndex.set(notice.link.index, notice.link);
    }
    return changes(before, this.#byIndex);
  }
}

function changes(before: ReadonlyMap<number, Link>, now: ReadonlyMap<number, Link>): InterfaceChange[] {
  const old = byName(before);
  const fresh = byName(now);
  const names = new Set([...old.keys(), ...fresh.keys()]);
  return [...names]
    .map((name) => ({ name, before: old.get(name), now: fresh.get(name) }))
    .filter((change) => !same(change.before, change.now));
}

function byName(links: ReadonlyMap<number, Link>): Map<string, Link> {
  return new Map([...links.values()].map((link) => [link.name, link]));
}

function same(a: Link | undefined, b: Link | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.index === b.index &&
    a.up === b.up &&
    a.carrier === b.carrier &&
    a.resolves === b.resolves &&
    Buffer.compare(a.mac, b.mac) === 0
  );
}
