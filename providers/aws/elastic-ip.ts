/**
 * Mode `elastic-ip`: the VIP's public address is associated with a private address of our interface. One call an address. Giving up
 * names the very association we saw, which no later holder has.
 */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { Ec2, ElasticIp, Eni } from './ec2.ts';
import { CLUSTER_TAG, fenceKey, isMember, readFence } from './fence.ts';
import { ownEnis, type Place } from './place.ts';
import type { Mode, Piece, Planned, Refusal, Seen, Sight } from './sight.ts';
import { type TagsByResource, tagsByResource } from './tags.ts';

export interface ElasticIpParts {
  readonly ec2: Ec2;
  readonly place: Place;
  readonly cluster: string;
}

export function createElasticIpMode(parts: ElasticIpParts): Mode {
  return new ElasticIpMode(parts);
}

class ElasticIpMode implements Mode {
  readonly leavesBehind = false;
  readonly #parts: ElasticIpParts;

  constructor(parts: ElasticIpParts) {
    this.#parts = parts;
  }

  objection({ addresses }: Vip): Refusal | undefined {
    const six = addresses.find(({ family }) => family === 6);
    if (six === undefined) return undefined;
    const reason = `${six.address} is IPv6, and Elastic IPs are IPv4: use mode \`secondary-ip\` or \`route\` for it`;
    return { code: 'unsupported', reason };
  }

  async look(vips: readonly Vip[], { signal }: { readonly signal: AbortSignal }): Promise<Sight> {
    const { ec2, place, cluster } = this.#parts;
    const possible = vips.filter((vip) => this.objection(vip) === undefined);
    const addresses = possible.flatMap((vip) => vip.addresses.map(({ address }) => address));
    const [elasticIps, enis, tags] = await Promise.all([
      addresses.length === 0 ? [] : ec2.elasticIps([{ name: 'public-ip', values: addresses }], { signal }),
      ec2.enis([{ name: 'network-interface-id', values: [...ownEnis(place)] }], { signal }),
      ec2.tags(
        [
          { name: 'key', values: [fenceKey(cluster), CLUSTER_TAG] },
          { name: 'resource-type', values: ['network-interface'] },
        ],
        { signal },
      ),
    ]);
    return { ...this.#sight(vips, elasticIps, tagsByResource(tags)), spare: spareOf(enis, addresses) };
  }

  async glance(vips: readonly Vip[], { signal }: { readonly signal: AbortSignal }): Promise<Sight> {
    const addresses = vips.flatMap((vip) => vip.addresses.map(({ address }) => address));
    const elasticIps = await this.#parts.ec2.elasticIps([{ name: 'public-ip', values: addresses }], {
      signal,
    });
    return this.#sight(vips, elasticIps, new Map());
  }

  takeCalls(pieces: readonly Piece[], { sight }: { readonly sight: Sight }): readonly Planned[] {
    const spare = sight.spare ?? [];
    return pieces.slice(0, spare.length).map((piece, at) => ({
      call: {
        kind: 'associate',
        allocation: piece.register ?? '',
        eni: piece.eni,
        privateAddress: spare[at]!,
        steal: piece.seen.state === 'theirs',
      },
      pieces: [piece],
    }));
  }

  noRoom({ spare }: Sight): Refusal {
    const eni = this.#parts.place.interfaces[0]?.eni.id;
    const reason = `only ${spare?.length ?? 0} private addresses of ${eni} are without a public one: assign it a further secondary address for each Elastic IP`;
    return { code: 'limit', reason };
  }

  giveCalls(pieces: readonly Piece[]): readonly Planned[] {
    return pieces.flatMap((piece) =>
      piece.seen.state === 'ours' && piece.seen.token !== undefined
        ? [{ call: { kind: 'disassociate' as const, association: piece.seen.token }, pieces: [piece] }]
        : [],
    );
  }

  #sight(vips: readonly Vip[], elasticIps: readonly ElasticIp[], tags: TagsByResource): Sight {
    const byAddress = new Map(elasticIps.map((each) => [each.address, each]));
    const pieces = new Map<VipId, readonly Piece[]>();
    const refused = new Map<VipId, Refusal>();
    for (const vip of vips) {
      const refusal = this.objection(vip) ?? notAllocated(vip, byAddress, this.#parts.place.region);
      if (refusal !== undefined) refused.set(vip.id, refusal);
      const own = vip.addresses.flatMap(({ address }) => byAddress.get(address) ?? []);
      pieces.set(
        vip.id,
        own.map((each) => this.#piece(vip.id, each, tags)),
      );
    }
    return { pieces, refused };
  }

  #piece(vip: VipId, elastic: ElasticIp, tags: TagsByResource): Piece {
    const { place } = this.#parts;
    return {
      key: `${vip} ${elastic.address}`,
      vip,
      family: 4,
      address: elastic.address,
      eni: place.interfaces[0]?.eni.id ?? '',
      register: elastic.allocation,
      seen: this.#seen(elastic, tags),
    };
  }

  #seen({ association, eni, instance }: ElasticIp, tags: TagsByResource): Seen {
    const { cluster, place } = this.#parts;
    if (association === undefined) return { state: 'free' };
    if (eni !== undefined && ownEnis(place).has(eni)) return { state: 'ours', token: association };
    const shown = tags.get(eni ?? '') ?? [];
    return {
      state: 'theirs',
      token: association,
      holder: {
        eni,
        words: `${eni ?? 'something'}${instance === undefined ? '' : ` of ${instance}`}`,
        member: isMember(cluster, shown),
        shown: readFence(cluster, shown),
      },
    };
  }
}

function notAllocated(
  { addresses }: Vip,
  found: ReadonlyMap<string, ElasticIp>,
  region: string,
): Refusal | undefined {
  const missing = addresses.find(({ address }) => !found.has(address));
  if (missing === undefined) return undefined;
  const reason = `${missing.address} is no Elastic IP of this account in ${region}: allocate it there, or correct the VIP`;
  return { code: 'unsupported', reason };
}

/** Private addresses without a public one, or with one of ours, which is about to be replaced; the primary comes first. */
function spareOf(enis: readonly Eni[], vips: readonly string[]): readonly string[] {
  const [eni] = enis;
  const free = (eni?.addresses ?? []).filter(
    ({ publicIp, address }) => publicIp === undefined && !vips.includes(address),
  );
  return free.toSorted((a, b) => Number(b.primary) - Number(a.primary)).map(({ address }) => address);
}
