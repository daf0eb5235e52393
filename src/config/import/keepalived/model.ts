/**
 * What a keepalived.conf says that has a counterpart here: instances, groups, scripts; and all the rest, as notes. Pure; throws
 * {@link Wrong} for what keepalived would not understand either.
 */
import { parseIp } from '../../ip.ts';
import { suggest } from '../../suggest.ts';
import { LINK_LOCAL } from './reasons.ts';
import { type Place, shown, Wrong } from './source.ts';
import type { Entry, Word } from './tree.ts';
import {
  command,
  device,
  head,
  hostAddress,
  number,
  phrase,
  placeOf,
  splitWords,
  value,
  wholeNumber,
} from './values.ts';

export interface Address extends Place {
  /** `address/prefix`, or without a prefix. */
  readonly text: string;
  readonly interface?: string;
  /** Its other words: `label`, `scope` … */
  readonly options: readonly string[];
}

export interface Track extends Place {
  readonly name: string;
  /** Absent: that of what is tracked. */
  readonly weight?: number;
  readonly reverse: boolean;
}

export interface Tracks {
  readonly scripts: readonly Track[];
  readonly processes: readonly Track[];
  readonly interfaces: readonly Track[];
}

export interface Notify {
  /** `notify_master` …, or `notify`. */
  readonly keyword: string;
  readonly command: readonly string[];
}

export interface Instance extends Place, Tracks {
  readonly name: string;
  readonly state?: string;
  readonly interface?: string;
  readonly priority: number;
  /** Seconds. */
  readonly advertInterval?: number;
  readonly nopreempt: boolean;
  /** Seconds. */
  readonly preemptDelay?: number;
  readonly source?: string;
  readonly peers: readonly string[];
  readonly addresses: readonly Address[];
  readonly notifies: readonly Notify[];
}

export interface Group extends Place, Tracks {
  readonly name: string;
  readonly instances: readonly Word[];
  /** Weights count although the instances go together. */
  readonly weighted: boolean;
  readonly notifies: readonly Notify[];
}

export interface Script extends Place {
  readonly name: string;
  readonly command: string;
  /** Seconds. */
  readonly interval: number;
  readonly timeout?: number;
  readonly rise: number;
  readonly fall: number;
  readonly weight: number;
  readonly reverse: boolean;
  readonly user?: string;
}

export interface Process extends Place {
  readonly name: string;
  readonly process: string;
  readonly weight: number;
  readonly reverse: boolean;
}

/** What has no counterpart, with where it stood: `vrrp_instance VI_1: use_vmac`. */
export interface Note {
  readonly keyword: string;
  readonly text: string;
}

export interface Model {
  readonly routerId?: string;
  readonly instances: readonly Instance[];
  readonly groups: readonly Group[];
  readonly scripts: ReadonlyMap<string, Script>;
  readonly processes: ReadonlyMap<string, Process>;
  readonly notes: readonly Note[];
}

const ROOTS = [
  'global_defs',
  'vrrp_instance',
  'vrrp_sync_group',
  'vrrp_script',
  'vrrp_track_process',
  'vrrp_track_file',
  'track_file',
  'virtual_server',
  'virtual_server_group',
  'static_ipaddress',
  'static_routes',
  'static_rules',
  'garp_group',
  'bfd_instance',
  'interface_up_down_delays',
  'linkbeat_interfaces',
  'linkbeat_use_polling',
  'track_group',
  'net_namespace',
  'net_namespace_ipvs',
  'namespace_with_ipsets',
  'instance',
  'use_pid_dir',
  'child_wait_time',
  'ssl_context',
  'SSL',
  'vrrp_track_bfd',
  'local_address_group',
];

export function readModel(entries: readonly Entry[]): Model {
  const notes: Note[] = [];
  const instances: Instance[] = [];
  const groups: Group[] = [];
  const scripts = new Map<string, Script>();
  const processes = new Map<string, Process>();
  let routerId: string | undefined;
  for (const entry of entries) {
    const { keyword } = entry;
    if (keyword === 'global_defs') routerId = globals(entry, notes) ?? routerId;
    else if (keyword === 'vrrp_instance') instances.push(instance(entry, notes));
    else if (keyword === 'vrrp_sync_group') groups.push(group(entry, notes));
    else if (keyword === 'vrrp_script') put(scripts, script(entry, notes));
    else if (keyword === 'vrrp_track_process') put(processes, process(entry, notes));
    else if (ROOTS.includes(keyword))
      notes.push({ keyword, text: [keyword, ...entry.values.map(({ text }) => text)].join(' ') });
    else {
      const near = suggest(keyword, ROOTS);
      const mend = near === undefined ? 'is a brace missing or too much above?' : `did you mean ${near}?`;
      throw new Wrong(entry, `${shown(keyword)} is no section of keepalived`, mend);
    }
  }
  twins(instances);
  return { ...(routerId !== undefined && { routerId }), instances, groups, scripts, processes, notes };
}

