/** Values of a keepalived.conf, checked as keepalived checks them. Pure; throws {@link Wrong}. */
import { formatIp, kindOf, parseIp } from '../../ip.ts';
import { type Place, shown, Wrong } from './source.ts';
import type { Entry, Word } from './tree.ts';

/** Words of a script, as keepalived splits them: at blanks, single and double quotes hold them together. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

export function head({ keyword, file, line, column }: Entry): Word {
  return { text: keyword, quoted: false, file, line, column };
}

export function value(entry: Entry, expected: string): Word {
  const [first] = entry.values;
  if (first === undefined)
    throw new Wrong(
      entry,
      `\`${entry.keyword}\` without ${expected}`,
      `write ${entry.keyword} and ${expected}`,
    );
  return first;
}

/** What the kernel takes as a name (IFNAMSIZ, dev_valid_name). */
export function device(word: Word): string {
  if (!/^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(word.text))
    throw new Wrong(
      word,
      `${shown(word.text)} cannot be an interface`,
      'write a name as `ip link` shows it, at most 15 characters',
    );
  return word.text;
}

/** As many words, and as long, as a command may have here. */
export function command(place: Place, words: readonly string[]): readonly string[] {
  const fits =
    words.length > 0 && words.length < 50 && words.every((word) => word.length <= 4096) && words[0] !== '';
  if (!fits)
    throw new Wrong(
      place,
      'not a command that could be run',
      'write a program and its arguments, fewer than 50 words',
    );
  return words;
}

export function number(word: Word, least: number, most: number): number {
  const result = /^[+-]?\d{1,12}(\.\d{1,12})?$/.test(word.text) ? Number(word.text) : Number.NaN;
  if (Number.isNaN(result) || result < least || result > most)
    throw new Wrong(
      word,
      `${shown(word.text)} where a number from ${least} to ${most} is expected`,
      'write such a number',
    );
  return result;
}

/** As keepalived reads what is no time. */
export function wholeNumber(word: Word, least: number, most: number): number {
  const result = number(word, least, most);
  if (Number.isInteger(result)) return result;
  throw new Wrong(
    word,
    `${shown(word.text)} where a whole number from ${least} to ${most} is expected`,
    'write a whole number',
  );
}

export function ip(word: Word): string {
  if (parseIp(word.text) === undefined)
    throw new Wrong(word, `${shown(word.text)} is no address`, 'write an IPv4 or IPv6 address');
  return word.text;
}

/** Where a host can be reached from other links too, in canonical form; undefined: on its own link alone, which says nothing to ours. */
export function hostAddress(word: Word): string | undefined {
  const address = parseIp(ip(word))!;
  const kind = kindOf(address);
  if (kind === 'link-local') return undefined;
  if (kind === 'unicast' || kind === 'loopback') return formatIp(address);
  const what = kind === 'unspecified' ? 'means any address' : `is a ${kind} address`;
  throw new Wrong(
    word,
    `${shown(word.text)} ${what}, and a host is expected`,
    'write the address of that host',
  );
}

export function placeOf({ file, line, column }: Place): Place {
  return { file, line, column };
}

export function phrase({ keyword, values, block }: Entry): string {
  return [keyword, ...values.map(({ text }) => text), ...(block === undefined ? [] : ['{…}'])].join(' ');
}
