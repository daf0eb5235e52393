/**
 * Mode `alias-ip`: the VIP's addresses are alias ranges of an interface. A range lies on one interface only, so it is removed from the
 * earlier holder's list, that is waited for, and then it joins ours: two changes for all addresses of a pair of hosts. Each names the
 * fingerprint of the list it was made of, so nobody else's aliases are lost.
 */
import type { Vip, VipId } from '../../src/model/vip.ts';
import {
  type Alias,
  type Change,
  type Compute,
  type Instance,
  isSame,
  type Nic,
  wordsOf,
} from './compute.ts';
import { GcpFailure } from './failures.ts';
import { CLUSTER_LABEL, isMember, labelValue, readFence, type Shown } from './fence.ts';
import type { Place } from './place.ts';
import type { LookOptions, Mode, Piece, Refusal, Seen, Sight, Step } from './sight.ts';
import { addressIn, contains, rangeOf, reservedByGoogle } from './subnets.ts';

export interface AliasParts {
  readonly compute: Compute;
  readonly place: Place;
  readonly cluster: string;
  /** Of the subnetwork; undefined: its primary one. */
  readonly rangeName: string | undefined;
  /** Limit of the platform for one interface. */
  readonly limit: number;
}

/** Where an address was found; `isOwn`: as the interface's own, which never moves. */
interface Found {
  readonly instance: Instance;
  readonly nic: Nic;
  readonly isOwn: boolean;
}

const OURS: Seen = { state: 'ours' };
const FREE: Seen = { state: 'free' };

export function fenceKey(cluster: string): string {
  return `fence-${labelValue(cluster)}`;
}

export class AliasMode implements Mode {
  readonly #parts: AliasParts;
  #nic: Nic;
  /** Others' interfaces as the last look saw them: what it decided by is what may be changed. */
  #theirs = new Map<string, Nic>();

  constructor(parts: AliasParts) {
    this.#parts = parts;
    this.#nic = parts.place.nic;
  }

