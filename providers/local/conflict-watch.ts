/**
 * Listens on each link with VIPs whether others announce them, has them asked, and says of which interfaces this host is mute. The
 * decision is in `muteness.ts`; here is what it hears, asks and remembers. Puts nothing up and takes nothing away.
 */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { ipText } from '../../src/platform/ip-bytes.ts';
import { SystemError } from '../../src/platform/libc.ts';
import { ConflictEar, type Overheard } from './conflict-ear.ts';
import type { Host } from './host.ts';
import { Inquiry } from './inquiry.ts';
import { type Announcer, CALM, disputeText, type Hearing, type HearingEvent, step } from './muteness.ts';
import { macText } from './packets.ts';
import { placementsOf, type Standing } from './placement.ts';

/** Who is mute asks again so often; and so often an ear that could not be opened is tried again. */
const TICK: Millis = 1000;
/** Announcements that may be lost before somebody counts as gone, and some time for those that are late. */
const REFRESHES_KEPT = 3;
const LATENESS: Millis = 1000;

export interface ConflictWatchParts {
  readonly host: Pick<Host, 'interfaces' | 'sender'>;
  /** Announces these, held here, once. */
  readonly defend: (standing: Standing) => void;
  /** The host has become mute on the interface, or is heard again. */
  readonly changed: (interfaceName: string) => void;
  /** What an operator should look at; `undefined`: nothing any more. */
  readonly trouble: (reason: string | undefined) => void;
}

type ConflictConfig = Pick<LocalProviderConfig, 'interface' | 'silence_probe_interval_ms' | 'silence_probes'>;

interface Place {
  readonly name: string;
  /** Of VIPs, held or not. */
  addresses: ReadonlySet<string>;
  ears: readonly ConflictEar[];
  hearing: Hearing;
  inquiry: Inquiry | undefined;
  /** Why it cannot be listened to. */
  deaf: string | undefined;
}

export class ConflictWatch {
  readonly #config: ConflictConfig;
  readonly #quiet: Millis;
  readonly #parts: ConflictWatchParts;
  readonly #places = new Map<string, Place>();
  /** What is held, by interface and address, and since when. */
  readonly #held = new Map<string, { readonly standing: Standing; readonly since: Instant }>();
  #timer: NodeJS.Timeout | undefined;
  #told: string | undefined;

  /** `refresh`: how often the others announce what they hold. */
  constructor(config: ConflictConfig, refresh: Millis, parts: ConflictWatchParts) {
    this.#config = config;
    this.#quiet = REFRESHES_KEPT * refresh + LATENESS;
    this.#parts = parts;
  }

  start(vips: readonly Vip[]): void {
    this.configure(vips);
    this.#timer = setInterval(() => this.#tick(), TICK);
    this.#timer.unref();
  }

