/**
 * Listens to the kernel: interfaces that come, go and lose their carrier, addresses that are removed. Turns it into
 * fitness events per VIP and into hints what to look after. Changes nothing but one kernel setting (see below).
 */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { InterfaceChange } from '../../src/platform/interface-watch.ts';
import { watchRoutes } from '../../src/platform/netlink.ts';
import type { Watch } from '../../src/platform/poll.ts';
import type { InterfaceAddress, RouteNotice } from '../../src/platform/rtnetlink-codec.ts';
import { writeSysctl } from '../../src/platform/sysctl.ts';
import type { ProviderEvent } from '../../src/provider/provider.ts';
import { type Fitness, InterfaceFitness } from './fitness.ts';
import type { Host } from './host.ts';
import { placementsOf } from './placement.ts';

export interface SurroundingsParts {
  readonly host: Pick<Host, 'interfaces' | 'requests'>;
  readonly emit: (event: ProviderEvent) => void;
  /** These were removed by somebody, perhaps by ourselves; `any`: we do not know which. */
  readonly vanished: (addresses: readonly InterfaceAddress[] | 'any') => void;
  /** Why nobody is taken to hear this host on the interface; undefined: they do. */
  readonly muteOn: (interfaceName: string) => string | undefined;
  /** Before it is judged anew. */
  readonly linkChanged: (interfaceName: string) => void;
  /** The interface is fit again: neighbours may have forgotten, or the switch port is another. */
  readonly wellAgain: (interfaceName: string) => void;
}

export class Surroundings {
  readonly #config: LocalProviderConfig;
  readonly #parts: SurroundingsParts;
  readonly #fitness: InterfaceFitness;
  /** What the listener believes; a VIP not named is believed fit. */
  readonly #told = new Map<VipId, string>();
  #vips: readonly { vip: VipId; interfaceNames: readonly string[] }[] = [];
  #watch: Watch | undefined;

  constructor(config: LocalProviderConfig, parts: SurroundingsParts) {
    this.#config = config;
    this.#parts = parts;
    this.#fitness = new InterfaceFitness(config.carrier_hold_ms, {
      linkNamed: (name) => parts.host.interfaces.byName(name),
      muteOn: (name) => parts.muteOn(name),
      changed: (name) => this.#fitnessChanged(name),
    });
  }

  start(vips: readonly Vip[]): void {
    // Listening begins before the table is read, so that no change falls between.
    this.#watch = watchRoutes({
      notices: (notices) => this.#hear(notices),
      overrun: () => this.#lookAtEverything(),
    });
    this.#parts.host.interfaces.refresh(this.#parts.host.requests);
    this.configure(vips);
  }

  configure(vips: readonly Vip[]): void {
    this.#vips = vips.map((vip) => ({
      vip: vip.id,
      interfaceNames: [...new Set(placementsOf(vip, this.#config).map(({ interfaceName }) => interfaceName))],
    }));
    const known = new Set(vips.map(({ id }) => id));
    for (const vip of this.#told.keys()) if (!known.has(vip)) this.#told.delete(vip);
    this.#keepSecondaries(vips);
    this.#tell(() => true);
  }

  fitnessOf(interfaceName: string): Fitness {
    return this.#fitness.of(interfaceName);
  }

  /** Judges the interface anew. */
  look(interfaceName: string): void {
    this.#fitness.look(interfaceName);
  }

  stop(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#fitness.stop();
  }

  #hear(notices: readonly RouteNotice[]): void {
    this.#interfacesChanged(this.#parts.host.interfaces.apply(notices));
    const gone = notices.flatMap((notice) =>
      notice.kind === 'address' && notice.gone ? [notice.address] : [],
    );
    if (gone.length > 0) this.#parts.vanished(gone);
  }

  #lookAtEverything(): void {
    this.#interfacesChanged(this.#parts.host.interfaces.refresh(this.#parts.host.requests));
    this.#parts.vanished('any');
  }

  #interfacesChanged(changes: readonly InterfaceChange[]): void {
    for (const { name, before, now } of changes) {
      this.#parts.linkChanged(name);
      this.look(name);
      if (before !== undefined && before.index !== now?.index) this.#parts.vanished('any');
    }
  }

  #fitnessChanged(interfaceName: string): void {
    this.#tell((interfaceNames) => interfaceNames.includes(interfaceName));
    if (this.#fitness.of(interfaceName).fit) this.#parts.wellAgain(interfaceName);
  }

  #tell(concerned: (interfaceNames: readonly string[]) => boolean): void {
    for (const { vip, interfaceNames } of this.#vips) {
      if (!concerned(interfaceNames)) continue;
      const problems = interfaceNames.map((name) => this.#fitness.of(name)).filter(({ fit }) => !fit);
      const reason = problems.map((problem) => problem.reason).join('; ');
      if (reason === (this.#told.get(vip) ?? '')) continue;
      this.#told.set(vip, reason);
      const fit = problems.length === 0;
      this.#parts.emit({ kind: 'fitness', vip, fit, reason: fit ? 'its interface is well again' : reason });
    }
  }

  /**
   * Without `promote_secondaries` the kernel removes every other IPv4 address of a subnet together with its first one:
   * a VIP that ends would take others along. Only for interfaces that carry VIPs in subnet form; where it is refused,
   * the rehearsal warns.
   */
  #keepSecondaries(vips: readonly Vip[]): void {
    const names = vips
      .flatMap((vip) => placementsOf(vip, this.#config))
      .filter(({ family, prefixLength }) => family === 4 && prefixLength < 32)
      .map(({ interfaceName }) => interfaceName);
    for (const name of new Set(names)) writeSysctl('1', 'net', 'ipv4', 'conf', name, 'promote_secondaries');
  }
}
