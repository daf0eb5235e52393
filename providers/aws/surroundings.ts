/** What of this host could spoil a failover in the cloud: programs that undo addresses, and a way out that leads through a VIP. */
import { existsSync, readFileSync } from 'node:fs';
import type { Vip } from '../../src/model/vip.ts';
import type { Check } from '../../src/provider/provider.ts';

/** Each has been seen to remove secondary addresses (amazon-ec2-net-utils#161, #128, #122). */
const RIVALS: readonly (readonly [name: string, path: string])[] = [
  ['amazon-ec2-net-utils', '/usr/share/amazon-ec2-net-utils'],
  ['amazon-ec2-net-utils', '/usr/lib/systemd/system/refresh-policy-routes@.timer'],
  ['ec2-net-utils', '/etc/udev/rules.d/53-ec2-network-interfaces.rules'],
  ['ec2-net-utils', '/etc/sysconfig/network-scripts/ec2net-functions'],
];

/** `root`: where the host's files lie. */
export function checkRivals(root = '/'): Check {
  const what = 'guest agents';
  const found = RIVALS.filter(([, path]) => existsSync(`${root}${path}`));
  const [rival] = found;
  if (rival === undefined)
    return { what, verdict: 'pass', detail: 'none that manages addresses is installed' };
  return {
    what,
    verdict: 'warn',
    detail: `${rival[0]} is installed (${rival[1]}): it sets addresses by the metadata service, which lags behind`,
    mend: 'switch it off for these interfaces (systemctl disable --now refresh-policy-routes@ens5.timer), or remove the package',
  };
}

export function checkEgress(vips: readonly Vip[], routes = readOr('/proc/net/route')): Check {
  const what = 'way to the API';
  const gateway = defaultGateway(routes);
  const vip = vips.find(({ addresses }) => addresses.some(({ address }) => address === gateway));
  if (vip !== undefined) {
    return {
      vip: vip.id,
      what,
      verdict: 'fail',
      detail: `the default route leads through ${gateway}, which is ${vip.id}: while it has no holder, nobody can move it`,
      mend: 'give this host a way to the API that needs no VIP: an interface end point com.amazonaws.REGION.ec2 in the VPC',
    };
  }
  return { what, verdict: 'pass', detail: `needs no VIP (default route through ${gateway ?? 'no gateway'})` };
}

/** proc(5), /proc/net/route: hexadecimal, in the byte order of the host (little endian on all we run on). */
function defaultGateway(routes: string): string | undefined {
  for (const line of routes.split('\n').slice(1)) {
    const [, destination, gateway, , , , , mask] = line.split('\t');
    if (destination !== '00000000' || mask !== '00000000' || gateway === undefined) continue;
    if (!/^[0-9A-F]{8}$/.test(gateway) || gateway === '00000000') continue;
    return [6, 4, 2, 0].map((at) => Number.parseInt(gateway.slice(at, at + 2), 16)).join('.');
  }
  return undefined;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
