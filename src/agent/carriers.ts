/**
 * By which way each member carries its VIPs, as reports tell it: what a cluster that spans metal and clouds has to know. Who
 * comes after a holder that went without a word may ask the link, or take the address in one step, only where both carry it
 * the same way; else it waits until the other's hold must be over.
 */
import { compareIds, sortedIds } from '../model/order.ts';
import type { Millis } from '../model/time.ts';
import type { ProviderName, Vip, VipId } from '../model/vip.ts';
import type { ProviderTraits } from '../provider/provider.ts';

/**
 * How long a member that carries a VIP another way waits for one whose provider leases nothing: by then its agent was started
 * again and has swept, or the call it was making is over.
 */
const UNLEASED_BOUND: Millis = 30_000;

export interface Carrier {
  readonly provider: ProviderName;
  /** Whoever stands on the same link can ask whether the address is still answered for. */
  readonly askable: boolean;
  /** Longest time for which an address stays with a host whose agent is gone. */
  readonly lasts: Millis;
  /** Absent: all VIPs that no other carrier of the member names. */
  readonly vips?: readonly VipId[];
}

/** A VIP that may still be with somebody who went without a word, and for how much longer. */
export interface Lasting extends Pick<Carrier, 'provider' | 'askable'> {
  readonly vip: VipId;
  readonly rest: Millis;
  /** Its addresses, by which it is known under another name; absent from members of earlier releases. */
  readonly addresses?: readonly string[];
}

/** The longest list is left out: mostly there is one provider for nearly everything. */
export function carriersOf(
  vips: readonly Vip[],
  {
    providerOf,
    traits,
  }: {
    readonly providerOf: (vip: Vip) => ProviderName | undefined;
    readonly traits: ReadonlyMap<ProviderName, ProviderTraits>;
  },
): readonly Carrier[] {
  const lists = new Map<ProviderName, VipId[]>();
  for (const vip of vips) {
    const name = providerOf(vip);
    if (name !== undefined) lists.set(name, [...(lists.get(name) ?? []), vip.id]);
  }
  const byLength = [...lists].sort(([a, x], [b, y]) => y.length - x.length || compareIds(a, b));
  return byLength.flatMap(([provider, ids], index) => {
    const known = traits.get(provider);
    if (known === undefined) return [];
    const carrier = { provider, askable: isAskable(known), lasts: known.leaseBound ?? UNLEASED_BOUND };
    return index === 0 ? [carrier] : [{ ...carrier, vips: sortedIds(ids) }];
  });
}

/** What is said of a VIP of another name concerns this one too where they have an address in common. */
export function concerns({ vip, addresses }: Pick<Lasting, 'vip' | 'addresses'>, about: Vip): boolean {
  return vip === about.id || about.addresses.some(({ address }) => addresses?.includes(address));
}

export function carrierOf(carriers: readonly Carrier[], vip: VipId): Carrier | undefined {
  return carriers.find(({ vips }) => vips?.includes(vip)) ?? carriers.find(({ vips }) => vips === undefined);
}

/** Whether what we carry a VIP by tells nothing of who carries it by the other. */
export function isForeign(
  own: { readonly provider: ProviderName; readonly traits: ProviderTraits },
  other: Pick<Carrier, 'provider' | 'askable'>,
): boolean {
  return own.provider !== other.provider && !(isAskable(own.traits) && other.askable);
}

function isAskable({ scope, atomicTakeover }: ProviderTraits): boolean {
  return scope === 'link' && !atomicTakeover;
}

/** By what a VIP is carried, as far as it matters to who takes it over. */
export function wayOf({ provider, askable }: Pick<Carrier, 'provider' | 'askable'>): string {
  return `${provider} ${askable}`;
}

/** Whether they carry VIPs in more than one way. */
export function areMixed(members: Iterable<{ readonly carriers: readonly Carrier[] }>): boolean {
  let first: ProviderName | undefined;
  for (const { carriers } of members) {
    for (const { provider } of carriers) {
      first ??= provider;
      if (provider !== first) return true;
    }
  }
  return false;
}
