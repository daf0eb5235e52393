/**
 * Mode `secondary-ip`: the VIP's addresses are secondary addresses of an interface in their subnet. IPv4: one call for all of them,
 * which takes them from whoever has them where told to. IPv6: the earlier holder's interface is stripped first, since EC2 knows
 * no reassignment there. Giving up names our own interface, so a late one cannot hit the next holder.
 */
import type { Vip, VipAddress, VipId } from '../../src/model/vip.ts';
import type { Ec2, Eni } from './ec2.ts';
import { isMember, readFence } from './fence.ts';
import { holderWords, type OwnInterface, ownEnis, type Place } from './place.ts';
import type { Mode, Piece, Planned, Refusal, Seen, Sight } from './sight.ts';
import { contains, reservedByAmazon } from './subnets.ts';

export interface SecondaryIpParts {
  readonly ec2: Ec2;
  readonly place: Place;
  readonly cluster: string;
}

/** Values of one filter (EC2 API reference, "Filter"). */
const FILTER_VALUES_MAX = 200;

export function createSecondaryIpMode(parts: SecondaryIpParts): Mode {
  return new SecondaryIp(parts);
}

class SecondaryIp implements Mode {
  readonly leavesBehind = false;
  readonly #parts: SecondaryIpParts;

  constructor(parts: SecondaryIpParts) {
    this.#parts = parts;
  }

  objection({ addresses }: Vip): Refusal | undefined {
    for (const address of addresses) {
      const own = this.#interfaceFor(address);
      if (own === undefined) return { code: 'unsupported', reason: this.#noSubnet(address) };
      const { subnet } = own;
      const block = [subnet.cidr, ...subnet.ipv6Cidrs].find((cidr) =>
        reservedByAmazon(cidr, address.address),
      );
      if (block !== undefined) {
        const reason = `${address.address} is reserved by Amazon in ${block} (the first four and the last): choose another one`;
        return { code: 'unsupported', reason };
      }
      const primary = this.#parts.place.interfaces.find(({ eni }) => isPrimary(eni, address.address));
      if (primary !== undefined) return primaryRefusal(address.address, primary.eni);
    }
    return undefined;
  }

  async look(vips: readonly Vip[], { signal }: { readonly signal: AbortSignal }): Promise<Sight> {
    const wanted = vips
      .filter((vip) => this.objection(vip) === undefined)
      .flatMap(({ addresses }) => addresses);
    const holders = holdersIn(await this.#askFor(wanted, signal));
    const pieces = new Map<VipId, readonly Piece[]>();
    const refused = new Map<VipId, Refusal>();
    for (const vip of vips) {
      const refusal = this.objection(vip) ?? primaryElsewhere(vip, holders);
      if (refusal !== undefined) refused.set(vip.id, refusal);
      pieces.set(
        vip.id,
        vip.addresses.flatMap((address) => this.#piece(vip.id, address, holders) ?? []),
      );
    }
    return { pieces, refused };
  }

  async glance(vips: readonly Vip[], { signal }: { readonly signal: AbortSignal }): Promise<Sight> {
    const { ec2, place } = this.#parts;
    const holders = holdersIn(
      await ec2.enis([{ name: 'network-interface-id', values: [...ownEnis(place)] }], { signal }),
    );
    const pieces = vips.map(
      (vip) =>
        [vip.id, vip.addresses.flatMap((address) => this.#piece(vip.id, address, holders) ?? [])] as const,
    );
    return { pieces: new Map(pieces), refused: new Map() };
  }

  takeCalls(
    pieces: readonly Piece[],
    { apart }: { readonly apart: ReadonlyMap<string, number> },
  ): readonly Planned[] {
    const v4 = pieces.filter(({ family }) => family === 4);
    const v6 = pieces.filter(({ family }) => family === 6);
    const stripped = v6.filter(({ seen }) => seen.state === 'theirs');
    return [
      ...batches(v4, ({ eni }) => eni, apart).map(
        (batch): Planned => ({
          call: {
            kind: 'assign',
            family: 4,
            eni: batch[0]!.eni,
            addresses: batch.map(({ address }) => address),
            steal: batch.some(({ seen }) => seen.state === 'theirs'),
          },
          pieces: batch,
        }),
      ),
      ...batches(stripped, ({ seen }) => (seen.state === 'theirs' ? (seen.holder.eni ?? '') : ''), apart).map(
        (batch): Planned => ({
          call: {
            kind: 'unassign',
            family: 6,
            eni: batch[0]!.seen.state === 'theirs' ? (batch[0]!.seen.holder.eni ?? '') : '',
            addresses: batch.map(({ address }) => address),
          },
          pieces: batch,
          frees: true,
        }),
      ),
      ...batches(
        v6.filter(({ seen }) => seen.state === 'free'),
        ({ eni }) => eni,
        apart,
      ).map(
        (batch): Planned => ({
          call: {
            kind: 'assign',
            family: 6,
            eni: batch[0]!.eni,
            addresses: batch.map(({ address }) => address),
            steal: false,
          },
          pieces: batch,
        }),
      ),
    ];
  }

  giveCalls(pieces: readonly Piece[]): readonly Planned[] {
    return batches(pieces, ({ eni, family }) => `${family} ${eni}`, new Map()).map((batch) => ({
      call: {
        kind: 'unassign',
        family: batch[0]!.family,
        eni: batch[0]!.eni,
        addresses: batch.map(({ address }) => address),
      },
      pieces: batch,
    }));
  }

  #interfaceFor({ family, address }: VipAddress): OwnInterface | undefined {
    return this.#parts.place.interfaces.find(({ subnet }) =>
      family === 4
        ? contains(subnet.cidr, address)
        : subnet.ipv6Cidrs.some((cidr) => contains(cidr, address)),
    );
  }

  #noSubnet({ family, address }: VipAddress): string {
    const { interfaces } = this.#parts.place;
    const blocks = interfaces
      .map(({ eni, subnet }) => {
        const cidrs = family === 4 ? subnet.cidr : subnet.ipv6Cidrs.join(', ') || 'no IPv6 block';
        return `${eni.id} in ${subnet.id} (${cidrs})`;
      })
      .join(', ');
    return `${address} lies in no subnet of this host: ${blocks}; choose an address of the subnet, or use mode \`route\` across subnets and zones`;
  }

  async #askFor(addresses: readonly VipAddress[], signal: AbortSignal): Promise<readonly Eni[]> {
    const { ec2, place } = this.#parts;
    const vpcs = [...new Set(place.interfaces.map(({ eni }) => eni.vpc))];
    const ask = (name: string, family: 4 | 6) =>
      chunks(addresses.filter((address) => address.family === family)).map((some) =>
        ec2.enis(
          [
            { name, values: some.map(({ address }) => address) },
            { name: 'vpc-id', values: vpcs },
          ],
          { signal },
        ),
      );
    const answers = await Promise.all([
      ...ask('addresses.private-ip-address', 4),
      ...ask('ipv6-addresses.ipv6-address', 6),
    ]);
    return answers.flat();
  }

  #piece(vip: VipId, address: VipAddress, holders: Holders): Piece | undefined {
    const own = this.#interfaceFor(address);
    if (own === undefined) return undefined;
    const { family } = address;
    const piece = {
      key: `${vip} ${address.address}`,
      vip,
      family,
      address: address.address,
      eni: own.eni.id,
    };
    return { ...piece, seen: this.#seen(address, own, holders) };
  }

  #seen({ address }: VipAddress, own: OwnInterface, holders: Holders): Seen {
    const holding = holders.get(address) ?? [];
    if (holding.some(({ eni }) => eni.id === own.eni.id)) return { state: 'ours' };
    const holder = holding[0]?.eni;
    if (holder === undefined) return { state: 'free' };
    const { cluster, place } = this.#parts;
    return {
      state: 'theirs',
      holder: {
        eni: holder.id,
        words: holderWords(holder),
        member: ownEnis(place).has(holder.id) || isMember(cluster, holder.tags),
        shown: readFence(cluster, holder.tags),
      },
    };
  }
}

