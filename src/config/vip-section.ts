/** The `vips` section: expands ranges, fills in what an entry leaves out, and checks every address. */
import { compareIds } from '../model/order.ts';
import type { Constraints, PartitionPolicy, ProviderName, Vip, VipAddress } from '../model/vip.ts';
import type { Findings } from './findings.ts';
import { formatIp, type IpAddress, isSubnetAddress, isSubnetBroadcast, kindOf, parseIp } from './ip.ts';
import type { Path } from './problem.ts';
import { EXPANSION_MAX, expandRange, isRange } from './ranges.ts';
import type { VipEntry } from './schema.ts';

export interface VipContext {
  /** Of a VIP that says none. */
  policyOf(providers: readonly ProviderName[]): PartitionPolicy;
  /** Providers of this host, in order of the file. */
  readonly providers: readonly ProviderName[];
}

/** A VIP and where in the file it comes from. */
export interface PlacedVip {
  readonly vip: Vip;
  readonly path: Path;
  /** Of each address. */
  readonly addressPaths: readonly Path[];
}

/** The grammar of `VipId`. */
const VIP_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/;

/** Sorted by id. Entries with a finding against them are left out. */
export function buildVips(
  section: Readonly<Record<string, VipEntry>>,
  context: VipContext,
  findings: Findings,
): PlacedVip[] {
  const built: PlacedVip[] = [];
  for (const [pattern, entry] of Object.entries(section)) {
    const path = ['vips', pattern];
    const room = EXPANSION_MAX - built.length;
    const ids = readIds(pattern, { path, room, findings });
    if (ids === undefined) continue;
    const record = readEntry(entry, path);
    const columns = record.addresses.map((address) =>
      readAddress(address, { count: ids.length, ranged: isRange(pattern), findings }),
    );
    for (const [row, id] of ids.entries()) {
      const addresses = columns.flatMap((column) => (column === undefined ? [] : [column[row]!]));
      if (addresses.length < columns.length) continue;
      built.push({
        vip: vipOf(id, { addresses, record, context }),
        path,
        addressPaths: record.addresses.map((a) => a.path),
      });
    }
  }
  return built.sort((a, b) => compareIds(a.vip.id, b.vip.id));
}

type EntryRecord = Exclude<VipEntry, string | unknown[]>;

interface AddressEntry {
  readonly text: string;
  readonly interface: string | undefined;
  readonly path: Path;
}

interface NormalEntry {
  readonly addresses: readonly AddressEntry[];
  readonly settings: Partial<EntryRecord>;
}

function readIds(
  pattern: string,
  { path, room, findings }: { path: Path; room: number; findings: Findings },
): readonly string[] | undefined {
  const expansion = expandRange(pattern);
  if (!expansion.ok) {
    findings.error(path, { ...expansion, atKey: true });
    return undefined;
  }
  if (expansion.texts.length > room) {
    const what = `more than ${EXPANSION_MAX} VIPs in all`;
    findings.error(path, { what, mend: 'split them over several clusters', atKey: true });
    return undefined;
  }
  const wrong = expansion.texts.find((id) => !VIP_ID.test(id) || id in Object.prototype);
  if (wrong === undefined) return expansion.texts;
  const mend = 'letters, digits, `.`, `_`, `:` and `-`, at most 63, a letter or digit first';
  findings.error(path, { what: `${JSON.stringify(wrong)} is not a VIP name`, mend, atKey: true });
  return undefined;
}

function readEntry(entry: VipEntry, path: Path): NormalEntry {
  if (typeof entry === 'string')
    return { addresses: [{ text: entry, interface: undefined, path }], settings: {} };
  const record = Array.isArray(entry) ? undefined : entry;
  const listPath = record === undefined ? path : [...path, 'addresses'];
  const list = record === undefined ? (entry as Exclude<VipEntry, string | EntryRecord>) : record.addresses;
  const addresses = list.map((item, index): AddressEntry => {
    const own = typeof item === 'string' ? { address: item, interface: undefined } : item;
    const device = own.interface ?? record?.interface;
    return { text: own.address, interface: device, path: [...listPath, index] };
  });
  return { addresses, settings: record ?? {} };
}

