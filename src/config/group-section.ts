/** The `group` section: where this member listens, where the others are, and with which timers they are watched. */
import type { MemberName } from '../model/member.ts';
import type { DetectorTimers, EmbeddedGroupConfig, PeerAddress } from './config.ts';
import { BEACON_GROUPS, BEACON_PORT, GROUP_PORT } from './defaults.ts';
import { formatEndpoint, parseEndpoint } from './endpoint.ts';
import type { Findings } from './findings.ts';
import { formatIp, kindOf, parseIp } from './ip.ts';
import type { Path } from './problem.ts';
import { PROFILES } from './profiles.ts';
import type { FileShape } from './schema.ts';

type Section = FileShape['group'];
type Peers = EmbeddedGroupConfig['peers'];

/** Without the key, which the caller reads from the file. Undefined if there is no telling where to listen. */
export function buildGroup(
  section: Section,
  member: MemberName,
  findings: Findings,
): EmbeddedGroupConfig | undefined {
  const peers = readPeers(section, findings);
  checkKey(section, findings);
  const timers = readTimers(section, findings);
  const listen = readListen(section, { member, peers, findings });
  if (listen === undefined) return undefined;
  const family = listen.host.includes(':') ? 6 : 4;
  checkReach({ peers, listen, member, family }, findings);
  const multicast = readMulticast(section, family, findings);
  const { profile } = section;
  return { engine: 'embedded', listen, peers, ...(multicast && { multicast }), profile, timers };
}

function readPeers(section: Section, findings: Findings): Peers {
  const owners = new Map<string, string>();
  return Object.entries(section.peers ?? {}).map(([name, entry]) => {
    const texts = typeof entry === 'string' ? [entry] : entry;
    const addresses = texts.flatMap((text, index): PeerAddress[] => {
      const path: Path = ['group', 'peers', name, ...(typeof entry === 'string' ? [] : [index])];
      const result = parseEndpoint(text, { defaultPort: GROUP_PORT, names: true });
      if (!result.ok) {
        findings.error(path, result);
        return [];
      }
      const canonical = formatEndpoint(result.endpoint);
      const owner = owners.get(canonical);
      if (owner !== undefined) {
        const what =
          owner === name
            ? `${canonical} stands here twice`
            : `${canonical} is the address of ${owner} already`;
        findings.error(path, { what, mend: 'give each member its own address and port' });
      }
      owners.set(canonical, name);
      return [result.endpoint];
    });
    return { name, addresses };
  });
}

interface ListenContext {
  readonly member: MemberName;
  readonly peers: Peers;
  readonly findings: Findings;
}

function readListen(section: Section, { member, peers, findings }: ListenContext): PeerAddress | undefined {
  const own = peers.find((peer) => peer.name === member);
  if (section.listen === undefined) {
    const literal = own?.addresses.find(({ host }) => parseIp(host) !== undefined);
    if (literal !== undefined) return literal;
    if (own !== undefined && own.addresses.length > 0) {
      const what = `${own.addresses[0]!.host} is a name, and this member, ${member}, listens on an address`;
      findings.error(['group', 'peers', member], { what, mend: 'write `listen: ADDRESS` beside `peers`' });
      return undefined;
    }
    const what = `nothing says where this member, ${member}, listens`;
    findings.error(['group'], {
      what,
      mend: `add ${member} to \`peers\`, or write \`listen: ADDRESS\``,
      atKey: true,
    });
    return undefined;
  }
  const result = parseEndpoint(section.listen, { defaultPort: GROUP_PORT, names: false });
  if (!result.ok) {
    findings.error(['group', 'listen'], result);
    return undefined;
  }
  const text = formatEndpoint(result.endpoint);
  const literals = own?.addresses.filter(({ host }) => parseIp(host) !== undefined) ?? [];
  if (literals.length > 0 && !literals.some((address) => formatEndpoint(address) === text)) {
    const what = `${text} is not among the addresses under which \`peers\` has ${member}`;
    findings.warn(['group', 'listen'], {
      what,
      mend: 'the others dial what stands in `peers`; make the two equal',
    });
  }
  return result.endpoint;
}

