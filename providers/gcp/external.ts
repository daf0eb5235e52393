/**
 * Mode `external-ip`: the VIP is a reserved external address, on the access config of an interface. There is one config an interface, so
 * a host carries one such VIP. The config's name tells whose it is and under which fence, and deleting names it: a late delete cannot hit
 * the next holder's.
 */
import type { Vip, VipId } from '../../src/model/vip.ts';
import {
  type AccessConfig,
  type Address,
  type Compute,
  type Instance,
  type InstanceRef,
  instanceOf,
  isSame,
  lastPart,
  type Nic,
  wordsOf,
} from './compute.ts';
import { GcpFailure } from './failures.ts';
import { fenceText, isMember, readFence, type Shown } from './fence.ts';
import type { Place } from './place.ts';
import type { LookOptions, Mode, Piece, Refusal, Seen, Sight, Step } from './sight.ts';

export interface ExternalParts {
  readonly compute: Compute;
  readonly place: Place;
  readonly cluster: string;
}

export class ExternalMode implements Mode {
  readonly #parts: ExternalParts;
  #nic: Nic;

  constructor(parts: ExternalParts) {
    this.#parts = parts;
    this.#nic = parts.place.nic;
  }

  objection({ addresses }: Vip): Refusal | undefined {
    const sixth = addresses.find(({ family }) => family === 6);
    if (sixth !== undefined)
      return {
        code: 'unsupported',
        reason: `${sixth.address}: an access config carries IPv4 alone; use another provider for it`,
      };
    if (addresses.length > 1)
      return {
        code: 'unsupported',
        reason: `${addresses.length} addresses, and an interface has one external address: make VIPs of one address each`,
      };
    return undefined;
  }

  async look(vips: readonly Vip[], { signal }: LookOptions): Promise<Sight> {
    const { compute, place } = this.#parts;
    const { project } = place.self;
    const wanted = vips.flatMap(({ addresses }) => addresses.map(({ address }) => address));
    const [own, reserved] = await Promise.all([
      compute.instance(place.self, { signal }),
      compute.addresses({ project, region: place.region, addresses: wanted }, { signal }),
    ]);
    this.#see(own);
    const users = await this.#usersOf(reserved, signal);
    const refused = new Map<VipId, Refusal>();
    const pieces = new Map<VipId, readonly Piece[]>();
    for (const vip of vips) {
      const refusal = this.objection(vip) ?? this.#unfit(vip, reserved);
      if (refusal !== undefined) refused.set(vip.id, refusal);
      pieces.set(
        vip.id,
        this.#pieces(vip, (address) => this.#seen(address, reserved, users)),
      );
    }
    return { pieces, refused };
  }

  async glance(vips: readonly Vip[], { signal }: LookOptions): Promise<Sight> {
    const { compute, place } = this.#parts;
    this.#see(await compute.instance(place.self, { signal }));
    const pieces = vips.map(
      (vip) => [vip.id, this.#pieces(vip, (address) => this.#seen(address, [], []))] as const,
    );
    return { pieces: new Map(pieces), refused: new Map() };
  }

  take(pieces: readonly Piece[], { fence }: { readonly fence: Shown }): readonly (readonly Step[])[] {
    return pieces.map((piece) => {
      const { seen } = piece;
      const removal = seen.state === 'theirs' ? this.#removal(piece, seen.holder.at, seen.holder) : [];
      return [...removal, this.#addition(piece, fence)];
    });
  }

  give(pieces: readonly Piece[]): readonly Step[] {
    const { self } = this.#parts.place;
    return pieces.flatMap((piece) =>
      piece.seen.state === 'ours' && piece.seen.token !== undefined
        ? this.#removal(piece, self, { nic: this.#nic.name, token: piece.seen.token })
        : [],
    );
  }

  room(): number {
    return this.#nic.accessConfigs.length === 0 ? 1 : 0;
  }

  /** An address of somebody else's is not displaced. */
  slots(vips: readonly Vip[]): number {
    const known = vips.flatMap(({ addresses }) => addresses.map(({ address }) => address));
    return this.#nic.accessConfigs.every(({ natIp }) => natIp !== undefined && known.includes(natIp)) ? 1 : 0;
  }

  #removal(
    piece: Piece,
    at: InstanceRef | undefined,
    { nic, token }: { readonly nic: string; readonly token?: string },
  ): readonly Step[] {
    if (at === undefined || token === undefined) return [];
    const change = { kind: 'delete-access-config', on: at, nic, name: token } as const;
    return [{ pieces: [piece], on: `${at.zone}/${at.instance}/${nic}`, make: async () => change }];
  }

  #addition(piece: Piece, fence: Shown): Step {
    const { place, cluster } = this.#parts;
    const change = {
      kind: 'add-access-config',
      on: place.self,
      nic: this.#nic.name,
      name: fenceText(cluster, fence),
      natIp: piece.address,
    } as const;
    const { zone, instance } = place.self;
    return { pieces: [piece], on: `${zone}/${instance}/${this.#nic.name}`, make: async () => change };
  }

