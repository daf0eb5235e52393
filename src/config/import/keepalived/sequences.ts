/** `~SEQ(var, start, step, end) rest` and `~LST(var, value, …) rest`: one line that stands for many (keepalived.conf(5)). Pure. */
import { type Place, Wrong } from './source.ts';

export interface Turn {
  readonly variables: readonly (readonly [string, string])[];
  readonly rest: string;
}

const VALUES_MAX = 65_536;
const NAME = /^[A-Za-z_]\w*$/;

/** Throws {@link Wrong} where the line is no such block. */
export function expandBlock(text: string, place: Place): Turn[] {
  const match = /^~(SEQx?|LST)\(((?:[^()])*)\)[ \t]*(.*)$/s.exec(text);
  if (match === null)
    throw new Wrong(
      place,
      '`~` begins neither ~SEQ(…) nor ~LST(…)',
      'write ~SEQ(NAME, first, step, last) or ~LST(NAME, value, …)',
    );
  const [, kind, inside, rest] = match as unknown as [string, string, string, string];
  const rows = kind === 'LST' ? listed(inside, place) : counted(inside, kind === 'SEQx', place);
  return rows.map((variables) => ({ variables, rest }));
}

type Row = readonly (readonly [string, string])[];

function counted(inside: string, hexadecimal: boolean, place: Place): Row[] {
  const [name = '', ...numbers] = inside.split(',').map((part) => part.trim());
  const values = numbers.map((text) =>
    /^[+-]?(0x[0-9a-f]+|\d+)$/i.test(text) ? readNumber(text) : Number.NaN,
  );
  const wrong = !NAME.test(name) || values.length < 1 || values.length > 3 || values.some(Number.isNaN);
  if (wrong)
    throw new Wrong(
      place,
      `~SEQ(${inside}) is no sequence`,
      'write ~SEQ(NAME, last), (NAME, first, last) or (NAME, first, step, last)',
    );
  const last = values.at(-1)!;
  const first = values.length === 1 ? (last > 0 ? 1 : -1) : values[0]!;
  const step = values.length === 3 ? values[1]! : last >= first ? 1 : -1;
  const count = step === 0 ? Number.NaN : Math.floor((last - first) / step) + 1;
  if (Number.isNaN(count) || count > VALUES_MAX)
    throw new Wrong(place, `~SEQ(${inside}) does not come to an end`, `at most ${VALUES_MAX} values`);
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const value = first + index * step;
    return [[name, hexadecimal ? value.toString(16) : String(value)]];
  });
}

function readNumber(text: string): number {
  const negative = text.startsWith('-');
  const value = Number(text.replace(/^[+-]/, ''));
  return negative ? -value : value;
}

/** `~LST({A, B}, {1, 2}, {3, 4})` sets several at once. */
function listed(inside: string, place: Place): Row[] {
  const parts = [...inside.matchAll(/\{([^{}]*)\}|([^,{}]+)/g)].map(([, many, one]) =>
    many === undefined ? [one!.trim()] : many.split(',').map((part) => part.trim()),
  );
  const [names = [], ...rows] = parts.filter((part) => part.length > 1 || part[0] !== '');
  const wrong =
    names.length === 0 ||
    !names.every((name) => NAME.test(name)) ||
    rows.length === 0 ||
    rows.length > VALUES_MAX;
  if (wrong || rows.some((row) => row.length !== names.length))
    throw new Wrong(
      place,
      `~LST(${inside}) is no list`,
      'write ~LST(NAME, value, …) or ~LST({A, B}, {1, 2}, …)',
    );
  return rows.map((row) => row.map((value, index) => [names[index]!, value] as const));
}
