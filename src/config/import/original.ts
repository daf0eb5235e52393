/**
 * The original Wackamole's configuration file (wackamole.conf, versions 2.x), read completely: every setting, in any order, later
 * ones win, lists add up. Keywords in any case. Pure; the first thing that is wrong ends it, with its place.
 */
import { type Complaint, type Place, scan, type Word } from './scanner.ts';

/** `if:a.b.c.d/len` or `if:a.b.c.d/lennNET`. */
export interface OriginalAddress extends Place {
  readonly interface?: string;
  readonly address: string;
  readonly prefixLength: number;
  /** Prefix length of the wire it lives on. */
  readonly wire?: number;
}

/** A time in seconds as the original took it, and how it was written. */
export interface OriginalTime extends Place {
  readonly seconds: number;
  readonly text: string;
}

export interface OriginalNote extends Place {
  readonly keyword: string;
  readonly text: string;
}

/** Who is told of a new holder. */
export interface OriginalNotify extends OriginalNote {
  /** Absent: the neighbour caches of all members. */
  readonly address?: OriginalAddress;
  readonly throttle?: number;
  readonly ping: boolean;
}

export interface OriginalConfig {
  readonly spread?: OriginalNote;
  readonly spreadRetryInterval?: OriginalTime;
  readonly group?: string;
  readonly control?: OriginalNote;
  readonly mature?: OriginalTime;
  readonly arpCache?: OriginalTime;
  readonly acquisitions?: number | 'all';
  readonly balanceInterval?: OriginalTime;
  readonly prefer: readonly OriginalAddress[];
  /** Sets of addresses that move together. */
  readonly vifs: readonly (readonly OriginalAddress[])[];
  /** Who is notified. */
  readonly notify: readonly OriginalNotify[];
  /** LogFacility, ModuleDir, PerlUse, PerlUseLib, RunDynamic and Prefer with a name. */
  readonly others: readonly OriginalNote[];
}

export type OriginalResult =
  | { readonly ok: true; readonly original: OriginalConfig }
  | { readonly ok: false; readonly complaint: Complaint };

export function readOriginal(text: string): OriginalResult {
  const scanned = scan(text);
  if (!scanned.ok) return scanned;
  try {
    return { ok: true, original: new Reader(scanned.words, scanned.end).read() };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, complaint: error.complaint };
    throw error;
  }
}

/** Carries a complaint to the edge of this file. */
class Wrong extends Error {
  readonly complaint: Complaint;

  constructor(complaint: Complaint) {
    super(complaint.what);
    this.complaint = complaint;
  }
}

/** Words that mean something wherever they stand: as a value they must be quoted. */
const RESERVED =
  /^(?:=|none|all|arp-cache|ping|control|throttle|spread|spreadretryinterval|rundynamic|moduledir|perluselib|perluse|logfacility|mature|balance|acquisitionsperround|interval|group|prefer|notify|virtualinterfaces|vi[fp]s|(?:on|post) (?:up|down))$/i;
