/** What a view knows of one member: its place at the table. */
import type { Limit } from '../allocation/room.ts';
import type { MemberId } from '../model/member.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Barrier } from './barrier.ts';
import type { Beside } from './bystanders.ts';
import { type Carrier, carrierOf } from './carriers.ts';
import type { Agreement } from './definitions.ts';
import type { Standing } from './messages.ts';

export interface Seat {
  readonly member: MemberId;
  /** False: its report never came; it is given nothing. */
  readonly reported: boolean;
  readonly digest: string;
  readonly votes: number;
  standing: Standing;
  readonly passed: Map<VipId, string>;
  readonly disagreed: ReadonlyMap<VipId, string>;
  readonly zone: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** What it says of the witness's vote. */
  readonly witness: 'held' | 'open' | undefined;
  /** By which way it carries VIPs, where its report is missing as it was known before; empty: not known. */
  readonly carriers: readonly Carrier[];
  /** Whom it knows beside the view. */
  readonly beside: readonly Beside[];
}

const UNHEARD: Standing = {
  mature: false,
  draining: false,
  barred: '',
  leaving: false,
  capacity: 0,
  unfit: [],
  impaired: [],
};

/** Of all members of a view, in its order. */
export function seatsOf(
  barrier: Barrier,
  members: readonly MemberId[],
  {
    agreement,
    known,
  }: {
    readonly agreement: Agreement | undefined;
    /** Carriers as the member reported them before. */
    readonly known: (member: MemberId) => readonly Carrier[];
  },
): Map<MemberId, Seat> {
  return new Map(
    members.map((member) => {
      const report = barrier.without.has(member) ? undefined : barrier.reports.get(member);
      const seat: Seat = {
        member,
        reported: report !== undefined,
        digest: report?.digest ?? '',
        votes: report?.votes ?? 0,
        standing: report ?? UNHEARD,
        passed: new Map(report?.passed),
        disagreed: agreement?.against.get(member) ?? new Map(),
        zone: report?.zone,
        tags: report?.tags ?? {},
        witness: report?.witness,
        carriers: report === undefined ? known(member) : (report.carriers ?? []),
        beside: report?.beside ?? [],
      };
      return [member, seat];
    }),
  );
}

/** Why a member may hold nothing at all; undefined: it may. */
export function barredBecause(seat: Seat): string | undefined {
  if (!seat.reported) return 'silent: its report is missing';
  if (seat.standing.leaving) return 'leaving';
  if (seat.standing.draining) return 'draining';
  if (seat.standing.barred !== '') return seat.standing.barred;
  if (!seat.standing.mature) return 'not mature yet';
  return undefined;
}

/** What its providers can hold at most, as the allocator counts it. */
export function limitsOf({ standing, carriers }: Seat, vips: readonly Vip[]): Limit[] {
  return (standing.slots ?? []).map(([provider, family, slots]) => {
    const costs = new Map<VipId, number>();
    for (const vip of vips) {
      const cost = vip.addresses.filter((address) => address.family === family).length;
      if (cost > 0 && carrierOf(carriers, vip.id)?.provider === provider) costs.set(vip.id, cost);
    }
    return { what: `IPv${family} addresses by ${provider}`, slots, costs };
  });
}