  configure(vips: readonly Vip[]): void {
    const wanted = addressesByInterface(vips, this.#config);
    for (const [name, place] of this.#places) {
      if (wanted.has(name)) continue;
      deafen(place);
      this.#places.delete(name);
    }
    for (const [name, addresses] of wanted) {
      const place = this.#places.get(name) ?? newPlace(name);
      this.#places.set(name, place);
      const before = familiesOf(place.addresses).join();
      place.addresses = addresses;
      if (familiesOf(addresses).join() !== before) this.#open(place);
    }
    this.#tell();
  }

  /** These have been put up, or are announced anew. What came before is none of theirs. */
  hold(standings: readonly Standing[]): void {
    for (const place of this.#places.values()) for (const ear of place.ears) ear.drain();
    const since = monotonicNow();
    for (const standing of standings) {
      const key = heldKey(standing.interfaceName, standing.address);
      if (!this.#held.has(key)) this.#held.set(key, { standing, since });
    }
  }

  drop(standings: readonly Standing[]): void {
    for (const { interfaceName, address } of standings) this.#held.delete(heldKey(interfaceName, address));
  }

  /** Why this host counts as unheard there, and how to mend it; `undefined`: it does not. */
  muteOn(interfaceName: string): string | undefined {
    const mute = this.#places.get(interfaceName)?.hearing.mute;
    if (mute === undefined) return undefined;
    const { mac, address } = mute.by;
    return (
      `nobody seems to hear this host on ${interfaceName}: ${mac} announced ${address}, which was held here, and answered ` +
      'no question (frames from here are lost: look at cable, switch port, filters)'
    );
  }

  /** Something about the interface has changed: a link that was down may be another one now. */
  look(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    const link = this.#parts.host.interfaces.byName(name);
    const same =
      link?.up === true && link.carrier && place.ears.every((ear) => ear.interfaceIndex === link.index);
    if (same && place.ears.length > 0) return;
    place.hearing = CALM;
    this.#open(place);
    this.#tell();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const place of this.#places.values()) deafen(place);
    this.#places.clear();
    this.#held.clear();
  }

  #open(place: Place): void {
    deafen(place);
    const link = this.#parts.host.interfaces.byName(place.name);
    if (link === undefined || !link.up || !link.carrier || !link.resolves) return;
    const ears: ConflictEar[] = [];
    try {
      for (const family of familiesOf(place.addresses))
        ears.push(new ConflictEar(link, family, (heard) => this.#hear(place, heard)));
      place.ears = ears;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      for (const ear of ears) ear.close();
      place.deaf = `${place.name} cannot be listened to for others who announce what is held here (${error.call}: ${error.code})`;
    }
  }

  #hear(place: Place, heard: readonly Overheard[]): void {
    const own = new Set(this.#parts.host.interfaces.all().map(({ mac }) => macText(mac)));
    for (const { kind, mac: bytes, address: of } of heard) {
      const [mac, address] = [macText(bytes), ipText(of)];
      if (own.has(mac) || !place.addresses.has(address)) continue;
      if (kind !== 'announcement') place.inquiry?.hear(address, kind);
      if (kind === 'answer') continue;
      const heldSince = this.#held.get(heldKey(place.name, address))?.since;
      this.#step(place, {
        kind: 'announcement',
        mac,
        address,
        ...(heldSince !== undefined && { heldSince }),
      });
    }
  }

  #step(place: Place, event: HearingEvent): void {
    const before = place.hearing;
    const { hearing, ask, defend } = step(before, event, { now: monotonicNow(), quiet: this.#quiet });
    place.hearing = hearing;
    const ours = defend === undefined ? undefined : this.#held.get(heldKey(place.name, defend));
    if (ours !== undefined) this.#parts.defend(ours.standing);
    if ((hearing.mute === undefined) !== (before.mute === undefined)) this.#parts.changed(place.name);
    if (hearing.dispute !== before.dispute) this.#tell();
    if (ask !== undefined) this.#ask(place, ask);
  }

  #ask(place: Place, whom: readonly Announcer[]): void {
    const [about] = whom;
    const addresses = [...new Set(whom.map(({ address }) => address))];
    const { silence_probe_interval_ms: interval, silence_probes: rounds } = this.#config;
    const inquiry = new Inquiry(
      addresses,
      { interval, rounds },
      {
        sender: this.#parts.host.sender,
        link: () => this.#parts.host.interfaces.byName(place.name),
        drain: () => {
          for (const ear of place.ears) ear.drain();
        },
        done: (answered) => {
          place.inquiry = undefined;
          const from =
            answered && new Set(whom.filter(({ address }) => answered.has(address)).map(({ mac }) => mac));
          const held = about !== undefined && this.#held.has(heldKey(place.name, about.address));
          this.#step(place, { kind: 'answers', ...(from !== undefined && { from }), held });
        },
      },
    );
    place.inquiry = inquiry;
    inquiry.start();
  }

  #tick(): void {
    for (const place of this.#places.values()) {
      if (place.deaf !== undefined) this.#open(place);
      const { mute, dispute } = place.hearing;
      if (mute !== undefined || dispute !== undefined) this.#step(place, { kind: 'tick' });
    }
    this.#tell();
  }

  #tell(): void {
    const reasons = [...this.#places.values()].flatMap(
      ({ deaf, hearing }) => deaf ?? disputeText(hearing) ?? [],
    );
    const reason = reasons.length === 0 ? undefined : reasons.join('; ');
    if (reason === this.#told) return;
    this.#told = reason;
    this.#parts.trouble(reason);
  }
}

function addressesByInterface(
  vips: readonly Vip[],
  config: Pick<LocalProviderConfig, 'interface'>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const placements = vips.flatMap((vip) => placementsOf(vip, config));
  const byName = Map.groupBy(placements, ({ interfaceName }) => interfaceName);
  return new Map([...byName].map(([name, some]) => [name, new Set(some.map(({ address }) => address))]));
}

function familiesOf(addresses: ReadonlySet<string>): readonly (4 | 6)[] {
  const six = (address: string) => address.includes(':');
  const all = [...addresses];
  return [
    ...(all.some((address) => !six(address)) ? [4 as const] : []),
    ...(all.some(six) ? [6 as const] : []),
  ];
}

function newPlace(name: string): Place {
  return {
    name,
    addresses: new Set(),
    ears: [],
    hearing: CALM,
    inquiry: undefined,
    deaf: undefined,
  };
}

function deafen(place: Place): void {
  place.inquiry?.stop();
  place.inquiry = undefined;
  place.hearing = { ...place.hearing, asking: undefined };
  for (const ear of place.ears) ear.close();
  place.ears = [];
  place.deaf = undefined;
}

function heldKey(interfaceName: string, address: string): string {
  return `${interfaceName} ${address}`;
}
