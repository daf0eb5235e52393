/** What a hook is told: one JSON object on its standard input, version 1 (docs/hooks.md), and the same in short as variables. Pure. */
import type { Config } from '../config/config.ts';
import type { HookEvent } from '../config/hooks-section.ts';
import type { Vip, VipId } from '../model/vip.ts';

export const HOOK_VERSION = 1;

/** As hooks read it. */
export interface ToldVip {
  readonly id: VipId;
  readonly addresses: readonly {
    readonly family: 4 | 6;
    readonly address: string;
    readonly prefix_length: number;
    /** Absent where its provider has none. */
    readonly interface?: string;
  }[];
}

/** What happened, as the agent tells it. */
export interface Happening {
  readonly event: HookEvent;
  readonly vips: readonly ToldVip[];
  readonly reason: string;
  readonly view?: { readonly id: string; readonly epoch: number };
  /** Wall clock, ISO 8601. */
  readonly time: string;
}

export interface Speaker {
  readonly cluster: string;
  readonly member: string;
}

/** Ends with a line end. */
export function hookInput({ event, vips, reason, view, time }: Happening, speaker: Speaker): string {
  const subject = event === 'post_up' || event === 'post_down' ? { vips } : { vip: vips[0] };
  const told = {
    version: HOOK_VERSION,
    event,
    ...subject,
    reason,
    time,
    cluster: speaker.cluster,
    member: speaker.member,
    view: view === undefined ? null : view.id,
    fence: view === undefined ? null : view.epoch,
  };
  return `${JSON.stringify(told)}\n`;
}

/** For scripts that read no JSON. The VIPs of a round are not among them: there may be more than fit. */
export function hookVariables({ event, vips }: Happening, speaker: Speaker): Record<string, string> {
  const [vip] = vips;
  const round = event === 'post_up' || event === 'post_down';
  return {
    WACKAMOLE_HOOK_VERSION: String(HOOK_VERSION),
    WACKAMOLE_EVENT: event,
    WACKAMOLE_CLUSTER: speaker.cluster,
    WACKAMOLE_MEMBER: speaker.member,
    ...(vip !== undefined && !round && { WACKAMOLE_VIP: vip.id, ...addressVariables(vip) }),
  };
}

function addressVariables({ addresses }: ToldVip): Record<string, string> {
  const interfaces = addresses.map((one) => one.interface ?? '-');
  return {
    WACKAMOLE_ADDRESSES: addresses.map((one) => `${one.address}/${one.prefix_length}`).join(' '),
    WACKAMOLE_INTERFACES: interfaces.join(' '),
  };
}

export function toldVip(vip: Vip, { providers, guests }: Pick<Config, 'providers' | 'guests'>): ToldVip {
  const name = vip.providers.find((one) => Object.hasOwn(providers, one));
  const carrier = name === undefined ? undefined : providers[name];
  const guest = name === undefined ? undefined : guests?.[name]?.interface;
  const standard = carrier?.kind === 'local' ? carrier.interface : guest;
  return {
    id: vip.id,
    addresses: vip.addresses.map(({ family, address, prefixLength, interface: own }) => {
      const device = guest ?? own ?? standard;
      return {
        family,
        address,
        prefix_length: prefixLength,
        ...(device !== undefined && { interface: device }),
      };
    }),
  };
}