  #unfit({ addresses }: Vip, reserved: readonly Address[]): Refusal | undefined {
    const { region, self } = this.#parts.place;
    for (const { address } of addresses) {
      if (!reserved.some((each) => each.address === address && each.external)) {
        const reason = `${address} is no external address reserved in ${self.project}, ${region}: reserve it (gcloud compute addresses create NAME --addresses=${address} --region=${region})`;
        return { code: 'unsupported', reason };
      }
      const other = this.#nic.accessConfigs.find(({ natIp }) => natIp !== address);
      if (other !== undefined) {
        const reason = `${this.#nic.name} has the external address ${other.natIp ?? '(none yet)'} already ("${other.name}"), and an interface has one: remove that access config, or use another interface`;
        return { code: 'limit', reason };
      }
    }
    return undefined;
  }

  #see({ nics }: Instance): void {
    this.#nic = nics.find(({ name }) => name === this.#nic.name) ?? { ...this.#nic, accessConfigs: [] };
  }

  /** The instances that have them: one read each, and mostly one. */
  async #usersOf(reserved: readonly Address[], signal: AbortSignal): Promise<readonly Instance[]> {
    const { compute, place } = this.#parts;
    const refs = reserved.flatMap(({ users }) => users.flatMap((url) => instanceOf(url) ?? []));
    const others = new Map(refs.filter((ref) => !isSame(ref, place.self)).map((ref) => [wordsOf(ref), ref]));
    const found = await Promise.all(
      [...others.values()].map(async (ref) => {
        try {
          return await compute.instance(ref, { signal });
        } catch (error) {
          if (error instanceof GcpFailure && (error.kind === 'absent' || error.kind === 'denied'))
            return undefined;
          throw error;
        }
      }),
    );
    return found.filter((each) => each !== undefined);
  }

  #pieces({ id, addresses }: Vip, seenOf: (address: string) => Seen): readonly Piece[] {
    return addresses.map(({ address }) => ({
      key: `${id} ${address}`,
      vip: id,
      address,
      seen: seenOf(address),
    }));
  }

  #seen(address: string, reserved: readonly Address[], users: readonly Instance[]): Seen {
    const ours = configOf(this.#nic, address);
    if (ours !== undefined) return { state: 'ours', token: ours.name };
    for (const instance of users)
      for (const nic of instance.nics) {
        const config = configOf(nic, address);
        if (config !== undefined) return this.#theirs(instance, nic, config);
      }
    const user = reserved.find((each) => each.address === address)?.users[0];
    if (user === undefined) return { state: 'free' };
    const at = instanceOf(user);
    // We saw that instance, and it does not have it: the list is older than that.
    const known = [this.#parts.place.self, ...users.map(({ ref }) => ref)];
    if (at !== undefined && known.some((ref) => isSame(ref, at))) return { state: 'free' };
    const words = lastPart(user);
    return { state: 'theirs', holder: { at: undefined, nic: '', words, member: false, shown: undefined } };
  }

  #theirs({ ref, labels }: Instance, nic: Nic, { name }: AccessConfig): Seen {
    const { cluster } = this.#parts;
    const shown = readFence(cluster, name);
    return {
      state: 'theirs',
      holder: {
        at: ref,
        nic: nic.name,
        token: name,
        words: wordsOf(ref),
        member: shown !== undefined || isMember(cluster, labels),
        shown,
      },
    };
  }
}

function configOf({ accessConfigs }: Nic, address: string): AccessConfig | undefined {
  return accessConfigs.find(({ natIp }) => natIp === address);
}
