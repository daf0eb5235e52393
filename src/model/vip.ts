/** The configured name of a VIP, unique in the group: `[A-Za-z0-9][A-Za-z0-9._:-]{0,62}`. */
export type VipId = string & { readonly __brand?: 'VipId' };

/** Name under which a provider is configured, for instance `local`. */
export type ProviderName = string & { readonly __brand?: 'ProviderName' };

/** One IP address with the prefix length under which it is configured on its interface. */
export interface VipAddress {
  readonly family: 4 | 6;
  /** Canonical text: dotted decimal, or RFC 5952 for IPv6. */
  readonly address: string;
  /** 0–32 or 0–128. `/32` and `/128` are host routes of their own, a shorter one puts the VIP into a subnet. */
  readonly prefixLength: number;
  /** Interface that carries it; absent: the provider's default interface. */
  readonly interface?: string;
}

/** What happens to a VIP when the group splits (DESIGN 5.6). */
export type PartitionPolicy = 'component' | 'primary';

/** Where a VIP may be, and how it lies to others. Names of zones and groups, keys and values of tags: 1 to 63 characters. */
export interface Constraints {
  /** Only on members of one of these zones; absent: of any, or of none. */
  readonly zones?: readonly string[];
  /** Only on members that have all of these tags. */
  readonly tags?: Readonly<Record<string, string>>;
  /** VIPs that name the same group lie in different zones where load allows. */
  readonly spread?: string;
}

/** The unit of allocation: one or more addresses that always move together. */
export interface Vip {
  readonly id: VipId;
  /** Never empty, in configured order; the first one names the set in tables. */
  readonly addresses: readonly VipAddress[];
  /** Member names that shall hold it if they can, the best first. */
  readonly prefer: readonly string[];
  /** Share of load this VIP stands for, ≥ 1 (an integer); 1 unless configured. */
  readonly weight: number;
  readonly policy: PartitionPolicy;
  /** Providers that may carry it, the best first; each member uses the first it has. */
  readonly providers: readonly ProviderName[];
  /** Absent: none. */
  readonly constraints?: Constraints;
}
