/** Who has which address in the lab: pure arithmetic, no network. */

/** Most hosts a lab has; they are named `a`, `b`, `c`, … */
export const HOSTS_MAX = 26;

/** Most VIPs a lab has. */
export const VIPS_MAX = 5000;

/** All hosts and VIPs share one link. */
export const PREFIX_IPV4 = 16;
export const PREFIX_IPV6 = 64;

export const CLIENT_IPV4 = '10.77.0.254';
export const CLIENT_IPV6 = 'fd77::fe';
export const CLIENT_MAC = '02:77:00:00:00:fe';

export interface HostPlan {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly mac: string;
}

export interface VipPlan {
  readonly id: string;
  readonly address: string;
  readonly family: 4 | 6;
}

/** The host of that number, counted from 0. */
export function hostPlan(index: number): HostPlan {
  if (!Number.isInteger(index) || index < 0 || index >= HOSTS_MAX) {
    throw new RangeError(`a lab has 1 to ${HOSTS_MAX} hosts`);
  }
  const number = index + 1;
  return {
    name: String.fromCharCode(97 + index),
    ipv4: `10.77.0.${number}`,
    ipv6: `fd77::${number.toString(16)}`,
    mac: `02:77:00:00:00:${number.toString(16).padStart(2, '0')}`,
  };
}

export function hostPlans(count: number): readonly HostPlan[] {
  return Array.from({ length: count }, (_, index) => hostPlan(index));
}

/** `count` VIPs, of which the last `ipv6` are IPv6: `vip-1`, `vip-2`, … */
export function vipPlans(count: number, ipv6 = 0): readonly VipPlan[] {
  if (!Number.isInteger(count) || count < 1 || count > VIPS_MAX) {
    throw new RangeError(`a lab has 1 to ${VIPS_MAX} VIPs`);
  }
  return Array.from({ length: count }, (_, index): VipPlan => {
    const id = `vip-${index + 1}`;
    return index < count - ipv6
      ? { id, family: 4, address: vipIpv4(index) }
      : { id, family: 6, address: `fd77::1:${(index + 1).toString(16)}` };
  });
}

/** 10.77.0.101 … .200 for the first hundred, then from 10.77.1.1 on. */
function vipIpv4(index: number): string {
  if (index < 100) return `10.77.0.${101 + index}`;
  const beyond = index - 100;
  return `10.77.${1 + Math.floor(beyond / 250)}.${1 + (beyond % 250)}`;
}
