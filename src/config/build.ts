/** From the shape of a file to a {@link Config}: fills in, converts, and asks all checks. */

import type { MemberName } from '../model/member.ts';
import { isMemberName } from '../model/member.ts';
import {
  checkMemberNames,
  checkProviders,
  checkQuorum,
  checkUnique,
  type Members,
  votesOf,
} from './checks.ts';
import type {
  AgentConfig,
  BalanceConfig,
  Config,
  ControlConfig,
  GroupConfig,
  ProviderConfig,
} from './config.ts';
import { buildCorosyncGroup } from './corosync-section.ts';
import { DEFAULTS, defaultMember, defaultSocket, readOnlySocket } from './defaults.ts';
import { digestOf } from './digest.ts';
import { checkEngineKeys } from './engine-keys.ts';
import type { Findings } from './findings.ts';
import { buildGroup } from './group-section.ts';
import { buildHealthChecks } from './health-section.ts';
import { hooksOf } from './hooks-section.ts';
import { checkPlaces } from './places.ts';
import { defaultPolicy } from './policies.ts';
import { type GuestConfig, guestOf } from './providers/guest.ts';
import { settingsOf } from './providers/kinds.ts';
import type { SectionContext } from './providers/provider-kind.ts';
import type { FileShape } from './schema.ts';
import { buildSpreadGroup } from './spread-section.ts';
import { buildVips } from './vip-section.ts';
import { buildWitness } from './witness-section.ts';

/** `sun_path` of a unix socket less its final NUL, in bytes (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

export interface BuildOptions {
  readonly fileName: string;
  readonly hostName: string;
}

export interface Built {
  readonly config: Config;
  readonly keyFile?: string;
}

/** Undefined, with a finding, where a part is missing that nothing can stand in for. */
export function buildConfig(shape: FileShape, options: BuildOptions, findings: Findings): Built | undefined {
  const member = memberOf(shape, options.hostName, findings);
  checkEngineKeys(shape.group, findings);
  const group = groupOf(shape, member, findings);
  const agent = agentOf(shape, findings);
  const fromFolder = (path: string) => resolvePath(path, options.fileName);
  const providers = providersOf(shape, { fromFolder, engine: shape.group.engine });
  const guests = guestsOf(shape, providers, findings);
  const policyOf = (names: readonly string[]) => shape.policy ?? defaultPolicy(names, providers);
  const context = { policyOf, providers: Object.keys(providers) };
  const placed = buildVips(shape.vips, context, findings);
  const vips = placed.map(({ vip }) => vip);
  const members = membersOf(shape, member, findings);
  checkUnique(placed, group?.engine === 'embedded' ? group : undefined, findings);
  checkMemberNames(shape, members, findings);
  const primary = vips.some(({ policy }) => policy === 'primary');
  checkQuorum(shape, { members, primary }, findings);
  checkProviders(placed, { providers, agent }, findings);
  checkPlaces(placed, shape, findings);
  if (Object.keys(shape.vips).length === 0) {
    findings.warn(['vips'], { what: 'there are no VIPs', mend: 'add one: `web-1: 10.0.0.100`', atKey: true });
  }
  const checks = buildHealthChecks(shape.checks, { vips, fromFolder }, findings);
  const control = controlOf(shape, fromFolder, findings);
  if (group === undefined) return undefined;
  const witness = buildWitness(shape, { votes: votesOf(members, shape.quorum.votes), primary }, findings);
  const quorum = { ...quorumOf(shape, members), ...(witness !== undefined && { witness }) };
  const hooks = hooksOf(shape.hooks);
  const config: Config = {
    cluster: shape.cluster,
    member,
    group,
    providers,
    ...(guests !== undefined && { guests }),
    vips,
    ...(shape.zone !== undefined && { zone: shape.zone }),
    ...(shape.tags !== undefined && { tags: shape.tags }),
    capacity: shape.capacity,
    agent,
    checks,
    balance: balanceOf(shape),
    quorum,
    default_policy: shape.policy ?? DEFAULTS.policy,
    ...(hooks !== undefined && { hooks }),
    control,
    log: {
      level: shape.log.level,
      ...(shape.log.file !== undefined && { file: fromFolder(shape.log.file) }),
    },
    digest: digestOf({
      cluster: shape.cluster,
      vips,
      votes: quorum.votes,
      expectedVotes:
        witness && quorum.expected_votes !== undefined ? quorum.expected_votes + 1 : quorum.expected_votes,
    }),
  };
  return { config, ...(shape.group.key_file !== undefined && { keyFile: fromFolder(shape.group.key_file) }) };
}

function groupOf(shape: FileShape, member: MemberName, findings: Findings): GroupConfig | undefined {
  if (shape.group.engine === 'spread') return buildSpreadGroup(shape.group, shape.cluster, findings);
  if (shape.group.engine === 'corosync') return buildCorosyncGroup(shape.group, shape.cluster, findings);
  return buildGroup(shape.group, member, findings);
}

