/** What moves together: an instance with all its addresses, or a sync group with those of all its instances, over the files of all hosts. Pure. */
import { formatIp, parseIp } from '../../ip.ts';
import { parseVipAddress } from '../../vip-section.ts';
import type { Group, Instance, Model, Notify, Track } from './model.ts';
import { type Complaint, type Place, shown } from './source.ts';

/** The file of one host. */
export interface HostModel {
  readonly member: string;
  /** Where its agent shall listen; absent: nothing says. */
  readonly address?: string;
  readonly model: Model;
}

/** What one host says of a set. */
export interface Claim {
  readonly member: string;
  readonly instances: readonly Instance[];
  readonly group?: Group;
  /** With what its tracks add while all is well. */
  readonly priority: number;
}

export interface SetAddress extends Place {
  /** `address/prefix`. */
  readonly text: string;
  readonly interface?: string;
}

export interface MovingSet {
  /** A VIP name here. */
  readonly name: string;
  /** As it is called in the file. */
  readonly called: string;
  readonly addresses: readonly SetAddress[];
  readonly claims: readonly Claim[];
}

export interface Sets {
  readonly sets: readonly MovingSet[];
  readonly complaints: readonly Complaint[];
  readonly remarks: readonly string[];
}

interface Unit extends Place {
  readonly name: string;
  readonly addresses: readonly SetAddress[];
  readonly claim: Claim;
}

export function setsOf(hosts: readonly HostModel[]): Sets {
  const complaints: Complaint[] = [];
  const remarks: string[] = [];
  const sets: { name: string; called: string; addresses: readonly SetAddress[]; claims: Claim[] }[] = [];
  const owners = new Map<string, (typeof sets)[number]>();
  const names = new Set<string>();
  for (const host of hosts) {
    for (const unit of unitsOf(host, remarks)) {
      if (unit.addresses.length === 0) {
        remarks.push(`${unit.name} of ${host.member} has no addresses: there is nothing to serve.`);
        continue;
      }
      complaints.push(...unfit(unit), ...hosted(unit, hosts));
      const known = new Set(unit.addresses.flatMap(({ text }) => owners.get(bare(text)) ?? []));
      const [same] = known;
      if (same !== undefined) {
        const other = conflict(unit, same);
        if (known.size > 1 || other !== undefined || same.claims.some(({ member }) => member === host.member))
          complaints.push(clash(unit, same));
        else same.claims.push(unit.claim);
        continue;
      }
      const set = {
        name: free(vipName(unit.name), names),
        called: unit.name,
        addresses: unit.addresses,
        claims: [unit.claim],
      };
      sets.push(set);
      for (const { text } of unit.addresses) owners.set(bare(text), set);
    }
  }
  return { sets, complaints, remarks };
}

function unitsOf({ member, model }: HostModel, remarks: string[]): Unit[] {
  const byName = new Map(model.instances.map((instance) => [instance.name, instance]));
  const grouped = new Set<string>();
  const units: Unit[] = [];
  for (const group of model.groups) {
    const instances = group.instances.flatMap(({ text }) => {
      const instance = grouped.has(text) ? undefined : byName.get(text);
      if (instance === undefined)
        remarks.push(
          `vrrp_sync_group ${group.name} of ${member}: there is no (other) instance ${shown(text)}.`,
        );
      grouped.add(text);
      return instance ?? [];
    });
    if (instances.length > 0) units.push(unitOf(group, { member, instances, group, priority: 0 }, model));
  }
  for (const instance of model.instances)
    if (!grouped.has(instance.name))
      units.push(unitOf(instance, { member, instances: [instance], priority: 0 }, model));
  return units;
}

