/**
 * Mode `route`: a host route (/32, /128) in every table concerned leads to our interface. One call an address and table. Giving up
 * takes no call: EC2 knows no delete that names the holder, so a late one could strip the next; the next holder replaces us instead.
 */
import type { Vip, VipAddress, VipId } from '../../src/model/vip.ts';
import type { Ec2, Filter, Route, RouteTable } from './ec2.ts';
import { CLUSTER_TAG, fenceKey, isMember, readFence } from './fence.ts';
import { ownEnis, type Place } from './place.ts';
import type { Mode, Piece, Planned, Refusal, Seen, Sight } from './sight.ts';
import { contains } from './subnets.ts';
import { type TagsByResource, tagsByResource } from './tags.ts';

/** Which tables are concerned: named, tagged, or those in force for subnets. */
export type TableChoice =
  | { readonly by: 'id'; readonly ids: readonly string[] }
  | { readonly by: 'tag'; readonly tags: Readonly<Record<string, string>> }
  | { readonly by: 'subnet'; readonly subnets: readonly string[] };

/** With its routes by destination: a hundred VIPs, and as many routes. */
interface IndexedTable {
  readonly id: string;
  readonly routes: ReadonlyMap<string, Route>;
}

export interface RouteParts {
  readonly ec2: Ec2;
  readonly place: Place;
  readonly cluster: string;
  readonly tables: TableChoice;
}

export function createRouteMode(parts: RouteParts): Mode {
  return new RouteMode(parts);
}

