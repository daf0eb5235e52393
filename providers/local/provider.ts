/**
 * Provider `local`: addresses on this host's interfaces by rtnetlink, under a kernel lease and a guardian, announced to
 * the neighbours. It decides nothing about who holds a VIP, and never keeps one whose lease it cannot prolong.
 */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { KnownNeighbour } from '../../src/model/neighbour.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import type { ProviderName, Vip, VipId } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import type {
  AcquireRequest,
  Check,
  Provider,
  ProviderEvent,
  ProviderTraits,
  RehearsalContext,
  VipOutcome,
} from '../../src/provider/provider.ts';
import type { Snapshot } from './address-book.ts';
import { Announcer } from './announcer.ts';
import { audiencesOf } from './audiences.ts';
import { ConflictWatch } from './conflict-watch.ts';
import { createGuardian, type Guardian } from './guardian.ts';
import { type Host, leaseSeconds, openHost } from './host.ts';
import { describe } from './inspection.ts';
import { Leases, type Loss, type Placed, stallBound } from './leases.ts';
import { NeighbourShare } from './neighbour-share.ts';
import { Notifier } from './notifier.ts';
import { Outcomes } from './outcomes.ts';
import { placementsOf, putUpBy, type Standing, standingKey } from './placement.ts';
import { rehearse } from './rehearsal.ts';
import type { Question, Verdict } from './silence.ts';
import { Standings } from './standings.ts';
import { Surroundings } from './surroundings.ts';
import { Troubles } from './troubles.ts';

/** How long past its whole seconds the kernel may still show an address (measured: at most 1.09 s). */
const KERNEL_LATENESS_MAX: Millis = 1100;

export interface LocalProviderSettings {
  readonly config: LocalProviderConfig;
  /** Marks what it puts up: agents of other clusters on this host leave it alone. */
  readonly cluster: string;
}

/** The provider of one configured name; `start` opens it. Needs CAP_NET_ADMIN, CAP_NET_RAW, bash and iproute2. */
export function createLocalProvider(name: ProviderName, settings: LocalProviderSettings): Provider {
  return new LocalProvider(name, settings);
}

/** What exists between `start` and `stop`. */
interface Running {
  readonly host: Host;
  readonly guardian: Guardian;
  readonly announcer: Announcer;
  readonly leases: Leases;
  readonly surroundings: Surroundings;
  readonly standings: Standings;
  /** Absent where nobody is to be told by it. */
  readonly sharing: NeighbourShare | undefined;
  /** Absent where nobody listens for others who have what we hold. */
  readonly conflicts: ConflictWatch | undefined;
}

/** An acquire that still asks the link; void as soon as a younger wish for the VIP exists. */
interface Wish {
  readonly vip: Vip;
  readonly number: number;
}

class LocalProvider implements Provider {
  readonly name: ProviderName;
  readonly traits: ProviderTraits;
  readonly #config: LocalProviderConfig;
  readonly #cluster: string;
  readonly #wishes = new Map<VipId, number>();
  #running: Running | undefined;
  #listener: (event: ProviderEvent) => void = () => {};

  constructor(name: ProviderName, { config, cluster }: LocalProviderSettings) {
    this.name = name;
    this.#config = config;
    this.#cluster = cluster;
    this.traits = {
      families: [4, 6],
      scope: 'link',
      atomicTakeover: false,
      leaseBound: leaseSeconds(config) * 1000 + KERNEL_LATENESS_MAX,
    };
  }