/** Who has an address, by address: with a hundred VIPs on an interface of a hundred, nobody searches for each. */
type Holders = ReadonlyMap<string, readonly { readonly eni: Eni; readonly primary: boolean }[]>;

function holdersIn(enis: readonly Eni[]): Holders {
  const holders = new Map<string, { readonly eni: Eni; readonly primary: boolean }[]>();
  const add = (address: string, eni: Eni, primary: boolean): void => {
    const known = holders.get(address);
    if (known === undefined) holders.set(address, [{ eni, primary }]);
    else known.push({ eni, primary });
  };
  for (const eni of enis) {
    for (const { address, primary } of eni.addresses) add(address, eni, primary);
    for (const address of eni.ipv6) add(address, eni, false);
  }
  return holders;
}

function primaryElsewhere({ addresses }: Vip, holders: Holders): Refusal | undefined {
  for (const { address } of addresses) {
    const found = holders.get(address)?.find(({ primary }) => primary);
    if (found !== undefined) return primaryRefusal(address, found.eni);
  }
  return undefined;
}

function isPrimary({ addresses }: Eni, address: string): boolean {
  return addresses.some((each) => each.primary && each.address === address);
}

function primaryRefusal(address: string, eni: Eni): Refusal {
  const reason = `${address} is the primary address of ${holderWords(eni)}, and those never move: choose another one`;
  return { code: 'address-in-use', reason };
}

/** Together what one call can carry; in the order they came. */
function batches(
  pieces: readonly Piece[],
  keyOf: (piece: Piece) => string,
  apart: ReadonlyMap<string, number>,
): readonly (readonly Piece[])[] {
  const together = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const key = `${apart.get(piece.key) ?? ''} ${keyOf(piece)}`;
    const batch = together.get(key);
    if (batch) batch.push(piece);
    else together.set(key, [piece]);
  }
  return [...together.values()];
}

function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / FILTER_VALUES_MAX);
  return Array.from({ length: count }, (_, at) =>
    items.slice(at * FILTER_VALUES_MAX, (at + 1) * FILTER_VALUES_MAX),
  );
}