const NUMBER = /^\d{1,9}$/;
const TIME = /^(\d{1,9})([smh])$/i;
const ADDRESS = /^(?:([^:]+):)?(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\/(\d{1,2})(?:n(\d{1,2}))?$/;
const EVENT = /^(?:on|post) (?:up|down)$/i;

class Reader {
  readonly #words: readonly Word[];
  readonly #end: Place;
  #at = 0;
  #found: { -readonly [K in keyof OriginalConfig]: OriginalConfig[K] } = {
    prefer: [],
    vifs: [],
    notify: [],
    others: [],
  };

  constructor(words: readonly Word[], end: Place) {
    this.#words = words;
    this.#end = end;
  }

  read(): OriginalConfig {
    while (this.#at < this.#words.length) this.#setting();
    return this.#found;
  }

  #setting(): void {
    const word = this.next('a setting such as `VirtualInterfaces`');
    const keyword = word.kind === 'plain' ? word.text.toLowerCase() : '';
    const read = SETTINGS[keyword];
    if (read === undefined) throw wrong(word, `${show(word)} is no setting`, hintFor(word.text));
    read(this, word);
  }

  assign(change: Partial<OriginalConfig>): void {
    this.#found = { ...this.#found, ...change };
  }

  add(note: OriginalNote): void {
    this.#found = { ...this.#found, others: [...this.#found.others, note] };
  }

  addNotify(note: OriginalNotify): void {
    this.#found = { ...this.#found, notify: [...this.#found.notify, note] };
  }

  addPreferred(address: OriginalAddress): void {
    this.#found = { ...this.#found, prefer: [...this.#found.prefer, address] };
  }

  addSet(set: readonly OriginalAddress[]): void {
    this.#found = { ...this.#found, vifs: [...this.#found.vifs, set] };
  }

  next(expected: string): Word {
    const word = this.#words[this.#at];
    if (word === undefined) {
      throw new Wrong({
        ...this.#end,
        what: `the file ends where ${expected} is expected`,
        mend: 'complete or drop the last setting',
      });
    }
    this.#at += 1;
    return word;
  }

  /** The next word, which stays. */
  peek(): Word | undefined {
    return this.#words[this.#at];
  }

  /** Takes the next word if it is this keyword. */
  takes(keyword: string): boolean {
    const word = this.peek();
    if (word?.kind !== 'plain' || word.text.toLowerCase() !== keyword) return false;
    this.#at += 1;
    return true;
  }

  equals(): void {
    const word = this.next('`=`');
    if (word.kind !== 'plain' || word.text !== '=')
      throw wrong(word, `${show(word)} where \`=\` is expected`, 'write `=` with a blank on either side');
  }

  string(expected: string): Word {
    const word = this.next(expected);
    if (word.kind === 'quoted') return word;
    const meant =
      RESERVED.test(word.text) || NUMBER.test(word.text) || TIME.test(word.text) || ADDRESS.test(word.text);
    if (word.kind !== 'plain' || meant)
      throw wrong(
        word,
        `${show(word)} where ${expected} is expected`,
        `write ${expected}, in quotes if it is a word with a meaning`,
      );
    return word;
  }

  number(expected: string): number {
    const word = this.next(expected);
    if (word.kind !== 'plain' || !NUMBER.test(word.text))
      throw wrong(word, `${show(word)} where ${expected} is expected`, 'write a whole number');
    return Number(word.text);
  }

  /** Hours are not multiplied, since the original does not. */
  time(): OriginalTime {
    const word = this.next('a time');
    const match = word.kind === 'plain' ? TIME.exec(word.text) : null;
    if (match === null)
      throw wrong(
        word,
        `${show(word)} where a time is expected`,
        'write a number with a unit, such as 5s or 2m',
      );
    const seconds = Number(match[1]) * (match[2]!.toLowerCase() === 'm' ? 60 : 1);
    return { seconds, text: word.text, line: word.line, column: word.column };
  }

  address(): OriginalAddress {
    const word = this.next('an address');
    const match = word.kind === 'plain' ? ADDRESS.exec(word.text) : null;
    if (match === null)
      throw wrong(word, `${show(word)} where an address is expected`, 'write it as eth0:10.0.0.1/24');
    const [, device, text, length, net] = match;
    const octets = text!.split('.').map(Number);
    if (octets.some((octet) => octet > 255))
      throw wrong(word, `${text} is no IPv4 address`, 'each of its numbers is at most 255');
    if (Number(length) > 32 || Number(net ?? 0) > 32)
      throw wrong(word, `a prefix length in ${show(word)} is more than 32`, 'write 0 to 32');
    return {
      ...(device !== undefined && { interface: device }),
      address: octets.join('.'),
      prefixLength: Number(length),
      ...(net !== undefined && { wire: Number(net) }),
      line: word.line,
      column: word.column,
    };
  }

  /** `{` item … `}`, at least one. */
  braces(item: () => void): void {
    const open = this.next('`{`');
    if (open.kind !== 'open')
      throw wrong(open, `${show(open)} where \`{\` is expected`, 'write the list in braces');
    do item();
    while (this.#next0('close') === undefined);
  }

  /** Takes the next word if it is of this kind; complains at the end of the file. */
  #next0(kind: Word['kind']): Word | undefined {
    const word = this.next(kind === 'close' ? '`}`' : '`{`');
    if (word.kind === kind) return word;
    this.#at -= 1;
    return undefined;
  }
}

type Setting = (reader: Reader, word: Word) => void;

