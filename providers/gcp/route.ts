/**
 * Mode `route`: a host route of the network leads to the VIP's holder. Its name says whose VIP it is, so that there is one at a time:
 * the API knows no replacing, and who inserts second is told that it exists. Its description shows member and fence.
 */
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipAddress, VipId } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { type Compute, isSame, type Route, wordsOf } from './compute.ts';
import { fenceText, labelValue, readFence, type Shown } from './fence.ts';
import type { Place } from './place.ts';
import type { LookOptions, Mode, Piece, Refusal, Seen, Sight, Step } from './sight.ts';
import { contains, rangeOf } from './subnets.ts';

export interface RouteParts {
  readonly compute: Compute;
  readonly place: Place;
  readonly cluster: string;
  readonly priority: number;
}

/** A look so young says as much as another one would. */
const YOUNG: Millis = 100;

export class RouteMode implements Mode {
  readonly #parts: RouteParts;
  #lookedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  objection({ addresses }: Vip): Refusal | undefined {
    const { subnet, instance, self } = this.#parts.place;
    for (const { family, address } of addresses) {
      const refuse = (reason: string): Refusal => ({ code: 'unsupported', reason });
      if (family === 6)
        return refuse(`${address}: this provider makes routes of IPv4 alone; use another one for it`);
      if (contains(subnet.cidr, address))
        return refuse(
          `${address} lies in subnetwork ${subnet.name} (${subnet.cidr}), and routes lead to addresses outside: choose one, or use mode \`alias-ip\``,
        );
    }
    if (!instance.canIpForward) {
      const reason = `${wordsOf(self)} may not receive what is not addressed to it: create it with can-ip-forward, which cannot be set later`;
      return { code: 'unsupported', reason };
    }
    return undefined;
  }

  async look(vips: readonly Vip[], { signal }: LookOptions): Promise<Sight> {
    const { compute, place } = this.#parts;
    const destinations = vips.flatMap(({ addresses }) =>
      addresses.filter(({ family }) => family === 4).map(destinationOf),
    );
    const askedAt = monotonicNow();
    const found = await compute.routes({ project: place.self.project, destinations }, { signal });
    this.#lookedAt = askedAt;
    const here = found.filter(({ network }) => network === place.nic.network);
    const byName = new Map(here.map((route) => [route.name, route]));
    const byDestination = Map.groupBy(here, ({ destination }) => destination);
    const refused = new Map<VipId, Refusal>();
    const pieces = new Map<VipId, readonly Piece[]>();
    for (const vip of vips) {
      const refusal = this.objection(vip) ?? this.#rival(vip, byDestination);
      if (refusal !== undefined) refused.set(vip.id, refusal);
      pieces.set(
        vip.id,
        vip.addresses.map((address) => ({
          key: `${vip.id} ${address.address}`,
          vip: vip.id,
          address: address.address,
          seen: this.#seen(byName.get(this.#nameOf(address))),
        })),
      );
    }
    return { pieces, refused };
  }

  glance(vips: readonly Vip[], options: LookOptions): Promise<Sight> {
    return this.look(vips, options);
  }

  take(pieces: readonly Piece[], { fence }: { readonly fence: Shown }): readonly (readonly Step[])[] {
    return pieces.map((piece) => [...this.#removal(piece), this.#insertion(piece, fence)]);
  }

  /** A route that leads nowhere would be worse than none. */
  give(pieces: readonly Piece[]): readonly Step[] {
    return pieces.flatMap((piece) => this.#removal(piece));
  }

  room(): number {
    return Number.POSITIVE_INFINITY;
  }

  slots(): undefined {
    return undefined;
  }

  /** The name says nothing of the tenure, so that whose it is is looked at once more right before, unless that has just been done. */
  #removal(piece: Piece): readonly Step[] {
    const { compute, place } = this.#parts;
    const { project } = place.self;
    const { seen, address } = piece;
    if (seen.state === 'free') return [];
    const tenure = seen.state === 'ours' ? seen.token : seen.holder.token;
    const change = { kind: 'delete-route', project, name: this.#nameOf({ address }) } as const;
    const lookedAt = this.#lookedAt;
    return [
      {
        pieces: [piece],
        on: `route ${address}`,
        make: async (signal) => {
          if (monotonicNow() - lookedAt < YOUNG) return change;
          const routes = await compute.routes({ project, destinations: [rangeOf(address)] }, { signal });
          const route = routes.find((each) => each.name === this.#nameOf({ address }));
          return route === undefined || tenureOf(route) !== tenure ? undefined : change;
        },
      },
    ];
  }

  #insertion(piece: Piece, fence: Shown): Step {
    const { place, cluster, priority } = this.#parts;
    const change = {
      kind: 'insert-route',
      project: place.self.project,
      network: place.nic.network,
      name: this.#nameOf(piece),
      destination: rangeOf(piece.address),
      priority,
      description: fenceText(cluster, fence),
      to: place.self,
    } as const;
    return { pieces: [piece], on: `route ${piece.address}`, make: async () => change };
  }

  /** Somebody else's route to the same address would share its traffic with ours, or win over it. */
  #rival({ addresses }: Vip, routes: ReadonlyMap<string, readonly Route[]>): Refusal | undefined {
    for (const address of addresses) {
      const destination = destinationOf(address);
      const own = this.#nameOf(address);
      const rival = routes.get(destination)?.find(({ name }) => name !== own);
      if (rival === undefined || rival.priority > this.#parts.priority) continue;
      const reason = `route ${rival.name} leads ${destination} to ${rival.hop} already, with priority ${rival.priority}: delete it (gcloud compute routes delete ${rival.name})`;
      return { code: 'address-in-use', reason };
    }
    return undefined;
  }

  #seen(route: Route | undefined): Seen {
    if (route === undefined) return { state: 'free' };
    const { place, cluster } = this.#parts;
    const token = tenureOf(route);
    if (route.instance !== undefined && isSame(route.instance, place.self)) return { state: 'ours', token };
    const shown = readFence(cluster, route.description);
    const words = route.instance === undefined ? route.hop : wordsOf(route.instance);
    return {
      state: 'theirs',
      holder: { at: route.instance, nic: '', token, words, member: shown !== undefined, shown },
    };
  }

  /** `[a-z]([-a-z0-9]*[a-z0-9])?`, at most 63 (Compute Engine, "Naming resources"). */
  #nameOf({ address }: { readonly address: string }): string {
    const { cluster, place } = this.#parts;
    const tail = `-${address.replaceAll('.', '-')}`;
    const head = `wackamole-${labelValue(cluster).replaceAll('_', '-')}-${place.nic.network}`;
    return `${head.slice(0, 63 - tail.length)}${tail}`;
  }
}

function destinationOf({ address }: Pick<VipAddress, 'address'>): string {
  return rangeOf(address);
}

function tenureOf({ hop, description }: Route): string {
  return `${hop} ${description}`;
}
