/**
 * Promise 1: at no instant do two connected, live hosts have an address up. Two parts that both had it when they met get
 * a bounded grace; so do hosts that could not know of each other because everything between them had been lost.
 */
import type { Instant, Millis } from '../../model/time.ts';
import { Breach } from '../breach.ts';
import { type Host, LEASE_LATENESS } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';
import { calmMergeBound, mergeBound } from './bounds.ts';

/** Longer than the question before an acquire takes. */
const ASKING: Millis = 50;
/** Between two looks at a duplicate. */
const LOOK: Millis = 100;

/** How long what is not leased is waited for (`agent/carriers.ts`). */
const UNLEASED: Millis = 30_000;

/** From a stall's end until everything is released. */
const LET_GO: Millis = 300;

export class NeverTwo implements Observer {
  readonly #world: World;
  readonly #mergeGrace: Millis;
  readonly #calmGrace: Millis;
  /** Longest time for which a duplicate stood within the grace. */
  longest: Millis = 0;
  /** Acquires of two views that met on the link. */
  races = 0;
  readonly #doubled = new Map<string, Instant>();
  readonly #looks = new Map<string, Instant>();

  constructor(world: World) {
    this.#world = world;
    this.#mergeGrace = mergeBound(world.cluster.timers);
    this.#calmGrace = calmMergeBound(world.cluster.timers, world.options.delay.max);
  }

  addressChanged(address: string, host: Host): void {
    if (host.addresses.has(address)) this.#putBeside(address, host);
    this.#check(address);
  }

  reachChanged(): void {
    for (const address of this.#world.segment.addresses()) this.#check(address);
  }

  /** Where questions are heard and answered nobody puts up what another one has, however lately they met. */
  #putBeside(address: string, host: Host): void {
    for (const other of this.#world.segment.holders(address)) {
      if (other === host || !this.#hearsOnLink(host, other) || this.#race(address, [host, other])) continue;
      throw new Breach(
        'never-two',
        `${host.name} puts ${address} up beside ${other.name}, which would have answered for it`,
      );
    }
  }

  /** Both have been there for longer than the asking takes, on a link that loses nothing, and reach the same others. */
  #hearsOnLink(a: Host, b: Host): boolean {
    const { network, now } = this.#world;
    return (
      !a.isCloud &&
      !b.isCloud &&
      network.joinedFor(a, b) > ASKING &&
      network.calmFor > ASKING &&
      !network.dark(a, b) &&
      network.reachesSame(a, b) &&
      now >= a.troubledUntil
    );
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
    if (this.#isForsaken(a, b) || this.#isForsaken(b, a)) {
      this.#again(address, now + 50);
      return false;
    }
    const since = network.knownSince(a, b);
    // Where no agent runs that could let go, or its provider cannot, the lease ends it.
    const lease = lets(a, now) && lets(b, now) ? 0 : Math.max(leaseOf(a), leaseOf(b));
    const until = Math.min(since + this.#mergeGrace + lease, this.#calmUntil(a, b, since));
    if (now <= until) {
      this.#again(address, Math.min(until, now + LOOK) + 0.01);
      return true;
    }
    if (this.#race(address, [a, b])) return true;
    throw new Breach(
      'never-two',
      `${address} is up on ${a.name} and ${b.name}, which have been connected for ${(now - since).toFixed(0)} ms`,
    );
  }

  /**
   * Known: no lease and no guardian ends what a cloud brings to a host whose agent stands still, or is gone. Who carries the VIP
   * otherwise waits for that, but not for ever, and who starts anew knows nothing of it.
   */
  #isForsaken({ isCloud, agent, diedAt }: Host, by: Host): boolean {
    const { now } = this.#world;
    if (!isCloud || agent?.main.stalled) return isCloud;
    // Clocks drift; and who stood still is about to let go.
    if (agent !== undefined) return now - agent.facts.stalledAt < LET_GO;
    return now - diedAt >= 0.99 * UNLEASED || by.startedAt > diedAt;
  }

  /** Where both are well and nothing happens any more there is little to wait for; who joins one of their views turns the ranks once more. */
  #calmUntil(a: Host, b: Host, since: Instant): Instant {
    const { network, now, quietFor } = this.#world;
    if (!network.isCalm || !isWell(a, now) || !isWell(b, now)) return Number.POSITIVE_INFINITY;
    const settled = Math.max(a.agent?.facts.viewAt ?? 0, b.agent?.facts.viewAt ?? 0);
    return Math.max(since, now - quietFor, settled) + this.#calmGrace;
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
    if (this.#world.timeline) this.#world.note(undefined, `both had ${address} since ${since.toFixed(2)}`);
    this.longest = Math.max(this.longest, this.#world.now - since);
  }
}

/** Nothing keeps it from hearing, speaking and letting go. */
function isWell(host: Host, now: Instant): boolean {
  const { agent } = host;
  if (agent === undefined || !lets(host, now) || agent.main.slowness > 0) return false;
  return agent.group?.thread.stalled === false && !agent.group.hasDeafStream;
}

function leaseOf({ local, isCloud }: Host): Millis {
  // A call that hangs is given up by then, and the next one is made.
  return isCloud ? 2 * UNLEASED : local.lease_ms + LEASE_LATENESS;
}

/** Whether an agent runs there that can let go. */
function lets({ agent, troubledUntil }: Host, now: Instant): boolean {
  return agent !== undefined && !agent.main.stalled && now >= troubledUntil;
}