  objection({ addresses }: Vip): Refusal | undefined {
    const { subnet, nic } = this.#parts.place;
    const cidr = this.#cidr();
    for (const { family, address } of addresses) {
      const refuse = (reason: string): Refusal => ({ code: 'unsupported', reason });
      if (family === 6) return refuse(`${address}: alias ranges are IPv4 alone; use another provider for it`);
      if (cidr === undefined)
        return refuse(
          `subnetwork ${subnet.name} has no secondary range ${this.#parts.rangeName}: correct \`range\``,
        );
      if (!contains(cidr, address))
        return refuse(
          `${address} lies outside ${cidr} of subnetwork ${subnet.name}: choose an address of it, or use mode \`route\``,
        );
      if (this.#parts.rangeName === undefined && reservedByGoogle(cidr, address))
        return refuse(
          `${address} is reserved by Google in ${cidr} (the first two and the last two): choose another one`,
        );
      if (address === nic.address)
        return refuse(`${address} is this host's own address, which never moves: choose another one`);
    }
    return undefined;
  }

  async look(vips: readonly Vip[], { signal }: LookOptions): Promise<Sight> {
    const { compute, place, cluster } = this.#parts;
    const label = { key: CLUSTER_LABEL, value: labelValue(cluster) };
    const [own, members] = await Promise.all([
      compute.instance(place.self, { signal }),
      compute.instances({ project: place.self.project, label }, { signal }),
    ]);
    const others = members.filter(({ ref }) => !isSame(ref, place.self));
    this.#see(own);
    const wanted = new Set(vips.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
    const holders = others.filter(({ nics }) =>
      nics.some(({ aliases }) => aliases.some(({ range }) => wanted.has(addressIn(range)))),
    );
    this.#theirs = new Map(
      holders.flatMap(({ ref, nics }) => nics.map((nic) => [stepKey(ref, nic.name), nic] as const)),
    );
    const shown = new Map(
      await Promise.all(
        holders.map(async (holder) => [holder, await this.#shownBy(holder, signal)] as const),
      ),
    );
    const found = this.#foundAt(others);
    return this.#sightOf(vips, (address) => this.#seen(found.get(address), shown));
  }

  async glance(vips: readonly Vip[], { signal }: LookOptions): Promise<Sight> {
    const { compute, place } = this.#parts;
    this.#see(await compute.instance(place.self, { signal }));
    return this.#sightOf(vips, () => FREE);
  }

  take(
    pieces: readonly Piece[],
    { alone }: { readonly alone: ReadonlySet<string> },
  ): readonly (readonly Step[])[] {
    const chains = new Map<string, Piece[]>();
    for (const piece of pieces) {
      const { seen, key } = piece;
      const holder = seen.state === 'theirs' ? stepKey(seen.holder.at, seen.holder.nic) : '';
      const from = alone.has(key) ? `${holder} ${key}` : holder;
      const chain = chains.get(from);
      if (chain === undefined) chains.set(from, [piece]);
      else chain.push(piece);
    }
    return [...chains.values()].map((chain) => [...this.#removal(chain), this.#addition(chain)]);
  }

  give(pieces: readonly Piece[]): readonly Step[] {
    if (pieces.length === 0) return [];
    const { self } = this.#parts.place;
    return [this.#rewrite(pieces, { at: self, nic: this.#nic.name }, (list) => without(list, pieces))];
  }

  room(): number {
    return Math.max(0, this.#parts.limit - this.#nic.aliases.length);
  }

  slots(vips: readonly Vip[]): number {
    const known = new Set(vips.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
    const strange = this.#nic.aliases.filter(({ range }) => !known.has(addressIn(range)));
    return Math.max(0, this.#parts.limit - strange.length);
  }

  #removal(chain: readonly Piece[]): readonly Step[] {
    const seen = chain[0]?.seen;
    if (seen?.state !== 'theirs' || seen.holder.at === undefined) return [];
    const { at, nic: name } = seen.holder;
    const on = stepKey(at, name);
    const nic = this.#theirs.get(on);
    if (nic === undefined) return [];
    const { fingerprint } = nic;
    const change: Change = {
      kind: 'aliases',
      on: at,
      nic: name,
      fingerprint,
      aliases: without(nic.aliases, chain),
    };
    return [{ pieces: chain, on, make: async () => change }];
  }

  #addition(chain: readonly Piece[]): Step {
    const { rangeName, place } = this.#parts;
    const fresh = chain.map(({ address }) => ({
      range: rangeOf(address),
      ...(rangeName !== undefined && { rangeName }),
    }));
    return this.#rewrite(chain, { at: place.self, nic: this.#nic.name }, (list) => [
      ...without(list, chain),
      ...fresh,
    ]);
  }

  /** Reads the list, and writes it anew as long as it is still the one that was read. */
  #rewrite(
    pieces: readonly Piece[],
    { at, nic: name }: { readonly at: Place['self']; readonly nic: string },
    anew: (list: readonly Alias[]) => readonly Alias[],
  ): Step {
    const { compute } = this.#parts;
    return {
      pieces,
      on: stepKey(at, name),
      make: async (signal): Promise<Change | undefined> => {
        const nic = await nicOf(compute, at, { name, signal });
        if (nic === undefined) return undefined;
        const aliases = anew(nic.aliases);
        if (sameList(aliases, nic.aliases)) return undefined;
        return { kind: 'aliases', on: at, nic: name, fingerprint: nic.fingerprint, aliases };
      },
    };
  }

  #cidr(): string | undefined {
    const { subnet } = this.#parts.place;
    const { rangeName } = this.#parts;
    return rangeName === undefined
      ? subnet.cidr
      : subnet.secondary.find(({ name }) => name === rangeName)?.cidr;
  }

  #see({ nics }: Instance): void {
    this.#nic = nics.find(({ name }) => name === this.#nic.name) ?? { ...this.#nic, aliases: [] };
  }

  /** Undefined where the guest shows nothing, or nobody may read it. */
  async #shownBy({ ref }: Instance, signal: AbortSignal): Promise<Shown | undefined> {
    const { compute, cluster } = this.#parts;
    try {
      const text = await compute.guestAttribute(ref, fenceKey(cluster), { signal });
      return text === undefined ? undefined : readFence(cluster, text);
    } catch (error) {
      if (error instanceof GcpFailure && ['absent', 'denied', 'refused'].includes(error.kind))
        return undefined;
      throw error;
    }
  }

  /** Who has what, by address; the first one where several say so. */
  #foundAt(others: readonly Instance[]): ReadonlyMap<string, Found> {
    const found = new Map<string, Found>();
    for (const instance of others)
      for (const nic of instance.nics) {
        // Another network may use the same addresses for something else.
        if (nic.network !== this.#nic.network) continue;
        for (const address of [...carriedBy(nic), nic.address])
          if (!found.has(address)) found.set(address, { instance, nic, isOwn: nic.address === address });
      }
    return found;
  }

  #seen(found: Found | undefined, shown: ReadonlyMap<Instance, Shown | undefined>): Seen {
    if (found === undefined) return FREE;
    const { instance, nic, isOwn } = found;
    return {
      state: 'theirs',
      holder: {
        at: instance.ref,
        nic: nic.name,
        words: wordsOf(instance.ref),
        member: !isOwn && isMember(this.#parts.cluster, instance.labels),
        shown: shown.get(instance),
      },
    };
  }

  #sightOf(vips: readonly Vip[], elsewhere: (address: string) => Seen): Sight {
    const ours = carriedBy(this.#nic);
    const refused = new Map<VipId, Refusal>();
    const pieces = new Map<VipId, readonly Piece[]>();
    for (const vip of vips) {
      const objection = this.objection(vip);
      if (objection !== undefined) refused.set(vip.id, objection);
      pieces.set(
        vip.id,
        vip.addresses.map(({ address }) => ({
          key: `${vip.id} ${address}`,
          vip: vip.id,
          address,
          seen: ours.has(address) ? OURS : elsewhere(address),
        })),
      );
    }
    return { pieces, refused };
  }
}

function stepKey(at: Place['self'] | undefined, nic: string): string {
  return at === undefined ? nic : `${at.project}/${at.zone}/${at.instance}/${nic}`;
}

async function nicOf(
  compute: Compute,
  at: Place['self'],
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<Nic | undefined> {
  try {
    const { nics } = await compute.instance(at, { signal });
    return nics.find((nic) => nic.name === name);
  } catch (error) {
    // Deleted meanwhile, and its addresses with it.
    if (error instanceof GcpFailure && error.kind === 'absent') return undefined;
    throw error;
  }
}

function carriedBy({ aliases }: Nic): ReadonlySet<string> {
  return new Set(aliases.map(({ range }) => addressIn(range)));
}

function without(list: readonly Alias[], pieces: readonly Piece[]): readonly Alias[] {
  const addresses = new Set(pieces.map(({ address }) => address));
  return list.filter(({ range }) => !addresses.has(addressIn(range)));
}

function sameList(one: readonly Alias[], other: readonly Alias[]): boolean {
  const ranges = new Set(other.map(({ range }) => range));
  return one.length === other.length && one.every(({ range }) => ranges.has(range));
}