function put<T extends { readonly name: string }>(map: Map<string, T>, value: T): void {
  map.set(value.name, value);
}

function twins(instances: readonly Instance[]): void {
  const seen = new Map<string, Instance>();
  for (const one of instances) {
    const twin = seen.get(one.name);
    if (twin !== undefined)
      throw new Wrong(
        one,
        `a second vrrp_instance ${shown(one.name)}; the first stands in line ${twin.line}`,
        'give each its own name',
      );
    seen.set(one.name, one);
  }
}

function globals({ block = [] }: Entry, notes: Note[]): string | undefined {
  let routerId: string | undefined;
  for (const entry of block) {
    if (entry.keyword === 'router_id') routerId = value(entry, 'a name').text;
    else notes.push({ keyword: entry.keyword, text: `global_defs: ${phrase(entry)}` });
  }
  return routerId;
}

/** Settings by keyword; what is not among them is noted. */
type Readers = Readonly<Record<string, (entry: Entry) => void>>;

function readBlock({ keyword, values, block = [] }: Entry, readers: Readers, notes: Note[]): void {
  const where = [keyword, ...values.slice(0, 1).map(({ text }) => text)].join(' ');
  for (const entry of block) {
    const read = Object.hasOwn(readers, entry.keyword) ? readers[entry.keyword] : undefined;
    if (read === undefined) notes.push({ keyword: entry.keyword, text: `${where}: ${phrase(entry)}` });
    else read(entry);
  }
}

function host({ keyword }: Entry, word: Word, notes: Note[]): string | undefined {
  const known = hostAddress(word);
  if (known === undefined) notes.push({ keyword: LINK_LOCAL, text: `${keyword} ${word.text}` });
  return known;
}

function instance(entry: Entry, notes: Note[]): Instance {
  const found: { -readonly [K in keyof Instance]?: Instance[K] } = {};
  const addresses: Address[] = [];
  const peers: string[] = [];
  const notifies: Notify[] = [];
  const { readers, tracks } = tracking(notes);
  const add = (one: Entry) => void addresses.push(...(one.block ?? []).map(address));
  const source = (one: Entry) => {
    const known = host(one, value(one, 'an address'), notes);
    if (known !== undefined) found.source = known;
  };
  readBlock(
    entry,
    {
      ...readers,
      ...notifying(notifies),
      state: (one) => {
        found.state = value(one, 'MASTER or BACKUP').text.toUpperCase();
      },
      interface: (one) => {
        found.interface = device(value(one, 'an interface'));
      },
      priority: (one) => {
        found.priority = wholeNumber(value(one, 'a number'), 1, 255);
      },
      virtual_router_id: (one) => void wholeNumber(value(one, 'a number'), 1, 255),
      advert_int: (one) => {
        found.advertInterval = number(value(one, 'seconds'), 0.01, 255);
      },
      nopreempt: () => {
        found.nopreempt = true;
      },
      preempt: () => {
        found.nopreempt = false;
      },
      preempt_delay: (one) => {
        found.preemptDelay = number(value(one, 'seconds'), 0, 1000);
      },
      unicast_src_ip: source,
      mcast_src_ip: source,
      unicast_peer: (one) =>
        void peers.push(...(one.block ?? []).flatMap((peer) => host(one, head(peer), notes) ?? [])),
      virtual_ipaddress: add,
      virtual_ipaddress_excluded: add,
    },
    notes,
  );
  const name = value(entry, 'a name').text;
  return {
    ...placeOf(entry),
    name,
    priority: 100,
    nopreempt: false,
    ...found,
    addresses,
    peers,
    notifies,
    ...tracks,
  };
}

function group(entry: Entry, notes: Note[]): Group {
  const instances: Word[] = [];
  const notifies: Notify[] = [];
  let weighted = false;
  const { readers, tracks } = tracking(notes);
  const weigh = () => {
    weighted = true;
  };
  const members = (one: Entry) =>
    void instances.push(...(one.block ?? []).flatMap((member) => [head(member), ...member.values]));
  readBlock(
    entry,
    {
      ...readers,
      ...notifying(notifies),
      group: members,
      global_tracking: weigh,
      sync_group_tracking_weight: weigh,
    },
    notes,
  );
  return { ...placeOf(entry), name: value(entry, 'a name').text, instances, weighted, notifies, ...tracks };
}