function checkKey(section: Section, findings: Findings): void {
  if (section.key_file !== undefined && section.insecure) {
    const mend = 'drop `insecure` to use the key, or drop `key_file`';
    findings.error(['group', 'insecure'], { what: 'contradicts `key_file`', mend });
  }
  if (section.key_file === undefined && !section.insecure) {
    const mend =
      'create a key by `wackamole key generate FILE`, copy it to all hosts and write `key_file: FILE`; or write `insecure: true`';
    findings.error(['group'], { what: 'no cluster key', mend, atKey: true });
  }
  if (section.insecure && section.key_file === undefined) {
    const what = 'anybody who reaches the port can join the cluster and take its VIPs';
    findings.warn(['group', 'insecure'], { what, mend: 'use a `key_file` outside of trials', atKey: true });
  }
}

interface Reach {
  readonly peers: Peers;
  readonly listen: PeerAddress;
  readonly member: MemberName;
  readonly family: 4 | 6;
}

/** Addresses that cannot be reached from where this member listens; of names nothing is known yet. */
function checkReach({ peers, listen, member, family }: Reach, findings: Findings): void {
  const loopback = (host: string) => kindOf(parseIp(host)!) === 'loopback';
  for (const { name, addresses } of peers) {
    const named = addresses.some(({ host }) => parseIp(host) === undefined);
    const path = ['group', 'peers', name];
    if (name !== member && addresses.some((address) => formatEndpoint(address) === formatEndpoint(listen))) {
      const what = `${formatEndpoint(listen)} is where this member, ${member}, listens`;
      findings.error(path, { what, mend: `if this host is ${name}, write \`member: ${name}\`` });
      continue;
    }
    if (name === member || named || addresses.length === 0) continue;
    if (!addresses.some(({ host }) => (host.includes(':') ? 6 : 4) === family)) {
      const what = `${name} has no IPv${family} address, and this member listens on ${listen.host}`;
      findings.error(path, {
        what,
        mend: `add an IPv${family} address of ${name}, or listen on an IPv${family === 4 ? 6 : 4} address`,
      });
    } else if (addresses.every(({ host }) => loopback(host)) !== loopback(listen.host)) {
      const what = `${name} and this member cannot reach each other: one is on the loopback interface, the other is not`;
      findings.warn(path, { what, mend: 'use addresses of one network' });
    }
  }
}

function readMulticast(
  section: Section,
  family: 4 | 6,
  findings: Findings,
): EmbeddedGroupConfig['multicast'] {
  if (section.multicast === undefined || section.multicast === false) return undefined;
  const settings = section.multicast === true ? {} : section.multicast;
  const path = ['group', 'multicast', 'group'];
  const ip = parseIp(settings.group ?? BEACON_GROUPS[family]);
  if (ip === undefined || kindOf(ip) !== 'multicast') {
    const what = `${JSON.stringify(settings.group)} is not a multicast address`;
    findings.error(path, { what, mend: `write one such as ${BEACON_GROUPS[family]}` });
    return undefined;
  }
  if (ip.family !== family) {
    const what = `${settings.group} is IPv${ip.family}, and this member listens on an IPv${family} address`;
    findings.error(path, { what, mend: `write one such as ${BEACON_GROUPS[family]}` });
  }
  const { port = BEACON_PORT, interface: device } = settings;
  return { group: formatIp(ip), port, ...(device !== undefined && { interface: device }) };
}

function readTimers(section: Section, findings: Findings): DetectorTimers {
  const { timers: own, profile } = section;
  const preset = PROFILES[profile];
  const timers: DetectorTimers = {
    probe_interval_ms: own.probe_interval ?? preset.probe_interval_ms,
    probe_timeout_ms: own.probe_timeout ?? preset.probe_timeout_ms,
    heartbeat_interval_ms: own.heartbeat_interval ?? preset.heartbeat_interval_ms,
    heartbeat_timeout_ms: own.heartbeat_timeout ?? preset.heartbeat_timeout_ms,
    seek_interval_ms: own.seek_interval ?? preset.seek_interval_ms,
    link_hold_ms: own.link_hold ?? preset.link_hold_ms,
    phase_timeout_ms: own.phase_timeout ?? preset.phase_timeout_ms,
  };
  checkPatience(timers, findings);
  return timers;
}

/** A detector that waits for less than two messages mistakes one lost packet for a death. */
function checkPatience(timers: DetectorTimers, findings: Findings): void {
  for (const detector of ['probe', 'heartbeat'] as const) {
    const [interval, timeout] = [timers[`${detector}_interval_ms`], timers[`${detector}_timeout_ms`]];
    if (timeout >= 2 * interval) continue;
    const what = `${timeout} ms is less than two intervals of ${interval} ms: one lost packet would count as a death`;
    findings.error(['group', 'timers', `${detector}_timeout`], {
      what,
      mend: `write at least ${2 * interval}ms`,
    });
  }
}
