/** The default routes of this host's main tables, as the kernel shows them in /proc/net. Looks only. */
import { readFileSync } from 'node:fs';

export interface DefaultRoute {
  readonly family: 4 | 6;
  /** Canonical text; absent: the link itself. */
  readonly gateway?: string;
  readonly interfaceName: string;
}

/** None where the kernel shows none, or no such file. */
export function defaultRoutes(): readonly DefaultRoute[] {
  return [...ipv4Defaults(read('/proc/net/route')), ...ipv6Defaults(read('/proc/net/ipv6_route'))];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Of a text of /proc/net/route: numbers as the CPU has them, so that bytes stand backwards where we run. */
export function ipv4Defaults(text: string): DefaultRoute[] {
  return text.split('\n').flatMap((line): DefaultRoute[] => {
    const [interfaceName = '', destination, gateway = '', , , , , mask] = line.trim().split(/\s+/);
    if (destination !== '00000000' || mask !== '00000000') return [];
    const bytes = [...Buffer.from(gateway, 'hex')].reverse();
    const none = bytes.length !== 4 || bytes.every((byte) => byte === 0);
    return [{ family: 4, interfaceName, ...(!none && { gateway: bytes.join('.') }) }];
  });
}

/** Of a text of /proc/net/ipv6_route. What has the flag `reject`, or leads to `lo`, leads nowhere. */
export function ipv6Defaults(text: string): DefaultRoute[] {
  const zeros = '0'.repeat(32);
  return text.split('\n').flatMap((line): DefaultRoute[] => {
    const [destination, length, , , gateway = '', , , , , interfaceName = ''] = line.trim().split(/\s+/);
    if (destination !== zeros || length !== '00' || interfaceName === 'lo') return [];
    if (gateway === zeros || gateway.length !== 32) return [{ family: 6, interfaceName }];
    const groups = gateway.match(/.{4}/g)!.join(':');
    return [{ family: 6, interfaceName, gateway: new URL(`http://[${groups}]`).hostname.slice(1, -1) }];
  });
}
