/**
 * The fence, as others see it: a tag on each interface of a member, `wackamole:CLUSTER:fence` = `1764340800057 since
 * 2026-11-28T14:40:00.000Z`.
 * It also marks the interface as one of the cluster's, so that a member takes addresses from members alone. Pure.
 *
 * EC2 has no conditional write, so this is no lock: it keeps a member of an older view from taking what one of a newer view
 * has, wherever the newer one had the time to say so (ADR 0011).
 */
import type { Tag } from './ec2.ts';

/** What an interface shows. */
export interface Shown {
  readonly fence: number;
  /** Milliseconds since 1970, by the clock of who wrote it. */
  readonly since: number;
}

/** Marks a resource as one of the cluster's, for people, Terraform and policies. */
export const CLUSTER_TAG = 'wackamole:cluster';

export function fenceKey(cluster: string): string {
  return `wackamole:${cluster}:fence`;
}

export function fenceTag(cluster: string, { fence, since }: Shown): Tag {
  return { key: fenceKey(cluster), value: `${fence} since ${new Date(since).toISOString()}` };
}

/** Undefined: none, or one that nobody of us wrote. */
export function readFence(cluster: string, tags: readonly Tag[]): Shown | undefined {
  const value = tags.find(({ key }) => key === fenceKey(cluster))?.value;
  const match = value === undefined ? null : /^(\d{1,15}) since (\S{1,40})$/.exec(value);
  if (match === null) return undefined;
  const [fence, since] = [Number(match[1]), Date.parse(match[2]!)];
  return Number.isNaN(since) ? undefined : { fence, since };
}

export function isMember(cluster: string, tags: readonly Tag[]): boolean {
  return tags.some(
    ({ key, value }) => key === fenceKey(cluster) || (key === CLUSTER_TAG && value === cluster),
  );
}

export interface Claim {
  /** Of the view that gave us the VIP. */
  readonly fence: number;
  /** The fence under which it was taken from us, if it was. */
  readonly lostUnder: number | undefined;
}

/**
 * Why we must not take it from a holder that shows this; undefined: nothing against it. Fences rise also over restarts of the whole
 * group (ADR 0010), so a higher one is of a newer view; where a clock was far ahead once, the tag must be mended by hand.
 */
export function objectionTo(shown: Shown | undefined, claim: Claim): string | undefined {
  const { fence, lostUnder } = claim;
  if (shown !== undefined && shown.fence > fence)
    return `shows fence ${shown.fence}, and ours is ${fence}: it belongs to a newer view (if no such member lives, delete the tag that ends in :fence)`;
  if (lostUnder !== undefined && lostUnder >= fence)
    return `was taken from us under fence ${lostUnder}, and ours is ${fence}: only a newer view takes it back`;
  return undefined;
}
