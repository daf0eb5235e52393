/**
 * The fence, as others see it: in mode `alias-ip` a guest attribute of the instance, in mode `external-ip` in the name of the access
 * config, in mode `route` in the description. No lock (that is the fingerprint, and that an address lies in one place only): it
 * keeps a member of an older view from taking what one of a newer view has (ADR 0010). Pure.
 */

/** What a holder shows. */
export interface Shown {
  readonly fence: number;
  /** Milliseconds since 1970, by the clock of who wrote it. */
  readonly since: number;
}

/** Marks an instance as one of the cluster's: with it a member takes addresses from members alone. */
export const CLUSTER_LABEL = 'wackamole-cluster';

/** Labels are of small letters, digits, `_` and `-` (Compute Engine, "Labels"). */
export function labelValue(cluster: string): string {
  return cluster.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-');
}

export function isMember(cluster: string, labels: Readonly<Record<string, string>>): boolean {
  return labels[CLUSTER_LABEL] === labelValue(cluster);
}

/** `wackamole CLUSTER 57 since 2026-11-28T14:40:00.000Z` */
export function fenceText(cluster: string, { fence, since }: Shown): string {
  return `wackamole ${labelValue(cluster)} ${fence} since ${new Date(since).toISOString()}`;
}

/** Undefined: nobody of this cluster wrote it. */
export function readFence(cluster: string, text: string): Shown | undefined {
  const match = /^wackamole (\S{1,63}) (\d{1,15}) since (\S{1,40})$/.exec(text);
  if (match === null || match[1] !== labelValue(cluster)) return undefined;
  const [fence, since] = [Number(match[2]), Date.parse(match[3]!)];
  return Number.isNaN(since) ? undefined : { fence, since };
}

export interface Claim {
  /** Of the view that gave us the VIP. */
  readonly fence: number;
  /** When this agent started, by its own clock, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The fence under which it was taken from us, if it was. */
  readonly lostUnder: number | undefined;
}

/**
 * Why we must not take it from a holder that shows this; undefined: nothing against it. What was shown before we started is of an
 * earlier life of the group, whose numbers say nothing.
 */
export function objectionTo(
  shown: Shown | undefined,
  { fence, startedAt, lostUnder }: Claim,
): string | undefined {
  if (shown !== undefined && shown.since >= startedAt && shown.fence > fence)
    return `shows fence ${shown.fence}, and ours is ${fence}: it belongs to a newer view`;
  if (lostUnder !== undefined && lostUnder >= fence)
    return `was given it under fence ${lostUnder}, and ours is ${fence}: only a newer view takes it back`;
  return undefined;
}
