/**
 * Promise 1: at no instant do two connected, live hosts have an address up. Two parts that both had it when they met get
 * a bounded grace; so do hosts that could not know of each other because everything between them had been lost.
 */
import type { Instant, Millis } from '../../model/time.ts';
import { Breach } from '../breach.ts';
import { type Host, LEASE_LATENESS } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';
import { mergeBound } from './bounds.ts';

export class NeverTwo implements Observer {
  readonly #world: World;
  readonly #mergeGrace: Millis;
  /** Longest time for which a duplicate stood within the grace. */
  longest: Millis = 0;
  /** Acquires of two views that met on the link. */
  races = 0;
  readonly #doubled = new Map<string, Instant>();
  readonly #looks = new Map<string, Instant>();

  constructor(world: World) {
    this.#world = world;
    this.#mergeGrace = mergeBound(world.cluster.timers);
  }

  addressChanged(address: string): void {
    this.#check(address);
  }

  reachChanged(): void {
    for (const address of this.#world.segment.addresses()) this.#check(address);
  }

  #check(address: string): void {
    const holders = this.#world.segment.holders(address);
    let doubled = false;
    if (holders.length > 1) {
      for (const a of holders) {
        for (const b of holders) if (a.index < b.index) doubled = this.#pair(address, a, b) || doubled;
      }
    }
    this.#measure(address, doubled);
  }

  /** One look is waited for at a time, the earliest that was asked for. */
  #again(address: string, at: Instant): void {
    const waiting = this.#looks.get(address);
    if (waiting !== undefined && waiting <= at) return;
    this.#looks.set(address, at);
    this.#world.agenda.at(at, () => {
      if (this.#looks.get(address) !== at) return;
      this.#looks.delete(address);
      this.#check(address);
    });
  }

  #pair(address: string, a: Host, b: Host): boolean {
    const { network, now } = this.#world;
    if (!network.connected(a, b)) return false;
    if (network.dark(a, b)) {
      this.#again(address, now + 50);
      return false;
    }
    const since = network.knownSince(a, b);
    // Where no agent runs that could let go, or its provider cannot, the lease ends it.
    const lease = lets(a, now) && lets(b, now) ? 0 : Math.max(leaseOf(a), leaseOf(b));
    const until = since + this.#mergeGrace + lease;
    if (now <= until) {
      this.#again(address, until + 0.01);
      return true;
    }
    if (this.#race(address, [a, b])) return true;
    throw new Breach(
      'never-two',
      `${address} is up on ${a.name} and ${b.name}, which have been connected for ${(now - since).toFixed(0)} ms`,
    );
  }

  /**
   * Two members of different views that asked the link at the same moment both heard nothing and both put it up: known,
   * counted, and bounded like a merge.
   */
  #race(address: string, pair: readonly [Host, Host]): boolean {
    const { network, segment, now } = this.#world;
    const [a, b] = pair;
    const sameView = a.agent?.facts.view !== undefined && a.agent.facts.view.id === b.agent?.facts.view?.id;
    if (sameView || !segment.askedTogether(address, pair)) return false;
    this.races += 1;
    network.falseSilence(a, b);
    this.#again(address, now + this.#mergeGrace + 0.01);
    return true;
  }

  #measure(address: string, doubled: boolean): void {
    const since = this.#doubled.get(address);
    if (doubled && since === undefined) this.#doubled.set(address, this.#world.now);
    if (doubled || since === undefined) return;
    this.#doubled.delete(address);
    this.longest = Math.max(this.longest, this.#world.now - since);
  }
}

function leaseOf({ local }: Host): Millis {
  return local.lease_ms + LEASE_LATENESS;
}

/** Whether an agent runs there that can let go. */
function lets({ agent, troubledUntil }: Host, now: Instant): boolean {
  return agent !== undefined && !agent.main.stalled && now >= troubledUntil;
}
