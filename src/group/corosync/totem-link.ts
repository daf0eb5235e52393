/**
 * What the daemon says while it forms and synchronises rings, when libcpg and libquorum are told nothing and their requests wait: what
 * Totem has formed, and that it runs at all. For sites with votequorum; where a library is missing that much is not known.
 */
import { monotonicNow } from '../../platform/clock.ts';
import { CS_OK, type Opened } from '../../platform/corosync-library.ts';
import {
  LinkMap,
  type TotemEvent,
  TotemMap,
  type TotemTimes,
  VoteQuorum,
} from '../../platform/corosync-totem.ts';
import type { Descriptor } from '../../platform/libc.ts';
import { CorosyncError, isPassing } from './codes.ts';
import { LinkQuestions } from './link-questions.ts';
import { LinkReach } from './link-reach.ts';

export class TotemLink {
  readonly #map: TotemMap | undefined;
  readonly #votes: VoteQuorum | undefined;
  /** Absent where nobody can ask. */
  readonly reach: LinkReach | undefined;
  readonly times: TotemTimes | undefined;
  /** The site has a quorum device; as of the last {@link ask}. */
  hasDevice = false;

  private constructor({ map, votes, links }: Libraries) {
    this.#map = map;
    this.#votes = votes;
    const times = map?.times();
    this.times = times?.code === CS_OK ? times.value : undefined;
    const ping = this.times?.ping;
    if (ping === undefined || links === undefined) links?.finalize();
    else this.reach = new LinkReach({ links, questions: new LinkQuestions(links), ping, now: monotonicNow });
  }

  /** Waits as long as the daemon does. */
  static open(): TotemLink {
    return new TotemLink({
      map: opened(TotemMap.load(), (map) => map.track()),
      votes: opened(VoteQuorum.load()),
      links: opened(LinkMap.load()),
    });
  }

  /** Where the daemon tells of its rings. */
  get descriptor(): Descriptor | undefined {
    return this.#map?.descriptor().value;
  }

  get descriptors(): readonly Descriptor[] {
    const all = [this.descriptor, this.#votes?.descriptor().value, this.reach?.descriptor];
    return all.filter((one) => one !== undefined);
  }

  read(): readonly TotemEvent[] {
    if (this.#map === undefined) return [];
    const { code, value } = this.#map.dispatch();
    if (code !== CS_OK && !isPassing(code)) throw new CorosyncError('cmap_dispatch', code);
    return value;
  }

  /** Returns when the daemon has answered, also while it synchronises. False: nothing here can ask it. */
  ask(node: number): boolean {
    if (this.#votes === undefined) return false;
    const { code, value } = this.#votes.ask(node);
    if (code !== CS_OK && !isPassing(code)) throw new CorosyncError('votequorum_getinfo', code);
    this.hasDevice = value;
    return true;
  }

  /** A promise where something is still under way, and for how long only the daemon knows. */
  close(): Promise<void> | undefined {
    this.#map?.finalize();
    this.#votes?.finalize();
    return this.reach?.close();
  }
}

interface Libraries {
  readonly map: TotemMap | undefined;
  readonly votes: VoteQuorum | undefined;
  readonly links: LinkMap | undefined;
}

interface Connectable {
  initialize(): number;
  finalize(): number;
}

function opened<Library extends Connectable>(
  found: Opened<Library>,
  prepare: (library: Library) => number = () => CS_OK,
): Library | undefined {
  if (!found.ok || found.library.initialize() !== CS_OK) return undefined;
  if (prepare(found.library) === CS_OK) return found.library;
  found.library.finalize();
  return undefined;
}
