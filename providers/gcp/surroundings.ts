/** What of this host matters for a failover in the cloud: Google's guest agent, which puts alias addresses up by itself, or does not. */
import { existsSync, readFileSync } from 'node:fs';
import type { GcpMode } from '../../src/config/config.ts';
import type { Check } from '../../src/provider/provider.ts';

const AGENTS = [
  'usr/bin/google_guest_agent',
  'usr/bin/google_guest_agent_manager',
  'usr/bin/google_network_daemon',
  'usr/bin/google_ip_forwarding_daemon',
];
/** Later ones win (guest-agent, "Configuration"). */
const SETTINGS = [
  'etc/default/instance_configs.cfg.distro',
  'etc/default/instance_configs.cfg.template',
  'etc/default/instance_configs.cfg',
];

/** `root`: where the host's files lie. */
export function checkGuestAgent(mode: GcpMode, root = '/'): Check {
  const what = 'guest agent';
  const agent = AGENTS.find((path) => existsSync(`${root}${path}`));
  const managed = agent !== undefined && aliasesManaged(root);
  if (mode !== 'alias-ip') {
    const detail =
      agent === undefined ? 'none is installed' : `/${agent} does not touch what this mode moves`;
    return { what, verdict: 'pass', detail };
  }
  if (managed) {
    const detail = `/${agent} puts alias addresses up in this guest, and takes them down: nothing else should (a second one meets "File exists"), or set ip_aliases = false under [IpForwarding] in /etc/default/instance_configs.cfg`;
    return { what, verdict: 'pass', detail };
  }
  const why =
    agent === undefined
      ? 'Google’s guest agent is not installed'
      : 'ip_aliases is off in instance_configs.cfg';
  return {
    what,
    verdict: 'warn',
    detail: `${why}: the cloud leads the address here, and this guest does not answer for it by itself`,
    mend: 'let a provider of kind `local` carry the address in the guest (prefix /32), or set ip_aliases = true',
  };
}

/** `[IpForwarding] ip_aliases`, true unless written otherwise; `[Daemons] network_daemon` switches it off as a whole. */
function aliasesManaged(root: string): boolean {
  const values = new Map<string, string>();
  for (const path of SETTINGS) {
    let section = '';
    for (const line of readOr(`${root}${path}`).split('\n')) {
      section = /^\s*\[(\w+)\]/.exec(line)?.[1] ?? section;
      const [, key, value] = /^\s*(\w+)\s*[=:]\s*(\S+)/.exec(line) ?? [];
      if (key !== undefined && value !== undefined)
        values.set(`${section}.${key}`.toLowerCase(), value.toLowerCase());
    }
  }
  const isOn = (key: string) => !['false', 'no', 'off', '0'].includes(values.get(key) ?? 'true');
  return isOn('ipforwarding.ip_aliases') && isOn('daemons.network_daemon');
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
