/**
 * Promise 2: where a view has stood undisturbed for a bound, every address of its agreed VIPs is up on one of its
 * members, unless nobody may have it.
 */
import { type MemberId, nameOf } from '../../model/member.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { Vip, VipId } from '../../model/vip.ts';
import { Breach } from '../breach.ts';
import type { AgentProcess } from '../world/agent-process.ts';
import { type Host, LEASE_LATENESS } from '../world/host.ts';
import type { Observer, World } from '../world/world.ts';
import { serveBound } from './bounds.ts';
import { isMisplaced } from './placed.ts';
import { agreedVips, isReleased, quietMembers } from './quiet.ts';
import { standingOf, voteBound } from './quorum.ts';

const LOOK: Millis = 500;
/** From the release to the next holder's acquire. */
const HANDOFF: Millis = 1_000;

export class AlwaysOne implements Observer {
  readonly #world: World;
  readonly #bound: Millis;
  /** When an address last went up or down anywhere: a planned move takes it down for a moment. */
  readonly #changedAt = new Map<string, Instant>();
  readonly #wentDown = new Map<string, { readonly host: Host; readonly at: Instant }>();
  #lookedAt = 0;
  checked = 0;

  constructor(world: World) {
    this.#world = world;
    const [host] = world.hosts as [Host, ...Host[]];
    const leaseBound = world.isHybrid ? 30_000 : host.local.lease_ms + LEASE_LATENESS;
    const maturity = host.config.agent.maturity_ms;
    this.#bound = serveBound(world.cluster.timers, { leaseBound, maturity });
  }

  addressChanged(address: string, host: Host): void {
    this.#changedAt.set(address, this.#world.now);
    const up = host.addresses.has(address);
    const before = this.#wentDown.get(address);
    if (!up) this.#wentDown.set(address, { host, at: this.#world.now });
    else if (before?.host === host && this.#world.now - before.at < HANDOFF) this.#flapped(address, host);
  }

  /** Up again where it just went down: nobody wanted it elsewhere. */
  #flapped(address: string, host: Host): void {
    const { agent } = host;
    if (agent === undefined || !quietMembers(this.#world, agent, this.#bound)) return;
    const vip = host.config.vips.find(({ addresses }) => addresses.some((one) => one.address === address));
    if (vip !== undefined && (this.#isPulledBySome(vip.id) || this.#isVotedAgain(vip))) return;
    throw new Breach(
      'always-one',
      `${address} goes down and up again on ${host.name}, though nothing happens`,
    );
  }

  sample(): void {
    const { now, hosts, troubledUntil } = this.#world;
    if (now - this.#lookedAt < LOOK) return;
    this.#lookedAt = now;
    if (now < troubledUntil) return;
    const looked = new Set<string>();
    for (const { agent } of hosts) {
      const id = agent?.facts.view?.id;
      if (agent === undefined || id === undefined || looked.has(id)) continue;
      looked.add(id);
      const members = quietMembers(this.#world, agent, this.#bound);
      if (members) this.#check(agent, members);
    }
  }

  #check(agent: AgentProcess, members: readonly Host[]): void {
    const { now } = this.#world;
    // Whom a better view outranked until just now takes up what it may from then on.
    if (members.some((host) => now - (host.agent?.facts.changedAt ?? 0) < this.#bound)) return;
    const served = agreedVips(members).filter(
      (vip) => !this.#isPulledAt(vip) && !this.#isNewlyVoted(vip, members),
    );
    const unserved = served.filter(({ addresses }) =>
      addresses.some(
        ({ address }) =>
          now - (this.#changedAt.get(address) ?? 0) > HANDOFF && !this.#isOnOne(address, members),
      ),
    );
    this.checked += 1;
    if (unserved.length === 0) return;
    for (const { id } of unserved) {
      const isAllocated = agent.core.table?.rows.get(id)?.target !== undefined;
      if (isAllocated || !this.#nobodyMay(id, members, agent)) throw notOnOne(id, members, agent);
    }
  }

  /** In a cloud one address is on one host, however many parts of the group want it. */
  #isPulledAt({ policy }: Vip): boolean {
    return policy === 'component' && this.#world.hosts.some(({ isCloud }) => isCloud);
  }

  /** The same where only some mean it so: in what they are loaded with the policies differ. */
  #isPulledBySome(id: VipId): boolean {
    return this.#world.hosts.some(({ config }) =>
      config.vips.some((vip) => vip.id === id && this.#isPulledAt(vip)),
    );
  }

  /** The vote of the witness came, or went, within a view that stands: what it brings has its own time. */
  #isNewlyVoted({ policy }: Vip, members: readonly Host[]): boolean {
    const { now, witness } = this.#world;
    if (policy !== 'primary' || standingOf(this.#world, members.length) !== 'near') return false;
    return now - witness.ownerSince <= this.#bound;
  }

  /** The vote was lost where the witness did not answer, and had again when it did. */
  #isVotedAgain({ policy }: Vip): boolean {
    const { now, witness, hosts } = this.#world;
    const isConfigured = hosts.some(({ config }) => config.quorum.witness !== undefined);
    return isConfigured && policy === 'primary' && now - witness.troubledUntil <= this.#bound;
  }

  #isOnOne(address: string, members: readonly Host[]): boolean {
    let count = 0;
    for (const host of this.#world.segment.holders(address)) if (members.includes(host)) count += 1;
    return count === 1;
  }

  /** Or shall be: where the vote of the witness decides it has been had by now. */
  #isPrimary(members: readonly Host[]): boolean {
    const standing = standingOf(this.#world, members.length);
    if (standing !== 'near') return standing === 'primary';
    const { now, witness, hosts } = this.#world;
    const others = hosts.filter((host) => !members.includes(host));
    const isTheirs = others.some(({ name }) => name === nameOf(witness.owner as MemberId));
    const bound = this.#bound + voteBound(members[0]!);
    if (isTheirs && now - witness.writtenAt <= bound) return false;
    if (now - witness.troubledUntil <= bound) return false;
    return quietMembers(this.#world, members[0]!.agent!, bound) !== undefined;
  }

  /** Seen from outside: drained, unfit, outranked, or without a quorum. */
  #nobodyMay(id: string, members: readonly Host[], agent: AgentProcess): boolean {
    const vip = members[0]?.config.vips.find((one) => one.id === id);
    if (vip?.policy === 'primary' && !this.#isPrimary(members)) return true;
    return members.every(
      (host) =>
        // In a cluster that has both, somebody on metal may be missing while the rooms in the cloud are full.
        host.slots !== undefined ||
        !host.carrier ||
        isReleased(host, id) ||
        (vip !== undefined && isMisplaced(host.config, vip)) ||
        host.agent?.facts.outranked ||
        agent.standingOf(host.name)?.draining,
    );
  }
}

function notOnOne(id: string, members: readonly Host[], agent: AgentProcess): Breach {
  const vip = agent.core.status(0, 0).vips.find((one) => one.vip === id);
  return new Breach(
    'always-one',
    `${id} is not up on exactly one of ${members.map(({ name }) => name).join(', ')}; ` +
      `${agent.host.name} tells ${vip?.state}, allocated to ${vip?.allocated}: ${vip?.reason}`,
  );
}