interface ColumnContext {
  /** How many VIPs the entry stands for. */
  readonly count: number;
  readonly ranged: boolean;
  readonly findings: Findings;
}

/** One address of an entry, for each VIP the entry stands for. */
function readAddress(
  entry: AddressEntry,
  { count, ranged, findings }: ColumnContext,
): VipAddress[] | undefined {
  const expansion = expandRange(entry.text);
  if (!expansion.ok) {
    findings.error(entry.path, expansion);
    return undefined;
  }
  if (expansion.texts.length !== count || (ranged && !isRange(entry.text))) {
    const what = `stands for ${expansion.texts.length} addresses, and the name for ${count} VIPs`;
    findings.error(entry.path, { what, mend: 'make both ranges equally long' });
    return undefined;
  }
  const addresses: VipAddress[] = [];
  for (const text of expansion.texts) {
    const result = parseVipAddress(text);
    if (!result.ok) {
      findings.error(entry.path, result);
      return undefined;
    }
    addresses.push({
      ...result.address,
      ...(entry.interface !== undefined && { interface: entry.interface }),
    });
  }
  return addresses;
}

type AddressResult =
  | { readonly ok: true; readonly address: VipAddress }
  | { readonly ok: false; readonly what: string; readonly mend: string };

/** `address` or `address/prefix` that a host may carry beside others. */
export function parseVipAddress(text: string): AddressResult {
  const match = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text);
  const ip = match === null ? undefined : parseIp(match[1]!);
  if (ip === undefined) {
    return wrong(
      `${JSON.stringify(text)} is not an IP address`,
      'write 10.0.0.100, 10.0.0.100/24 or 2001:db8::100/64',
    );
  }
  const widest = ip.family === 4 ? 32 : 128;
  const prefixLength = match![2] === undefined ? widest : Number(match![2]);
  if (prefixLength > widest || prefixLength === 0) {
    return wrong(
      `/${prefixLength} is no prefix length of an IPv${ip.family} address`,
      `write /1 to /${widest}, or none`,
    );
  }
  const unfit = unfitFor(ip, prefixLength);
  if (unfit !== undefined) return wrong(`${text} is ${unfit}`, 'write an address that one host can carry');
  return { ok: true, address: { family: ip.family, address: formatIp(ip), prefixLength } };
}

function unfitFor(ip: IpAddress, prefixLength: number): string | undefined {
  const kind = kindOf(ip);
  if (kind === 'unspecified') return 'the unspecified address';
  if (kind === 'reserved') return 'a reserved address';
  if (kind === 'loopback' || kind === 'multicast' || kind === 'broadcast') return `a ${kind} address`;
  // RFC 3021 and RFC 6164: a subnet of two has neither.
  const size = ip.bytes.length * 8 - prefixLength;
  if (size < 2) return undefined;
  if (isSubnetAddress(ip, prefixLength)) {
    return ip.family === 4
      ? `the network address of its /${prefixLength}`
      : `the subnet-router anycast address of its /${prefixLength}`;
  }
  return isSubnetBroadcast(ip, prefixLength) ? `the broadcast address of its /${prefixLength}` : undefined;
}

function wrong(what: string, mend: string): AddressResult {
  return { ok: false, what, mend };
}

interface VipParts {
  readonly addresses: readonly VipAddress[];
  readonly record: NormalEntry;
  readonly context: VipContext;
}

function vipOf(id: string, { addresses, record: { settings }, context }: VipParts): Vip {
  const providers = settings.providers ?? context.providers;
  const constraints = constraintsOf(settings);
  return {
    id,
    addresses,
    prefer: settings.prefer ?? [],
    weight: settings.weight ?? 1,
    policy: settings.policy ?? context.policyOf(providers),
    providers,
    ...(constraints !== undefined && { constraints }),
  };
}

function constraintsOf({ constraints }: Partial<EntryRecord>): Constraints | undefined {
  if (constraints === undefined) return undefined;
  const { zones, tags, spread } = constraints;
  return {
    ...(zones !== undefined && { zones }),
    ...(tags !== undefined && { tags }),
    ...(spread !== undefined && { spread }),
  };
}
