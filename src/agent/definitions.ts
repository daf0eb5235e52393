/**
 * Which VIPs a member may be given when configurations differ (a rolling change of the file).
 * One definition counts in a view: that of the first member, in view order, that knows the VIP. Whoever knows it
 * otherwise, or knows one of its addresses under another name, is passed over for it: so no address can be up twice,
 * and everybody allocates from the same inputs.
 */
import type { MemberId } from '../model/member.ts';
import { nameOf } from '../model/member.ts';
import { compareIds } from '../model/order.ts';
import type { Vip, VipAddress, VipId } from '../model/vip.ts';
import type { Definitions, VipDefinition } from './messages.ts';

export interface Agreement {
  /** The agreed VIPs, sorted by id. Their interfaces and providers are each member's own affair and absent here. */
  readonly vips: readonly Vip[];
  /** For each member the VIPs it must not be given, with why. */
  readonly against: ReadonlyMap<MemberId, ReadonlyMap<VipId, string>>;
  /** For each VIP that shares an address with another one, the others, and who means them so: they may still have it up. */
  readonly sharers: ReadonlyMap<VipId, Sharers>;
}

/** By VIP, the members whose own definition of it, whether or not that is the agreed one, has the address. */
export type Sharers = ReadonlyMap<VipId, ReadonlySet<MemberId>>;

export function definitionOf(vip: Vip): VipDefinition {
  const addresses = vip.addresses.map((a) => `${a.address}/${a.prefixLength}`);
  const { id, prefer, weight, policy, constraints } = vip;
  const definition = { id, addresses, prefer: [...prefer], weight, policy };
  // Zones and tags are each member's own to judge: it says itself that it is unfit.
  return constraints?.spread === undefined ? definition : { ...definition, spread: constraints.spread };
}

/** A function of the definitions and the view order alone. */
export function agree(
  definitions: ReadonlyMap<MemberId, Definitions>,
  members: readonly MemberId[],
): Agreement {
  const agreed = new Map<VipId, { readonly definition: VipDefinition; readonly by: MemberId }>();
  const addressOf = new Map<string, VipId>();
  for (const member of members) {
    for (const definition of definitions.get(member)?.vips ?? []) {
      if (agreed.has(definition.id)) continue;
      agreed.set(definition.id, { definition, by: member });
      for (const address of bare(definition))
        if (!addressOf.has(address)) addressOf.set(address, definition.id);
    }
  }
  const vips = [...agreed.values()].map(({ definition }) => vipOf(definition));
  return {
    vips: vips.sort((a, b) => compareIds(a.id, b.id)),
    against: new Map(members.map((member) => [member, against(definitions.get(member), agreed, addressOf)])),
    sharers: sharersIn(definitions, [...agreed.values()]),
  };
}

/** Also what is not agreed counts: whoever holds it by another definition has other addresses up. */
function sharersIn(
  definitions: ReadonlyMap<MemberId, Definitions>,
  agreed: readonly { readonly definition: VipDefinition }[],
): Map<VipId, Sharers> {
  const meant = new Map<string, (readonly [VipId, MemberId])[]>();
  for (const [member, { vips }] of definitions) {
    for (const definition of vips)
      for (const address of bare(definition))
        meant.set(address, [...(meant.get(address) ?? []), [definition.id, member]]);
  }
  const sharers = new Map<VipId, Map<VipId, Set<MemberId>>>();
  for (const { definition } of agreed) {
    for (const [id, member] of bare(definition).flatMap((address) => meant.get(address) ?? [])) {
      if (id === definition.id) continue;
      const others = sharers.get(definition.id) ?? new Map<VipId, Set<MemberId>>();
      others.set(id, (others.get(id) ?? new Set()).add(member));
      sharers.set(definition.id, others);
    }
  }
  return sharers;
}

function against(
  own: Definitions | undefined,
  agreed: ReadonlyMap<VipId, { readonly definition: VipDefinition; readonly by: MemberId }>,
  addressOf: ReadonlyMap<string, VipId>,
): Map<VipId, string> {
  const known = new Map((own?.vips ?? []).map((definition) => [definition.id, definition]));
  const reasons = new Map<VipId, string>();
  for (const [vip, { definition, by }] of agreed) {
    const mine = known.get(vip);
    if (mine === undefined) reasons.set(vip, 'not in its configuration');
    else if (meaning(mine) !== meaning(definition)) {
      reasons.set(vip, `its configuration defines it otherwise than ${nameOf(by)}'s`);
    }
    const other = bare(definition)
      .map((address) => addressOf.get(address))
      .find((id) => id !== undefined && id !== vip);
    if (other !== undefined)
      reasons.set(vip, `shares an address with ${other} in another member's configuration`);
  }
  return reasons;
}

/** What puts an address somewhere: preference and weight may differ without harm, since the agreed ones count. */
function meaning(definition: VipDefinition): string {
  return [...definition.addresses, definition.policy].join(' ');
}

function bare(definition: VipDefinition): string[] {
  return definition.addresses.map((text) => text.slice(0, text.lastIndexOf('/')));
}

function vipOf(definition: VipDefinition): Vip {
  const { spread, ...rest } = definition;
  const vip = { ...rest, addresses: definition.addresses.map(addressOfText), providers: [] };
  return spread === undefined ? vip : { ...vip, constraints: { spread } };
}

function addressOfText(text: string): VipAddress {
  const slash = text.lastIndexOf('/');
  const address = text.slice(0, slash);
  return { family: address.includes(':') ? 6 : 4, address, prefixLength: Number(text.slice(slash + 1)) };
}
