/**
 * Whether interfaces could carry a VIP now. Bad news counts at once, good news only after it has lasted.
 * Knows interfaces, not VIPs.
 */
import type { Millis } from '../../src/model/time.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';

export interface Fitness {
  readonly fit: boolean;
  readonly reason: string;
}

export interface InterfaceFitnessParts {
  readonly linkNamed: (name: string) => Link | undefined;
  /** Why nobody is taken to hear this host there; absent, or undefined: they do. */
  readonly muteOn?: (name: string) => string | undefined;
  readonly changed: (interfaceName: string) => void;
}

export class InterfaceFitness {
  readonly #hold: Millis;
  readonly #parts: InterfaceFitnessParts;
  readonly #known = new Map<string, Fitness>();
  readonly #holds = new Map<string, NodeJS.Timeout>();

  /** `hold`: how long an interface must have been well again. */
  constructor(hold: Millis, parts: InterfaceFitnessParts) {
    this.#hold = hold;
    this.#parts = parts;
  }

  /** What counts now. An interface asked for the first time counts as it is. */
  of(name: string): Fitness {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const fresh = this.#judge(name);
    this.#known.set(name, fresh);
    return fresh;
  }

  /** To be called when something about the interface has changed. */
  look(name: string): void {
    const before = this.#known.get(name);
    if (before === undefined) return;
    const now = this.#judge(name);
    clearTimeout(this.#holds.get(name));
    this.#holds.delete(name);
    if (now.fit && !before.fit && this.#hold > 0) this.#wait(name);
    else if (now.fit !== before.fit || now.reason !== before.reason) this.#set(name, now);
  }

  stop(): void {
    for (const timer of this.#holds.values()) clearTimeout(timer);
    this.#holds.clear();
    this.#known.clear();
  }

  #judge(name: string): Fitness {
    const link = judge(name, this.#parts.linkNamed(name));
    const mute = link.fit ? this.#parts.muteOn?.(name) : undefined;
    return mute === undefined ? link : { fit: false, reason: mute };
  }

  #wait(name: string): void {
    const timer = setTimeout(() => {
      this.#holds.delete(name);
      this.#set(name, this.#judge(name));
    }, this.#hold);
    timer.unref();
    this.#holds.set(name, timer);
  }

  #set(name: string, fitness: Fitness): void {
    this.#known.set(name, fitness);
    this.#parts.changed(name);
  }
}

/** The state of one interface in words. */
export function judge(name: string, link: Link | undefined): Fitness {
  if (link === undefined) return { fit: false, reason: `interface ${name} does not exist on this host` };
  if (!link.up) return { fit: false, reason: `interface ${name} is switched off (ip link set ${name} up)` };
  if (!link.carrier)
    return { fit: false, reason: `interface ${name} has no carrier (cable, switch port or far end)` };
  return { fit: true, reason: `interface ${name} is up` };
}