function script(entry: Entry, notes: Note[]): Script {
  const found: { -readonly [K in keyof Script]?: Script[K] } = {};
  readBlock(
    entry,
    {
      script: (one) => {
        found.command = one.values
          .map(({ text, quoted }) => (one.values.length > 1 && quoted ? `'${text}'` : text))
          .join(' ');
      },
      interval: (one) => {
        found.interval = number(value(one, 'seconds'), 0.01, 1_000_000);
      },
      timeout: (one) => {
        found.timeout = number(value(one, 'seconds'), 0.01, 1_000_000);
      },
      rise: (one) => {
        found.rise = wholeNumber(value(one, 'a number'), 1, 2 ** 31);
      },
      fall: (one) => {
        found.fall = wholeNumber(value(one, 'a number'), 1, 2 ** 31);
      },
      weight: (one) =>
        Object.assign(found, weightOf([{ ...placeOf(one), text: 'weight', quoted: false }, ...one.values])),
      user: (one) => {
        found.user = value(one, 'a user').text;
      },
    },
    notes,
  );
  const name = value(entry, 'a name').text;
  if (found.command === undefined || found.command === '')
    throw new Wrong(entry, `vrrp_script ${shown(name)} has no script`, 'write script "…"');
  const base = { interval: 1, rise: 1, fall: 1, weight: 0, reverse: false };
  command(entry, splitWords(found.command));
  return { ...placeOf(entry), name, ...base, ...found, command: found.command };
}

function process(entry: Entry, notes: Note[]): Process {
  const found: { -readonly [K in keyof Process]?: Process[K] } = {};
  readBlock(
    entry,
    {
      process: (one) => {
        const program = value(one, 'a process').text;
        found.process = program.slice(program.lastIndexOf('/') + 1);
        if (!/^[^\s/]{1,255}$/.test(found.process))
          throw new Wrong(
            one,
            `${shown(program)} cannot be the name of a process`,
            'write it as `ps -e` shows it',
          );
        if (one.values.length > 1)
          notes.push({ keyword: 'param_match', text: `vrrp_track_process: ${phrase(one)}` });
      },
      weight: (one) =>
        Object.assign(found, weightOf([{ ...placeOf(one), text: 'weight', quoted: false }, ...one.values])),
    },
    notes,
  );
  const name = value(entry, 'a name').text;
  if (found.process === undefined)
    throw new Wrong(entry, `vrrp_track_process ${shown(name)} has no process`, 'write process NAME');
  return { ...placeOf(entry), name, weight: 1, reverse: false, ...found, process: found.process };
}

function tracking(notes: Note[]): { readonly readers: Readers; readonly tracks: Tracks } {
  const tracks = { scripts: [] as Track[], processes: [] as Track[], interfaces: [] as Track[] };
  const into = (list: Track[]) => (entry: Entry) => void list.push(...(entry.block ?? []).map(track));
  const readers: Readers = {
    track_script: into(tracks.scripts),
    track_process: into(tracks.processes),
    track_interface: (entry) => {
      for (const one of entry.block ?? []) device(head(one));
      into(tracks.interfaces)(entry);
    },
    track_file: (entry) =>
      void notes.push({
        keyword: 'track_file',
        text: `track_file ${(entry.block ?? []).map(phrase).join(', ')}`,
      }),
    track_bfd: (entry) =>
      void notes.push({
        keyword: 'track_bfd',
        text: `track_bfd ${(entry.block ?? []).map(phrase).join(', ')}`,
      }),
  };
  return { readers, tracks };
}

const NOTIFIES = ['notify', 'notify_master', 'notify_backup', 'notify_fault', 'notify_stop'];

function notifying(notifies: Notify[]): Readers {
  return Object.fromEntries(
    NOTIFIES.map((keyword) => [
      keyword,
      (entry: Entry) => {
        const { text, quoted } = value(entry, 'a script');
        // Behind the script may stand the user that runs it; what is quoted has arguments of its own.
        notifies.push({ keyword, command: command(entry, quoted ? splitWords(text) : [text]) });
      },
    ]),
  );
}

function track(entry: Entry): Track {
  return { ...placeOf(entry), name: entry.keyword, reverse: false, ...weightOf(entry.values) };
}

function weightOf(words: readonly Word[]): { weight?: number; reverse?: boolean } {
  const at = words.findIndex(({ text }) => text === 'weight');
  const weight = at < 0 ? undefined : words[at + 1];
  const reverse = words.some(({ text }) => text === 'reverse');
  if (at < 0) return { ...(reverse && { reverse }) };
  if (weight === undefined) throw new Wrong(words[at]!, '`weight` without a number', 'write weight -20');
  return { weight: wholeNumber(weight, -(2 ** 31), 2 ** 31), reverse };
}

function address(entry: Entry): Address {
  const { text, ...place } = head(entry);
  const [bare, prefix, ...more] = text.split('/');
  const parsed = parseIp(bare ?? '');
  const longest = parsed?.family === 4 ? 32 : 128;
  const wrongPrefix = prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest);
  if (parsed === undefined || more.length > 0 || wrongPrefix)
    throw new Wrong(place, `${shown(text)} is no address`, 'write it as 192.0.2.1/24 or 2001:db8::1/64');
  const words = entry.values.map((word) => word.text);
  const at = words.indexOf('dev');
  if (at >= 0 && words[at + 1] === undefined)
    throw new Wrong(place, '`dev` without an interface', 'write dev eth0');
  const options = at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 2)];
  return { ...placeOf(place), text, ...(at >= 0 && { interface: device(entry.values[at + 1]!) }), options };
}
