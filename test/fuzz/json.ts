/** JSON that is nearly right: well-formed, with some values replaced by others of any type, left out, or given under another name. */
import fc from 'fast-check';

const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    256,
    65_536,
    1e308,
    Number.MAX_SAFE_INTEGER,
    '',
    ' ',
    'a',
    'status',
    'drain',
  ],
  ...[
    'x'.repeat(64),
    'x'.repeat(600),
    '\u0000\u001b[2J',
    '__proto__',
    'ü',
    '\ud800',
    'a#0000000000000000',
    '7.a#0000000000000000',
  ],
  ...[
    [],
    {},
    [null],
    [[], []],
    ['a', 'a'],
    [['v1', 7]],
    [['v1', 'because']],
    { kind: 'status' },
    { length: 3 },
  ],
];
const KEYS = ['kind', 'view', 'v', 'status', 'ok', '__proto__', 'constructor', 'toString', '0', 'unknown'];
const WHAT = ['replace', 'remove', 'rename', 'repeat'] as const;

type Edit = readonly [path: readonly number[], what: number, value: number];

/** `corpus`: texts of JSON. */
export function nearlyJson(corpus: readonly string[]): fc.Arbitrary<string> {
  const values = corpus.map((text) => JSON.parse(text) as unknown);
  const path = fc.array(fc.nat(20), { maxLength: 5, size: 'max' });
  const edit = fc.tuple(path, fc.nat(WHAT.length + 3), fc.nat(ODD.length - 1));
  return fc
    .tuple(fc.nat(values.length - 1), fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([entry, edits]) => JSON.stringify(edits.reduce(edited, structuredClone(values[entry]))));
}

/** The value with one thing changed; an empty path replaces the whole. */
function edited(whole: unknown, [path, what, value]: Edit): unknown {
  const odd = structuredClone(ODD[value]);
  let place = whole;
  for (const [depth, number] of path.entries()) {
    if (typeof place !== 'object' || place === null) break;
    const keys = Object.keys(place);
    const key = keys[number % Math.max(1, keys.length)] ?? KEYS[number % KEYS.length]!;
    const next = own(place, key);
    if (depth < path.length - 1 && typeof next === 'object' && next !== null) place = next;
    else {
      change(place as Record<string, unknown>, key, { what: WHAT[what] ?? 'replace', odd, value });
      return whole;
    }
  }
  return path.length === 0 ? odd : whole;
}

interface Alteration {
  readonly what: (typeof WHAT)[number];
  readonly odd: unknown;
  readonly value: number;
}

function change(place: Record<string, unknown>, key: string, { what, odd, value }: Alteration): void {
  const before = own(place, key);
  if (what === 'repeat' && Array.isArray(place)) place.push(...[...place].slice(0, 50));
  else if (what === 'replace' || what === 'repeat') put(place, key, odd);
  else delete place[key];
  if (what === 'rename') put(place, KEYS[value % KEYS.length]!, before);
}

/** Never what an object inherits: that would be everybody's. */
function own(place: object, key: string): unknown {
  return Object.hasOwn(place, key) ? (place as Record<string, unknown>)[key] : undefined;
}

/** Also `__proto__` is a key like any other here. */
function put(place: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(place, key, { value, enumerable: true, configurable: true, writable: true });
}
