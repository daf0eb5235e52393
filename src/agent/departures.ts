/** What the last table tells about members that are gone or silent now. */
import type { Config } from '../config/config.ts';
import { type MemberId, type MemberName, nameOf } from '../model/member.ts';
import { sortedIds } from '../model/order.ts';
import type { Instant } from '../model/time.ts';
import type { Departure, View, ViewId } from '../model/view.ts';
import type { VipId } from '../model/vip.ts';
import { type Carrier, carrierOf } from './carriers.ts';
import type { DoubtSettings, Doubts } from './doubts.ts';
import type { Row } from './row.ts';
import type { Table } from './table.ts';

export interface Judgement {
  readonly view: View;
  readonly previous: View | undefined;
  readonly vips: Config['vips'];
  readonly settings: DoubtSettings;
}

export class Departures {
  #last: Table | undefined;
  /** Who went without a goodbye and has not come back, here or with another member. */
  readonly #astray = new Set<MemberName>();

  remember(table: Table | undefined): void {
    if (table !== undefined) this.#last = table;
  }

  forget(): void {
    this.#last = undefined;
  }

  /** What a view of ours agreed on. */
  learn(astray: ReadonlySet<MemberName>): void {
    for (const name of astray) this.#astray.add(name);
  }

  /**
   * Who is missing and may serve in another part, sorted. Expected: all the members there are, where the configuration names
   * them: who said goodbye, or was never seen, may have come back to another part. Else only who went without a goodbye is known.
   */
  astray(view: View, expected: readonly MemberName[] | undefined): MemberName[] {
    const present = new Set(view.members.map(nameOf));
    return sortedIds([...(expected ?? this.#astray)].filter((name) => !present.has(name)));
  }

  pinnedTo(name: MemberName): VipId[] {
    return [...(this.#last?.pins ?? [])].filter(([, to]) => to === name).map(([vip]) => vip);
  }

  /** Whom the last table had the VIP go to, and why. */
  story(vip: VipId): Pick<Row, 'target' | 'reason'> | undefined {
    return this.#last?.rows.get(vip);
  }

  /** By which way the member carries VIPs, as far as it said so; empty: it did not. */
  carriersOf(member: MemberId): readonly Carrier[] {
    return this.#last?.seats.get(member)?.carriers ?? [];
  }

  /** Members carried VIPs in more than one way. */
  get isHybrid(): boolean {
    return this.#last?.isHybrid === true;
  }

  /** For people: what became of the member that the last table says held the VIP; undefined if it is still here. */
  gone(vip: VipId, view: View): string | undefined {
    const holders = this.#last?.rows.get(vip)?.holders ?? [];
    const departed = view.departed.find((d) => holders.includes(d.member));
    return departed && `${nameOf(departed.member)} ${PARTINGS[departed.how]}`;
  }

  /** Turns each departure into clearances and doubts. A member whose claims we never learned casts doubt on every VIP. */
  judge({ view, previous, vips, settings }: Judgement, doubts: Doubts, now: Instant): void {
    this.#follow(view);
    const worst = new Map<VipId, Departure>();
    for (const { member, how } of view.departed) {
      for (const vip of this.#concerned(member, how, { previous, vips, settings })) {
        worst.set(vip, graver(worst.get(vip), how));
      }
    }
    const gone = new Set(view.departed.map((d) => d.member));
    const gravest = view.departed.reduce<Departure>((worse, { how }) => graver(worse, how), 'leave');
    for (const [vip, how] of worst) {
      const allGone = this.#allGone(vip, gone);
      // Who had it may have handed it to another of them in words that did not reach us. A link is asked in any case.
      const counts = allGone && settings.blind === true ? graver(gravest, how) : how;
      if (counts === 'process' || allGone) doubts.departed(vip, counts, { now, settings });
    }
    for (const { member, how } of view.departed) {
      if (how !== 'leave') this.#noteWays(member, { doubts, gone, now });
      if (how === 'host' && settings.takeover === 'strict')
        for (const row of this.#rowsAt(previous?.id, member) ?? [])
          if (row.holders.includes(member)) doubts.awaited(row.vip.id, now + settings.leaseBound);
    }
    if (view.departed.some(({ how }) => how !== 'leave')) doubts.parted(now);
  }

  #follow({ members, departed }: View): void {
    for (const { member, how } of departed) if (how !== 'leave') this.#astray.add(nameOf(member));
    for (const member of members) this.#astray.delete(nameOf(member));
  }

  #allGone(vip: VipId, gone: ReadonlySet<MemberId>): boolean {
    return (this.#last?.rows.get(vip)?.holders ?? []).every((member) => gone.has(member));
  }

  /**
   * By which way it may have what, for those who carry that in another. What those had that went with it counts too: they may have
   * handed it over in words that did not reach us.
   */
  #noteWays(
    member: MemberId,
    {
      doubts,
      gone,
      now,
    }: { readonly doubts: Doubts; readonly gone: ReadonlySet<MemberId>; readonly now: Instant },
  ): void {
    const last = this.#last;
    const seat = last?.seats.get(member);
    if (last === undefined) return;
    const { rest, ...unknown } = last.worstWay;
    for (const { vip, holders } of last.rows.values()) {
      if (seat?.reported === true && !holders.includes(member) && !this.#allGone(vip.id, gone)) continue;
      const isKnown = seat !== undefined && (seat.reported || seat.carriers.length > 0);
      const carrier = isKnown
        ? carrierOf(seat.carriers, vip.id)
        : last.isHybrid && { ...unknown, lasts: rest };
      if (!carrier) continue;
      const addresses = vip.addresses.map(({ address }) => address);
      for (const id of [vip.id, ...last.sharersOf(vip.id)]) doubts.lasts(id, carrier, { addresses, now });
    }
  }

  /** VIPs about which the departure of the member says something. */
  #concerned(
    member: MemberId,
    how: Departure,
    { previous, vips, settings }: Omit<Judgement, 'view'>,
  ): readonly VipId[] {
    const rows = this.#rowsAt(previous?.id, member);
    // Its claims were never learned: it may have held anything.
    if (rows === undefined) {
      const wary = how === 'process' || (how === 'host' && settings.takeover === 'strict');
      return wary ? vips.map((vip) => vip.id) : [];
    }
    // Only who certainly had it can clear it by going; who was still asking for it leaves earlier doubts as they are.
    const concerned = rows.filter((row) => (how === 'process' ? row.holders : row.proven).includes(member));
    return concerned.map((row) => row.vip.id);
  }

  /** The rows of the last table; undefined if the member did not report in the previous view. */
  #rowsAt(previous: ViewId | undefined, member: MemberId): readonly Row[] | undefined {
    const table = this.#last;
    if (table === undefined || table.view.id !== previous) return undefined;
    return table.seats.get(member)?.reported === true ? [...table.rows.values()] : undefined;
  }
}

const PARTINGS: Readonly<Record<Departure, string>> = {
  leave: 'left',
  process: 'lost its agent',
  host: 'fell silent with its host',
};

const GRAVITY: Readonly<Record<Departure, number>> = { leave: 0, host: 1, process: 2 };

function graver(a: Departure | undefined, b: Departure): Departure {
  return a !== undefined && GRAVITY[a] >= GRAVITY[b] ? a : b;
}
