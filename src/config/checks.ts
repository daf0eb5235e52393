/** What no single key can say: whether the parts of a configuration fit together. */
import { compareIds } from '../model/order.ts';
import type { AgentConfig, EmbeddedGroupConfig, ProviderConfig } from './config.ts';
import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import { checkProvider } from './providers/kinds.ts';
import type { FileShape } from './schema.ts';
import { suggest } from './suggest.ts';
import type { PlacedVip } from './vip-section.ts';

/** Each name and each address belongs to one VIP, and no address of a VIP is that of a host. */
export function checkUnique(
  placed: readonly PlacedVip[],
  group: EmbeddedGroupConfig | undefined,
  findings: Findings,
): void {
  const ids = new Set<string>();
  const owners = new Map<string, string>();
  for (const { name, addresses } of group?.peers ?? []) {
    for (const { host } of addresses) owners.set(host, `member ${name}`);
  }
  if (group !== undefined && !owners.has(group.listen.host)) owners.set(group.listen.host, '`listen`');
  for (const { vip, path, addressPaths } of placed) {
    if (ids.has(vip.id))
      findings.error(path, {
        what: `a second VIP named ${vip.id}`,
        mend: 'give each its own name',
        atKey: true,
      });
    ids.add(vip.id);
    for (const [index, { address }] of vip.addresses.entries()) {
      const owner = owners.get(address);
      const self = `VIP ${vip.id}`;
      if (owner === undefined) owners.set(address, self);
      else reportTwin({ address, owner, self, path: addressPaths[index]! }, findings);
    }
  }
}

interface Twin {
  readonly address: string;
  readonly owner: string;
  readonly self: string;
  readonly path: Path;
}

function reportTwin({ address, owner, self, path }: Twin, findings: Findings): void {
  const what =
    owner === self ? `${self} has ${address} twice` : `${address} of ${self} is the address of ${owner} too`;
  const fixed = !owner.startsWith('VIP');
  const mend = fixed
    ? 'a VIP needs an address of its own, beside those of the hosts'
    : 'an address belongs to one VIP; drop one of the two';
  findings.error(path, { what, mend });
}

export interface Members {
  /** Configured peers and this member. */
  readonly names: ReadonlySet<string>;
  /** Others can turn up that the file does not name. */
  readonly open: boolean;
}

/** Members named in `prefer` and `votes`. Where members are discovered, an unknown one may still come. */
export function checkMemberNames(shape: FileShape, members: Members, findings: Findings): void {
  const check = (path: Path, name: string, atKey = false): void => {
    if (members.names.has(name)) return;
    const near = suggest(name, [...members.names].sort(compareIds));
    const mend = near === undefined ? 'name a member that `peers` has' : `did you mean ${near}?`;
    const what = `no member is called ${name}`;
    if (members.open) findings.warn(path, { what: `${what} (so far)`, mend, atKey });
    else findings.error(path, { what, mend, atKey });
  };
  for (const [id, entry] of Object.entries(shape.vips)) {
    if (typeof entry === 'string' || Array.isArray(entry)) continue;
    for (const [index, name] of (entry.prefer ?? []).entries()) {
      const path = ['vips', id, 'prefer', index];
      check(path, name);
      if (entry.prefer!.indexOf(name) < index)
        findings.error(path, { what: `${name} stands here twice`, mend: 'name it once' });
    }
  }
  for (const name of Object.keys(shape.quorum.votes)) check(['quorum', 'votes', name], name, true);
}

/** A quorum that two parts of a split group could reach at once would break the first promise. */
export function checkQuorum(
  shape: FileShape,
  { members, primary }: { members: Members; primary: boolean },
  findings: Findings,
): void {
  const { votes, expected_votes: expected } = shape.quorum;
  const sum = votesOf(members, votes);
  if (expected !== undefined && expected < sum) {
    const what = `${expected} is less than the ${sum} votes of the members named here: two parts could both count as primary`;
    findings.error(['quorum', 'expected_votes'], { what, mend: `write ${sum} or more, or drop it` });
  }
  if (shape.group.engine === 'corosync' && shape.group.primary_by !== 'votes') {
    if (shape.quorum.witness === undefined) return;
    const what = 'corosync says which part is primary, so the vote of a witness would count for nothing';
    const mend = 'drop it and give corosync a qdevice, or write `group: {primary_by: votes}`';
    findings.error(['quorum', 'witness'], { what, mend, atKey: true });
    return;
  }
  if (!primary) return;
  if (members.open && expected === undefined) {
    const what =
      'policy `primary` with members that the file does not name needs to know how many votes there may be';
    findings.error(['quorum'], { what, mend: 'write `quorum: {expected_votes: N}`', atKey: true });
  } else if (sum === 0) {
    findings.error(['quorum', 'votes'], {
      what: 'nobody has a vote, so no part can be primary',
      mend: 'give at least one member a vote',
    });
  } else if (members.names.size === 2 && !members.open && sum === 2 && shape.quorum.witness === undefined) {
    const what =
      'of two members with one vote each neither can act alone, so VIPs of policy `primary` stop when either fails';
    findings.warn(['quorum'], {
      what,
      mend: 'add a third member, or `quorum: {witness: …}`; or give the one that shall go on two votes',
      atKey: true,
    });
  }
}

/** Sum of the votes of the members the file names. */
export function votesOf(members: Members, votes: Readonly<Record<string, number>>): number {
  let sum = 0;
  for (const name of members.names) sum += Object.hasOwn(votes, name) ? votes[name]! : 1;
  return sum;
}

interface Providers {
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  readonly agent: AgentConfig;
}

/** Providers that VIPs name, and what each kind has to say of its own. */
export function checkProviders(
  placed: readonly PlacedVip[],
  { providers, agent }: Providers,
  findings: Findings,
): void {
  if (Object.keys(providers).length === 0) {
    findings.error(['providers'], {
      what: 'is empty',
      mend: 'name one, `local: {interface: eth0}`, or drop the key',
      atKey: true,
    });
    return;
  }
  const carried = carriedBy(placed, providers, findings);
  for (const [name, settings] of Object.entries(providers)) {
    const path = ['providers', name];
    checkProvider(settings, { name, path, agent, carried: carried.get(name)!, findings });
  }
}

/** By provider; of a row of names the first VIP. */
function carriedBy(
  placed: readonly PlacedVip[],
  providers: Providers['providers'],
  findings: Findings,
): ReadonlyMap<string, readonly PlacedVip[]> {
  const carried = new Map(Object.keys(providers).map((name): [string, PlacedVip[]] => [name, []]));
  const seen = new Set<string>();
  for (const placedVip of placed) {
    const { vip, path } = placedVip;
    const key = JSON.stringify(path);
    if (seen.has(key)) continue;
    seen.add(key);
    const carrier = vip.providers.find((name) => Object.hasOwn(providers, name));
    if (carrier === undefined) {
      const near = suggest(vip.providers[0]!, Object.keys(providers));
      const mend =
        near === undefined
          ? 'this member will never hold it; configure the provider if it should'
          : `did you mean ${near}?`;
      findings.warn(path, {
        what: `this host has no provider ${vip.providers.join(' or ')}`,
        mend,
        atKey: true,
      });
      continue;
    }
    carried.get(carrier)!.push(placedVip);
  }
  return carried;
}