class RouteMode implements Mode {
  readonly leavesBehind = true;
  readonly #parts: RouteParts;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  objection({ addresses }: Vip): Refusal | undefined {
    const own = this.#parts.place.interfaces[0];
    if (own === undefined) return { code: 'interface-missing', reason: 'this host has no interface' };
    if (own.eni.sourceDestCheck) {
      const reason = `the source/destination check of ${own.eni.id} is on, so it drops what is routed to it: switch it off (aws ec2 modify-network-interface-attribute --network-interface-id ${own.eni.id} --no-source-dest-check)`;
      return { code: 'unsupported', reason };
    }
    const inside = addresses.find(({ address, family }) =>
      [...(family === 4 ? [own.subnet.cidr] : own.subnet.ipv6Cidrs)].some((cidr) => contains(cidr, address)),
    );
    if (inside === undefined) return undefined;
    const reason = `${inside.address} lies inside the subnet ${own.subnet.cidr}, where local routes win: use an address outside the VPC, or mode \`secondary-ip\``;
    return { code: 'unsupported', reason };
  }

  async look(vips: readonly Vip[], { signal }: { readonly signal: AbortSignal }): Promise<Sight> {
    const { ec2, cluster } = this.#parts;
    const [found, tags] = await Promise.all([
      ec2.routeTables(tableFilters(this.#parts), { signal }),
      ec2.tags(
        [
          { name: 'key', values: [fenceKey(cluster), CLUSTER_TAG] },
          { name: 'resource-type', values: ['network-interface'] },
        ],
        { signal },
      ),
    ]);
    return this.#sight(vips, found, tagsByResource(tags));
  }

  async glance(vips: readonly Vip[], { signal }: { readonly signal: AbortSignal }): Promise<Sight> {
    const found = await this.#parts.ec2.routeTables(tableFilters(this.#parts), { signal });
    return this.#sight(vips, found, new Map());
  }

  #sight(vips: readonly Vip[], found: readonly RouteTable[], tags: TagsByResource): Sight {
    const tables = tablesInForce(found, this.#parts.tables);
    const missing = missingTables(tables, this.#parts.tables);
    const indexed = tables.map(({ id, routes }) => ({
      id,
      routes: new Map(routes.map((route) => [route.destination, route])),
    }));
    const pieces = new Map<VipId, readonly Piece[]>();
    const refused = new Map<VipId, Refusal>();
    for (const vip of vips) {
      const refusal = this.objection(vip) ?? missing;
      if (refusal !== undefined) refused.set(vip.id, refusal);
      pieces.set(
        vip.id,
        vip.addresses.flatMap((address) =>
          indexed.map((table) => this.#piece(vip.id, address, { table, tags })),
        ),
      );
    }
    return { pieces, refused };
  }

  takeCalls(pieces: readonly Piece[]): readonly Planned[] {
    return pieces.map((piece) => ({
      call: {
        kind: 'route',
        how: piece.seen.state === 'free' ? 'create' : 'replace',
        table: piece.register ?? '',
        family: piece.family,
        destination: destinationOf(piece),
        eni: piece.eni,
      },
      pieces: [piece],
    }));
  }

  giveCalls(): readonly Planned[] {
    return [];
  }

  #piece(
    vip: VipId,
    { family, address }: VipAddress,
    { table, tags }: { readonly table: IndexedTable; readonly tags: TagsByResource },
  ): Piece {
    const route = table.routes.get(destinationOf({ family, address }));
    return {
      key: `${vip} ${address} ${table.id}`,
      vip,
      family,
      address,
      eni: this.#parts.place.interfaces[0]?.eni.id ?? '',
      register: table.id,
      seen: this.#seen(route, tags),
    };
  }

  #seen(route: Route | undefined, tags: TagsByResource): Seen {
    if (route === undefined) return { state: 'free', blank: true };
    const { cluster, place } = this.#parts;
    if (route.eni !== undefined && ownEnis(place).has(route.eni) && !route.blackhole)
      return { state: 'ours' };
    const shown = tags.get(route.eni ?? '') ?? [];
    return {
      state: 'theirs',
      holder: {
        eni: route.eni,
        words: `${route.eni ?? route.instance ?? route.other ?? 'something'}${route.blackhole ? ' (blackhole)' : ''}`,
        // A route whose target is gone serves nobody.
        member: route.blackhole || isMember(cluster, shown),
        shown: readFence(cluster, shown),
        gone: route.blackhole,
      },
    };
  }
}

function destinationOf({ family, address }: { readonly family: 4 | 6; readonly address: string }): string {
  return `${address}/${family === 4 ? 32 : 128}`;
}

export function tableFilters({ tables, place }: Pick<RouteParts, 'tables' | 'place'>): readonly Filter[] {
  if (tables.by === 'id') return [{ name: 'route-table-id', values: tables.ids }];
  const vpc = { name: 'vpc-id', values: [...new Set(place.interfaces.map(({ eni }) => eni.vpc))] };
  if (tables.by === 'subnet') return [vpc];
  return [
    vpc,
    ...Object.entries(tables.tags).map(([key, value]) => ({ name: `tag:${key}`, values: [value] })),
  ];
}

/** A subnet without a table of its own follows the main table of its VPC. */
export function tablesInForce(found: readonly RouteTable[], choice: TableChoice): readonly RouteTable[] {
  if (choice.by !== 'subnet') return found;
  const inForce = choice.subnets.flatMap(
    (subnet) => found.find(({ subnets }) => subnets.includes(subnet)) ?? found.find(({ main }) => main) ?? [],
  );
  return [...new Set(inForce)];
}

function missingTables(found: readonly RouteTable[], choice: TableChoice): Refusal | undefined {
  const ids = new Set(found.map(({ id }) => id));
  const gone = choice.by === 'id' ? choice.ids.filter((id) => !ids.has(id)) : [];
  if (gone.length > 0) {
    const reason = `route table ${gone.join(', ')} does not exist in this account and region: correct \`route_tables\``;
    return { code: 'interface-missing', reason };
  }
  if (found.length > 0) return undefined;
  const reason =
    'no route table is chosen by the configuration: tag the tables, or name them in `route_tables`';
  return { code: 'interface-missing', reason };
}
