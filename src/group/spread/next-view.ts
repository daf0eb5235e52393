/**
 * From the announcements of all members of a Spread group to the view all of them install: a pure function of what all of them
 * received, so that no further word is needed. Uses nothing of its own but who asks.
 *
 * An epoch belongs to the member that announced it (ADR 0008): the representative's own number makes the view's identity, so
 * that two parts of a group that was torn in the middle of this never give one name to two views. Members that have the same
 * view and were apart since get a view of their part in between: they did not deliver the same messages.
 */
import { type MemberId, nameOf } from '../../model/member.ts';
import { compareIds } from '../../model/order.ts';
import { type ViewId, viewId } from '../../model/view.ts';
import type { Envelope } from './envelope.ts';

export type Announcement = Extract<Envelope, { kind: 'announce' }>;

export interface Announced {
  readonly privateGroup: string;
  readonly announcement: Announcement;
}

export interface Seat {
  readonly privateGroup: string;
  readonly member: MemberId;
}

export interface NamedView {
  readonly id: ViewId;
  readonly epoch: number;
  readonly seats: readonly Seat[];
}

export interface NextView {
  readonly view: NamedView;
  /** Views of parts that had the same view and were apart since, by the private groups of their members. */
  readonly between: ReadonlyMap<string, NamedView>;
  /** Private groups of those whose name another member bears already. */
  readonly namesakes: readonly string[];
}

/** Members that came here from one view together, or one that has none. */
interface Part {
  readonly from: ViewId | undefined;
  readonly all: readonly Announced[];
  /** Of the first. */
  readonly number: number;
}

/** `announced` in the order of the Spread group, never empty. */
export function nextView(announced: readonly Announced[]): NextView {
  const parts = [...partsOf(announced)].sort(compareParts);
  const between = new Map<string, NamedView>();
  for (const part of parts) {
    const apart =
      part.from !== undefined && parts.some((other) => other !== part && other.from === part.from);
    if (!apart) continue;
    const view = named(part.all, part.number);
    for (const { privateGroup } of part.all) between.set(privateGroup, view);
  }
  const names = new Set<string>();
  const namesakes: string[] = [];
  const seated = parts.flatMap(({ all }) =>
    all.filter(({ privateGroup, announcement }) => {
      const name = nameOf(announcement.member);
      if (names.has(name)) namesakes.push(privateGroup);
      return !namesakes.includes(privateGroup) && names.add(name);
    }),
  );
  return { view: named(seated, parts[0]!.number + 1), between, namesakes };
}

function partsOf(announced: readonly Announced[]): Iterable<Part> {
  const parts = new Map<string, Announced[]>();
  for (const one of announced) {
    const installed = cameFrom(one.announcement);
    const key =
      installed === undefined ? one.privateGroup : [installed.view, ...installed.companions].join(' ');
    parts.set(key, [...(parts.get(key) ?? []), one]);
  }
  return [...parts.values()].map((all) => {
    const installed = cameFrom(all[0]!.announcement);
    const place = ({ announcement }: Announced) => installed?.companions.indexOf(announcement.member) ?? 0;
    const ordered = [...all].sort((a, b) => place(a) - place(b));
    return { from: installed?.view, all: ordered, number: ordered[0]!.announcement.number };
  });
}

/** The view it says it had; none if it says at once that it was not in it. */
function cameFrom({ installed, member }: Announcement): Announcement['installed'] {
  return installed?.companions.includes(member) === true ? installed : undefined;
}

/** Whose first member has the highest number comes first, so that epochs rise for all; who has no view yet comes last. */
function compareParts(a: Part, b: Part): number {
  if ((a.from === undefined) !== (b.from === undefined)) return a.from === undefined ? 1 : -1;
  if (a.number !== b.number) return b.number - a.number;
  return compareIds(a.all[0]!.announcement.member, b.all[0]!.announcement.member);
}

function named(all: readonly Announced[], epoch: number): NamedView {
  const seats = all.map(({ privateGroup, announcement }) => ({ privateGroup, member: announcement.member }));
  return { id: viewId(epoch, seats[0]!.member), epoch, seats };
}