const SETTINGS: Readonly<Record<string, Setting>> = Object.assign(
  Object.create(null) as Record<string, Setting>,
  {
    spread: (r: Reader, word: Word) => {
      r.equals();
      const next = r.peek();
      const port = next?.kind === 'plain' && NUMBER.test(next.text);
      const text = port ? String(r.number('a daemon')) : r.string('a daemon such as 4803@localhost').text;
      r.assign({ spread: { ...placeOf(next ?? word), keyword: 'Spread', text } });
    },
    spreadretryinterval: timed((time) => ({ spreadRetryInterval: time })),
    group: (r: Reader) => {
      r.equals();
      r.assign({ group: r.string('a group').text });
    },
    control: (r: Reader, word: Word) => {
      r.equals();
      r.assign({ control: { ...placeOf(word), keyword: 'Control', text: r.string('a path').text } });
    },
    mature: timed((time) => ({ mature: time })),
    'arp-cache': timed((time) => ({ arpCache: time })),
    balance: (r: Reader) => r.braces(() => balance(r)),
    prefer,
    notify,
    virtualinterfaces: vifs,
    vifs,
    vips: vifs,
    logfacility: assigned('LogFacility'),
    moduledir: assigned('ModuleDir'),
    perluse: stated('PerlUse'),
    perluselib: stated('PerlUseLib'),
    rundynamic: (r: Reader, word: Word) => {
      const { text } = r.string('a function');
      const event = r.peek();
      if (event?.kind !== 'plain' || !EVENT.test(event.text)) {
        throw wrong(
          event ?? word,
          'the event of `RunDynamic` is missing',
          'write on up, on down, post up or post down, with one blank',
        );
      }
      r.takes(event.text.toLowerCase());
      r.add({
        ...placeOf(word),
        keyword: 'RunDynamic',
        text: `${text} ${event.text.toLowerCase()}`,
      });
    },
  } satisfies Record<string, Setting>,
);

function timed(change: (time: OriginalTime) => Partial<OriginalConfig>): Setting {
  return (r) => {
    r.equals();
    r.assign(change(r.time()));
  };
}

function assigned(keyword: string): Setting {
  return (r, word) => {
    r.equals();
    r.add({ ...placeOf(word), keyword, text: r.string('a value').text });
  };
}

function stated(keyword: string): Setting {
  return (r, word) => r.add({ ...placeOf(word), keyword, text: r.string('a value').text });
}

function balance(r: Reader): void {
  if (r.takes('acquisitionsperround')) {
    r.equals();
    r.assign({ acquisitions: r.takes('all') ? 'all' : r.number('a number or `all`') });
  } else if (r.takes('interval')) {
    r.equals();
    r.assign({ balanceInterval: r.time() });
  } else {
    const word = r.next('AcquisitionsPerRound or interval');
    throw wrong(word, `${show(word)} is no setting of \`Balance\``, 'write AcquisitionsPerRound or interval');
  }
}

function prefer(r: Reader, word: Word): void {
  if (r.takes('none')) return;
  const next = r.peek();
  if (next?.kind === 'open') return r.braces(() => r.addPreferred(r.address()));
  if (next?.kind === 'plain' && ADDRESS.test(next.text)) return r.addPreferred(r.address());
  r.add({ ...placeOf(word), keyword: 'Prefer', text: r.string('an address').text });
}

function vifs(r: Reader): void {
  r.braces(() => {
    if (r.peek()?.kind !== 'open') return r.addSet([r.address()]);
    const set: OriginalAddress[] = [];
    r.braces(() => void set.push(r.address()));
    r.addSet(set);
  });
}

function notify(r: Reader, word: Word): void {
  if (r.takes('none')) return;
  if (r.takes('arp-cache'))
    return r.addNotify({ ...placeOf(word), keyword: 'Notify', text: 'arp-cache', ping: false });
  r.braces(() => {
    const place = r.peek() ?? word;
    const address = r.takes('arp-cache') ? undefined : r.address();
    const throttle = address && r.takes('throttle') ? r.number('how many a second') : undefined;
    const ping = r.takes('ping');
    const words = [
      address === undefined ? 'arp-cache' : formatAddress(address),
      ...(throttle === undefined ? [] : [`throttle ${throttle}`]),
      ...(ping ? ['ping'] : []),
    ];
    r.addNotify({
      ...placeOf(place),
      keyword: 'Notify',
      text: words.join(' '),
      ping,
      ...(address !== undefined && { address }),
      ...(throttle !== undefined && { throttle }),
    });
  });
}

/** As it is written in the original's file. */
export function formatAddress({ interface: device, address, prefixLength, wire }: OriginalAddress): string {
  return `${device === undefined ? '' : `${device}:`}${address}/${prefixLength}${wire === undefined ? '' : `n${wire}`}`;
}

function placeOf({ line, column }: Place): Place {
  return { line, column };
}

function wrong(place: Place, what: string, mend: string): Wrong {
  return new Wrong({ line: place.line, column: place.column, what, mend });
}

function show(word: Word): string {
  return JSON.stringify(word.text.length > 60 ? `${word.text.slice(0, 60)}…` : word.text);
}

function hintFor(text: string): string {
  if (/^\w+=/.test(text)) return 'write `=` with a blank on either side';
  return 'settings are Spread, SpreadRetryInterval, Group, Control, LogFacility, Mature, Arp-Cache, Balance, Prefer, VirtualInterfaces, Notify, ModuleDir, PerlUseLib, PerlUse and RunDynamic';
}
