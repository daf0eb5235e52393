/** Hosts some pairs of which do not hear each other, and the rings that an engine makes of them. */
import { vips } from './config.ts';
import { quiet, together, world } from './stage.ts';
import type { World } from './world.ts';

export const LIST = vips(6);
/** After which everybody knows which of its links are broken, ms. */
export const KNOWN_WITHIN = 20;
/** After which a link that is broken counts as broken for good, ms. */
export const FORGOTTEN_AFTER = 30;

/** Hosts on one link, some pairs of which do not hear each other, and the rings that an engine makes of them. */
export class Torn {
  readonly w: World;
  readonly #broken = new Set<string>();
  readonly #said = new Map<string, readonly string[]>();

  constructor(hosts: readonly string[], setup: Parameters<typeof world>[0] = {}) {
    this.w = together(world({ hosts, list: LIST, overrides: quiet, ...setup }));
    this.w.connected = (one, other) => this.hears(one.name, other.name);
    this.w.run(3000);
  }

  break(one: string, other: string): void {
    this.#broken.add([one, other].sort().join(' '));
  }

  mend(): void {
    this.#broken.clear();
  }

  hears(one: string, other: string): boolean {
    return !this.#broken.has([one, other].sort().join(' '));
  }

  reached(host: string): string[] {
    const others = [...this.w.hosts.keys()].filter((name) => name !== host);
    return others.filter((name) => this.hears(host, name)).sort();
  }

  /** The ring with quorum: who is beside it is known before its view, and that it is the better part only with that. */
  quorate(ring: readonly string[]): void {
    const lesser = ring.filter((name) =>
      this.w
        .host(name)
        .agent.status(this.w.now, 0)
        .warnings.some((text) => text.includes('no quorum')),
    );
    for (const name of ring)
      this.bystanders(name, this.reached(name), lesser.includes(name) ? 'no quorum' : undefined);
    this.form(ring);
    for (const name of lesser) {
      const host = this.w.host(name);
      this.w.at(host.queueUntil, () => this.bystanders(name, this.reached(name)));
    }
  }

  lesser(ring: readonly string[]): void {
    for (const name of ring) this.bystanders(name, this.reached(name), 'no quorum');
  }

  form(ring: readonly string[]): void {
    this.w.form(
      ring.map((name) => this.w.host(name).id),
      'process',
    );
  }

  whole(): void {
    const all = [...this.w.hosts.values()].filter(({ alive }) => alive).map(({ name }) => name);
    this.form(all);
    for (const name of all) this.bystanders(name, undefined);
  }

  bystanders(name: string, reached: readonly string[] | undefined, lesser?: string): void {
    const lost = (this.#said.get(name) ?? []).filter((one) => reached?.includes(one) === false);
    this.#said.set(name, reached ?? []);
    const tell = (event: { readonly lost: readonly string[] }) =>
      this.w.give(this.w.host(name), {
        kind: 'group',
        event: { kind: 'bystanders', reached, lesser, ...event },
      });
    tell({ lost });
    if (lost.length > 0)
      this.w.at(this.w.now + FORGOTTEN_AFTER, () => {
        if (this.#said.get(name) === reached) tell({ lost: [] });
      });
  }

  /** Who has what, of those whose host is there. */
  get holders(): Record<string, string[]> {
    return Object.fromEntries(LIST.map(({ id }) => [id, this.w.holders(id).map(({ name }) => name)]));
  }

  ofHost(name: string): string[] {
    return LIST.map(({ id }) => id).filter((id) => this.w.host(name).up.has(id));
  }

  /**
   * No VIP is with two hosts, however torn the link is: somebody hears both. For so long at most, ms, where a link breaks in the moment in which
   * somebody asks it.
   */
  neverTwo(grace = 0): this {
    const since = new Map<string, number>();
    this.w.check = () => {
      for (const [vip, hosts] of Object.entries(this.holders)) {
        if (hosts.length < 2) since.delete(vip);
        else if (!since.has(vip)) since.set(vip, this.w.now);
        if (hosts.length > 1 && this.w.now - since.get(vip)! >= grace)
          throw new Error(`${vip} is held by ${hosts.join(' and ')} at ${this.w.now}`);
      }
    };
    return this;
  }
}