function memberOf(shape: FileShape, hostName: string, findings: Findings): MemberName {
  if (shape.member !== undefined) return shape.member;
  const name = defaultMember(hostName, new Set(shape.group.members ?? Object.keys(shape.group.peers ?? {})));
  if (!isMemberName(name)) {
    const what = `the host name ${JSON.stringify(hostName)} cannot be a member name`;
    findings.error([], { what, mend: 'write `member: NAME`' });
  }
  return name;
}

function membersOf(shape: FileShape, member: MemberName, findings: Findings): Members {
  if (shape.group.engine !== 'embedded') return daemonMembersOf(shape, member, findings);
  const peers = Object.keys(shape.group.peers ?? {});
  const open = shape.group.multicast !== undefined && shape.group.multicast !== false;
  if (peers.length === 0 && !open) {
    const what = 'neither `peers` nor `multicast`: this member will stay alone';
    findings.warn(['group'], { what, mend: 'name the other members in `peers`', atKey: true });
  } else if (!open && peers.length > 0 && !peers.includes(member)) {
    const what = `this member, ${member}, is not among them`;
    const mend = `one file with all members serves all hosts: add ${member}, or set \`member\``;
    findings.warn(['group', 'peers'], { what, mend, atKey: true });
  }
  return { names: new Set([...peers, member]), open };
}

function daemonMembersOf({ group: { members } }: FileShape, member: MemberName, findings: Findings): Members {
  if (members !== undefined && !members.includes(member)) {
    const what = `this member, ${member}, is not among them`;
    findings.warn(['group', 'members'], { what, mend: `add ${member}, or set \`member\``, atKey: true });
  }
  return { names: new Set([...(members ?? []), member]), open: members === undefined };
}

function agentOf(shape: FileShape, findings: Findings): AgentConfig {
  const { agent } = shape;
  if (agent.retry_max < agent.retry_min) {
    findings.error(['agent', 'retry_max'], {
      what: 'is less than `retry_min`',
      mend: 'write at least as much',
    });
  }
  return {
    maturity_ms: agent.maturity,
    report_timeout_ms: agent.report_timeout,
    stop_timeout_ms: agent.stop_timeout,
    stall_bound_ms: agent.stall_bound,
    retry_min_ms: agent.retry_min,
    retry_max_ms: agent.retry_max,
    takeover: agent.takeover,
  };
}

function balanceOf({ balance }: FileShape): BalanceConfig {
  return {
    enabled: balance.enabled,
    interval_ms: balance.interval,
    moves_per_round_max: balance.moves_per_round_max,
    hold_down_ms: balance.hold_down,
  };
}

/** Where all members are known the sum is written out, so that nobody has to compute it again. */
function quorumOf(shape: FileShape, members: Members): Config['quorum'] {
  const { votes, expected_votes: expected } = shape.quorum;
  const sum = votesOf(members, votes);
  const effective = expected ?? (members.open || sum === 0 ? undefined : sum);
  return { votes, ...(effective !== undefined && { expected_votes: effective }) };
}

function providersOf(shape: FileShape, context: SectionContext): Record<string, ProviderConfig> {
  const entries = Object.entries(shape.providers);
  return Object.fromEntries(entries.map(([name, section]) => [name, settingsOf(section, context)]));
}

function guestsOf(
  shape: FileShape,
  providers: Config['providers'],
  findings: Findings,
): Config['guests'] | undefined {
  const locals = new Map(
    Object.entries(providers).flatMap(([name, one]) => (one.kind === 'local' ? [[name, one] as const] : [])),
  );
  const guests: Record<string, GuestConfig> = {};
  for (const [name, section] of Object.entries(shape.providers)) {
    if (!('guest' in section)) continue;
    const guest = guestOf(section.guest, { path: ['providers', name], locals, findings });
    if (guest !== undefined) guests[name] = guest;
  }
  return Object.keys(guests).length === 0 ? undefined : guests;
}

function controlOf(
  shape: FileShape,
  fromFolder: (path: string) => string,
  findings: Findings,
): ControlConfig {
  const socket = socketOf(shape, fromFolder, findings);
  const { group, read_only_group: lookers } = shape.control;
  return {
    socket,
    ...(group !== undefined && { group }),
    ...(lookers !== undefined && { read_only: { socket: readOnlySocket(socket), group: lookers } }),
  };
}

function socketOf(shape: FileShape, fromFolder: (path: string) => string, findings: Findings): string {
  const socket =
    shape.control.socket === undefined ? defaultSocket(shape.cluster) : fromFolder(shape.control.socket);
  const longest = shape.control.read_only_group === undefined ? socket : readOnlySocket(socket);
  const bytes = new TextEncoder().encode(longest).length;
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    const what = `a path of ${bytes} bytes is too long for a socket`;
    findings.error(['control', 'socket'], {
      what,
      mend: `write one of at most ${SOCKET_PATH_BYTES_MAX} bytes`,
    });
  }
  return socket;
}

/** Relative paths start from the folder of the file that says them, wherever the agent is started from. */
function resolvePath(path: string, fileName: string): string {
  if (path.startsWith('/')) return path;
  const slash = fileName.lastIndexOf('/');
  return slash === -1 ? path : `${fileName.slice(0, slash + 1)}${path}`;
}