  async start(vips: readonly Vip[], listener: (event: ProviderEvent) => void): Promise<void> {
    if (this.#running !== undefined) throw new Error(`provider ${this.name} was started twice`);
    const running = this.#build(openHost(this.#config, this.#cluster));
    try {
      await running.guardian.start();
      this.#running = running;
      this.#listener = listener;
      running.surroundings.start(vips);
      this.#prepare(vips);
      this.#sweep(vips);
      running.sharing?.start(vips);
      running.conflicts?.start(vips);
    } catch (error) {
      await this.stop();
      await close(running);
      throw error;
    }
  }

  configure(vips: readonly Vip[]): void {
    const { surroundings, sharing, conflicts } = this.#run();
    surroundings.configure(vips);
    sharing?.configure(vips);
    conflicts?.configure(vips);
    this.#prepare(vips);
  }

  async inspect(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const { host, leases, guardian } = this.#run();
    const outcomes = new Outcomes();
    if (this.#aborted(vips, outcomes, signal)) return outcomes.for(vips);
    const snapshot = host.addresses.snapshot();
    const guarded = guardian.pid !== undefined;
    for (const vip of vips) {
      const evidence = {
        guarded,
        snapshot,
        interfaces: host.interfaces,
        expected: leases.get(vip.id) !== undefined,
      };
      outcomes.set(vip.id, describe(placementsOf(vip, this.#config), evidence));
    }
    return outcomes.for(vips);
  }

  async acquire(
    requests: readonly AcquireRequest[],
    _fence: number,
    signal: AbortSignal,
  ): Promise<readonly VipOutcome[]> {
    const { leases, host } = this.#run();
    const vips = requests.map(({ vip }) => vip);
    const outcomes = new Outcomes();
    if (this.#aborted(vips, outcomes, signal)) return outcomes.for(vips);
    const ready: Placed[] = [];
    const questions: Question<Wish>[] = [];
    for (const request of requests) {
      const { vip } = request;
      const wish = { vip, number: this.#wish(vip.id) };
      const standings = this.#place(vip, outcomes);
      const until = this.#askUntil(request);
      if (standings === undefined) continue;
      if (until === undefined) ready.push({ vip, standings });
      else questions.push({ subject: wish, standings, until });
    }
    leases.put(ready, outcomes);
    if (questions.length > 0) {
      await host.silence.ask(questions, {
        signal,
        wanted: (wish) => this.#wishes.get(wish.vip.id) === wish.number && this.#running !== undefined,
        settled: (answers) => this.#answered(answers, outcomes),
      });
    }
    return outcomes.for(vips);
  }

  async release(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const { host, leases } = this.#run();
    const outcomes = new Outcomes();
    if (this.#aborted(vips, outcomes, signal)) return outcomes.for(vips);
    for (const { id } of vips) this.#wish(id);
    const snapshot = host.addresses.snapshot();
    const placed = vips.map((vip) => ({ vip, standings: this.#everywhere(vip, snapshot) }));
    const failures = new Map(leases.takeAway(placed).map(({ address, reason }) => [address, reason]));
    for (const { vip, standings } of placed) {
      const reasons = standings.flatMap((standing) => failures.get(standing) ?? []);
      if (reasons.length > 0)
        outcomes.set(vip.id, { held: true, code: 'failed', reason: reasons.join('; ') });
      else
        outcomes.set(vip.id, {
          held: false,
          code: 'ok',
          reason: standings.length > 0 ? 'released' : 'was not here',
        });
    }
    return outcomes.for(vips);
  }

  async renew(vips: readonly Vip[], signal: AbortSignal): Promise<readonly VipOutcome[]> {
    const { leases } = this.#run();
    const outcomes = new Outcomes();
    if (!this.#aborted(vips, outcomes, signal)) leases.renew(vips, outcomes);
    return outcomes.for(vips);
  }

  tick(): void {
    this.#tellLost(this.#running?.leases.tick());
  }

  announce(vips: readonly Vip[]): void {
    const { leases, announcer } = this.#run();
    announcer.announce(vips.flatMap((vip) => leases.get(vip.id)?.standings ?? []));
  }

  neighbours(neighbours: readonly KnownNeighbour[]): void {
    this.#running?.sharing?.hear(neighbours);
  }

  async test(
    vips: readonly Vip[],
    signal: AbortSignal,
    context?: RehearsalContext,
  ): Promise<readonly Check[]> {
    const held = (vip: VipId): boolean => this.#running?.leases.get(vip) !== undefined;
    return rehearse(vips, { config: this.#config, signal, held, ...(context !== undefined && { context }) });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#listener = () => {};
    if (running !== undefined) await close(running);
  }

  #build(host: Host): Running {
    const troubles = new Troubles((event) => this.#listener(event));
    const guardian = createGuardian(
      { timeout: this.#config.guardian_timeout_ms },
      {
        fenced: () => this.#tellLost(this.#running?.leases.fenced()),
        changed: ({ guarded, reason }) => troubles.guardian(guarded ? undefined : reason),
      },
    );
    const linkOf = (index: number) => host.interfaces.byIndex(index);
    const sharing = this.#sharingOn(host);
    const { announce_repeat_ms: repeats, announce_refresh_ms: refresh } = this.#config;
    const notifier = this.#notifierOf(host, sharing);
    const announcer = new Announcer({ repeats, refresh }, { sender: host.sender, linkOf, notifier });
    const conflicts =
      refresh === undefined
        ? undefined
        : new ConflictWatch(this.#config, refresh, {
            host,
            defend: (standing) => announcer.announceOnce([standing]),
            changed: (interfaceName) => this.#running?.surroundings.look(interfaceName),
            trouble: (reason) => troubles.link(reason),
          });
    const leases = new Leases(
      { lease: leaseSeconds(this.#config) * 1000, stall: stallBound(this.#config.guardian_timeout_ms) },
      { addresses: host.addresses, guardian, announcer: listened(announcer, conflicts) },
    );
    const surroundings = new Surroundings(this.#config, {
      host,
      emit: (event) => this.#listener(event),
      vanished: (addresses) => {
        this.#tellLost(leases.takeAwayVanished(addresses));
      },
      muteOn: (interfaceName) => conflicts?.muteOn(interfaceName),
      linkChanged: (interfaceName) => conflicts?.look(interfaceName),
      wellAgain: (interfaceName) => {
        const standings = leases.all().flatMap((holding) => holding.standings);
        announcer.announce(standings.filter((standing) => standing.interfaceName === interfaceName));
      },
    });
    const standings = new Standings(this.#config, host.interfaces);
    return { host, guardian, announcer, leases, surroundings, standings, sharing, conflicts };
  }

  /** Absent where nobody is to be told directly. */
  #notifierOf(
    { sender, interfaces, linkAddressOf }: Host,
    sharing: NeighbourShare | undefined,
  ): Notifier | undefined {
    const audiences = [...audiencesOf(this.#config), ...(sharing?.audiences ?? [])];
    if (audiences.length === 0) return undefined;
    return new Notifier(audiences, { sender, linkOf: (index) => interfaces.byIndex(index), linkAddressOf });
  }

  #sharingOn(host: Host): NeighbourShare | undefined {
    const config = this.#config.shared_neighbours;
    const tell = (neighbours: readonly KnownNeighbour[], again: Millis) =>
      this.#listener({ kind: 'neighbours', neighbours, again });
    return config && new NeighbourShare(config, this.#config, { host, tell });
  }

  #run(): Running {
    if (this.#running === undefined)
      throw new Error(`provider ${this.name} is used before start or after stop`);
    return this.#running;
  }

  #wish(vip: VipId): number {
    const number = (this.#wishes.get(vip) ?? 0) + 1;
    this.#wishes.set(vip, number);
    return number;
  }

  /** Until when the link has to be asked; `undefined`: not at all. */
  #askUntil(request: AcquireRequest): Instant | undefined {
    if (this.#running?.leases.get(request.vip.id) !== undefined) return undefined;
    if (request.guard.kind === 'when-silent') return request.guard.until;
    return this.#config.probe_always ? monotonicNow() : undefined;
  }

  /** Works out beforehand what a takeover needs. */
  #prepare(vips: readonly Vip[]): void {
    const { standings, host, announcer } = this.#run();
    standings.configure(vips);
    const ready = vips.flatMap((vip) => standings.of(vip) ?? []);
    host.addresses.prepare(ready);
    announcer.prepare(ready);
  }

  /** Where the addresses would stand; an outcome instead when this host cannot carry the VIP now. */
  #place(vip: Vip, outcomes: Outcomes): readonly Standing[] | undefined {
    const { leases, surroundings, standings } = this.#run();
    const found = standings.of(vip);
    for (const { interfaceName } of found ?? placementsOf(vip, this.#config)) {
      const { fit, reason } = surroundings.fitnessOf(interfaceName);
      const missing = this.#run().host.interfaces.byName(interfaceName) === undefined;
      if (fit && !missing) continue;
      const code = missing ? 'interface-missing' : 'link-down';
      outcomes.set(vip.id, { held: leases.get(vip.id) !== undefined, code, reason });
      return undefined;
    }
    return found;
  }

  #answered(answers: readonly { question: Question<Wish>; verdict: Verdict }[], outcomes: Outcomes): void {
    const ready: Placed[] = [];
    for (const { question, verdict } of answers) {
      const { vip } = question.subject;
      if (verdict.kind === 'answered') {
        const reason = `${verdict.address} is answered for by ${verdict.mac}, which is not this host`;
        outcomes.set(vip.id, { held: false, code: 'address-in-use', reason });
      } else if (verdict.kind === 'taken') {
        this.#giveUp(vip, verdict, outcomes);
      } else if (verdict.kind === 'failed') {
        outcomes.set(vip.id, { held: false, code: verdict.code, reason: verdict.reason });
      } else if (verdict.kind === 'aborted') {
        outcomes.set(vip.id, {
          held: false,
          code: 'aborted',
          reason: 'given up while the link was being asked',
        });
      } else {
        // The interface may have changed meanwhile.
        const standings = this.#place(vip, outcomes);
        if (standings !== undefined) ready.push({ vip, standings });
      }
    }
    this.#running?.leases.put(ready, outcomes);
  }

  /** Somebody else put it up while we did: it was there before us, or will say the same of us. */
  #giveUp(
    vip: Vip,
    { address, mac }: { readonly address: string; readonly mac: string },
    outcomes: Outcomes,
  ): void {
    const leases = this.#running?.leases;
    const standings = leases?.get(vip.id)?.standings;
    if (leases === undefined || standings === undefined) return;
    const failures = leases.takeAway([{ vip, standings }]);
    const reason = `${mac} announced ${address} while it was being put up here`;
    if (failures.length === 0) outcomes.set(vip.id, { held: false, code: 'address-in-use', reason });
    else
      outcomes.set(vip.id, {
        held: true,
        code: 'failed',
        reason: `${reason}; ${failures.map((failure) => failure.reason).join('; ')}`,
      });
  }

  /** The VIP's addresses wherever on this host they are. */
  #everywhere(vip: Vip, snapshot: Snapshot): Standing[] {
    const { host, leases } = this.#run();
    const { interfaces } = host;
    const found = placementsOf(vip, this.#config).flatMap((placement) =>
      snapshot.withAddress(placement.address).map((found) => ({
        family: placement.family,
        address: found.address,
        prefixLength: found.prefixLength,
        interfaceIndex: found.interfaceIndex,
        interfaceName: interfaces.byIndex(found.interfaceIndex)?.name ?? placement.interfaceName,
      })),
    );
    // What we hold on an interface that is gone is found no more, and has to be forgotten all the same.
    const held = leases.get(vip.id)?.standings ?? [];
    return [...new Map([...held, ...found].map((standing) => [standingKey(standing), standing])).values()];
  }

  /**
   * Removes what an earlier run left: what carries our cluster's mark, and the configured addresses whoever set them. Of other marked
   * addresses it is not known whether an agent of another cluster holds them: if none does, their lease is all they have.
   */
  #sweep(vips: readonly Vip[]): void {
    const { addresses } = this.#run().host;
    const snapshot = addresses.snapshot();
    const configured = vips.flatMap((vip) =>
      vip.addresses.flatMap(({ address }) => snapshot.withAddress(address)),
    );
    const ours = snapshot.marked().filter((address) => putUpBy(address, this.#cluster) === 'it');
    const failures = addresses.remove([...new Set([...ours, ...configured])]);
    if (failures.length > 0) {
      throw new Error(`leftovers of an earlier run: ${failures.map(({ reason }) => reason).join('; ')}`);
    }
  }

  #tellLost(loss: Loss | undefined): void {
    if (loss === undefined) return;
    const { placed, reason, fenced } = loss;
    for (const { vip } of placed) this.#listener({ kind: 'lost', vip: vip.id, reason, fenced });
  }

  #aborted(vips: readonly Vip[], outcomes: Outcomes, signal: AbortSignal): boolean {
    if (!signal.aborted) return false;
    for (const { id } of vips) {
      const held = this.#running?.leases.get(id) !== undefined;
      outcomes.set(id, { held, code: 'aborted', reason: 'given up before it began' });
    }
    return true;
  }
}

/** Who is told what is announced also knows what is held. */
function listened(
  announcer: Announcer,
  conflicts: ConflictWatch | undefined,
): Pick<Announcer, 'announce' | 'forget'> {
  if (conflicts === undefined) return announcer;
  return {
    announce(standings) {
      announcer.announce(standings);
      conflicts.hold(standings);
    },
    forget(standings) {
      announcer.forget(standings);
      conflicts.drop(standings);
    },
  };
}

/** The guardian goes last: what is still up when its pipe closes, it removes. */
async function close(running: Running): Promise<void> {
  running.sharing?.stop();
  running.conflicts?.stop();
  running.announcer.stop();
  running.surroundings.stop();
  await running.guardian.stop();
  running.host.close();
}
