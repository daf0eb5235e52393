/** Neighbours on a link, as members tell each other of them. */

/** An IP address without a zone, and the link address that the kernel of some member has for it: `02:00:00:00:00:01`. */
export type KnownNeighbour = readonly [address: string, linkAddress: string];

/** Of one message or provider event. */
export const KNOWN_NEIGHBOURS_MAX = 512;