function unitOf({ name, file, line, column }: Place & { name: string }, claim: Claim, model: Model): Unit {
  const seen = new Set<string>();
  const addresses = claim.instances.flatMap((instance) =>
    instance.addresses.flatMap((address): SetAddress[] => {
      if (seen.has(bare(address.text))) return [];
      seen.add(bare(address.text));
      const device = address.interface ?? instance.interface;
      const { file: f, line: l, column: c } = address;
      return [
        {
          file: f,
          line: l,
          column: c,
          text: address.text,
          ...(device !== undefined && { interface: device }),
        },
      ];
    }),
  );
  const [first] = claim.instances;
  const bonus = first === undefined ? 0 : bonusOf(first, model);
  return {
    file,
    line,
    column,
    name,
    addresses,
    claim: { ...claim, priority: (first?.priority ?? 100) + bonus },
  };
}

/** Positive weights count while what they track is well. */
function bonusOf({ scripts, processes, interfaces }: Instance, model: Model): number {
  const weights = [
    ...scripts.map((track) => track.weight ?? model.scripts.get(track.name)?.weight ?? 0),
    ...processes.map((track) => track.weight ?? model.processes.get(track.name)?.weight ?? 0),
    ...interfaces.map((track) => track.weight ?? 0),
  ];
  return weights.reduce((sum, weight) => sum + Math.max(0, weight), 0);
}

/** An address that one of the two has and the other has not. */
function conflict(unit: Unit, set: { readonly addresses: readonly SetAddress[] }): string | undefined {
  const mine = new Set(unit.addresses.map(({ text }) => text));
  const theirs = new Set(set.addresses.map(({ text }) => text));
  return [...mine].find((text) => !theirs.has(text)) ?? [...theirs].find((text) => !mine.has(text));
}

function clash(unit: Unit, set: { readonly called: string; readonly claims: readonly Claim[] }): Complaint {
  const { file, line, column } = unit;
  const others = set.claims.map(({ member }) => member).join(', ');
  return {
    file,
    line,
    column,
    what: `${shown(unit.name)} of ${unit.claim.member} and ${shown(set.called)} of ${others} share addresses and are not alike`,
    mend: 'an address belongs to one set of addresses, with the same prefixes on all hosts: make the files agree',
  };
}

function unfit(unit: Unit): Complaint[] {
  return unit.addresses.flatMap(({ text, file, line, column }) => {
    const result = parseVipAddress(text);
    return result.ok ? [] : [{ file, line, column, what: result.what, mend: result.mend }];
  });
}

/** An address that a host itself has, and its agent listens on, cannot move. */
function hosted(unit: Unit, hosts: readonly HostModel[]): Complaint[] {
  return unit.addresses.flatMap(({ text, file, line, column }) => {
    const own = hosts.find(({ address, model }) => {
      const peers = model.instances.flatMap((instance) => instance.peers);
      return [address, ...peers].some((one) => one !== undefined && bare(one) === bare(text));
    });
    if (own === undefined) return [];
    const mend =
      'an address that moves is none that a host is reached by: name another with --member NAME=ADDRESS';
    return [{ file, line, column, what: `${text} is the address of a host too`, mend }];
  });
}

/** Without its prefix, in one spelling. */
export function bare(text: string): string {
  const address = text.replace(/\/.*/, '');
  const parsed = parseIp(address);
  return parsed === undefined ? address : formatIp(parsed);
}

function vipName(name: string): string {
  const plain = name
    .replaceAll(/[^A-Za-z0-9._:-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 56);
  return plain === '' || plain in Object.prototype ? 'vip' : plain;
}

export function free(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}

/** Of the instances and their group. */
export function tracksOf({ instances, group }: Claim): {
  readonly scripts: readonly Track[];
  readonly processes: readonly Track[];
  readonly interfaces: readonly Track[];
} {
  const all = [...instances, ...(group === undefined ? [] : [group])];
  return {
    scripts: all.flatMap(({ scripts }) => scripts),
    processes: all.flatMap(({ processes }) => processes),
    interfaces: all.flatMap(({ interfaces }) => interfaces),
  };
}

/** A group's scripts speak for it; where it has none those of its first instance do, since the others would say the same again. */
export function notifiesOf({ instances, group }: Claim): readonly Notify[] {
  const own = group?.notifies ?? [];
  return own.length > 0 ? own : (instances[0]?.notifies ?? []);
}
