/** Configuration files: random text, mutated examples, and files made key by key from right and wrong values. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseConfig } from '../../../src/config/parse.ts';
import { nearlyText } from '../bytes.ts';
import { demand, sizeOf, type Target } from '../target.ts';

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples');
const OPTIONS = { fileName: 'wackamole.yaml', hostName: 'a.example.org' };
/** A configuration of the largest file: 10,000 VIPs of several addresses. */
const CONFIG_BYTES_MAX = 64 * 1024 * 1024;

interface Input {
  readonly text: string;
}

function check({ text }: Input): void {
  const result = parseConfig(text, OPTIONS);
  const lines = text.split(/\r\n|\r|\n/).length;
  const told = result.ok ? result.warnings : [...result.problems, ...result.warnings];
  for (const { file, line, column, what, mend } of told) {
    demand(
      file === OPTIONS.fileName && line >= 1 && column >= 1,
      () => `a problem at ${file}:${line}:${column}`,
    );
    demand(line <= lines + 1, () => `a problem in line ${line} of ${lines}`);
    demand(what !== '' && mend !== '', () => 'a problem without words, or without a way to mend it');
    demand(what.length + mend.length < 2000, () => `a problem of ${what.length + mend.length} characters`);
  }
  if (!result.ok) return demand(result.problems.length > 0, () => 'refused without a reason');
  checkConfig(result.config);
}

/** What every other room relies on. */
function checkConfig(config: Extract<ReturnType<typeof parseConfig>, { ok: true }>['config']): void {
  const ids = config.vips.map(({ id }) => id);
  demand(new Set(ids).size === ids.length, () => 'two VIPs of one name');
  demand(
    ids.every((id, index) => index === 0 || ids[index - 1]! < id),
    () => 'VIPs out of order',
  );
  for (const { addresses, weight } of config.vips) {
    demand(
      addresses.length > 0 && Number.isInteger(weight) && weight >= 1,
      () => 'a VIP without address or weight',
    );
    for (const { family, prefixLength } of addresses)
      demand(
        prefixLength >= 0 && prefixLength <= (family === 4 ? 32 : 128),
        () => `prefix length ${prefixLength}`,
      );
  }
  const timers = Object.values({
    ...(config.group.engine === 'embedded' ? config.group.timers : config.group),
    ...config.agent,
    ...config.balance,
  });
  for (const value of timers)
    if (typeof value === 'number') demand(Number.isFinite(value) && value >= 0, () => `timer ${value}`);
  demand(/^[0-9a-f]{16}$/.test(config.digest), () => `digest ${config.digest}`);
  demand(sizeOf(config) < CONFIG_BYTES_MAX, () => 'a configuration that is too large');
}

/** Values of every kind that YAML has, the right ones among them. */
const SCALARS = [
  ...[
    'web',
    'a',
    'b',
    'c',
    '10.0.0.1',
    '10.0.0.100/24',
    'fd00::1/64',
    '[fd00::1]:4873',
    'web-{1..9}',
    '10.0.0.{1..9}',
  ],
  ...[
    'eth0',
    'lan',
    'primary',
    '3s',
    '500ms',
    '0s',
    '-1s',
    '99h',
    '1e3',
    '',
    ' ',
    '{',
    '*a',
    '&a',
    '!x',
    'null',
    '~',
  ],
  ...[
    'x{1..99999999}',
    'x{9..1}',
    'x{1..2}{1..2}',
    '__proto__',
    'constructor',
    'ü',
    '\u0000',
    '1'.repeat(400),
  ],
];
const scalar: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.constantFrom<unknown>(...SCALARS), weight: 6 },
  {
    arbitrary: fc.constantFrom<unknown>(0, 1, -1, 3.5, 1e21, Number.MAX_SAFE_INTEGER, true, false, null),
    weight: 2,
  },
);
const KEYS = [
  ...[
    'cluster',
    'member',
    'policy',
    'group',
    'peers',
    'listen',
    'multicast',
    'key_file',
    'insecure',
    'profile',
    'timers',
  ],
  ...[
    'providers',
    'local',
    'memory',
    'kind',
    'interface',
    'lease',
    'renew_interval',
    'vips',
    'web-{1..3}',
    'mail',
  ],
  ...[
    'addresses',
    'address',
    'prefer',
    'weight',
    'agent',
    'balance',
    'quorum',
    'votes',
    'expected_votes',
    'control',
  ],
  ...[
    'socket',
    'log',
    'level',
    'file',
    'capacity',
    'interval',
    '__proto__',
    'constructor',
    'toString',
    'unknown',
  ],
];
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: scalar, weight: 4 },
    { arbitrary: fc.array(tie('tree'), { maxLength: 3 }), weight: 1 },
    {
      arbitrary: fc.array(fc.tuple(fc.constantFrom(...KEYS), tie('tree')), { maxLength: 4 }).map(recordOf),
      weight: 2,
    },
  ),
}));

/** A right file; some of its parts are replaced or left out. */
const RIGHT = {
  cluster: 'web',
  member: 'a',
  group: {
    listen: '10.0.0.1',
    peers: { a: '10.0.0.1', b: ['10.0.0.2'] },
    insecure: true,
    timers: { probe_interval: '70ms' },
  },
  providers: {
    local: { interface: 'eth0', lease: '3s', renew_interval: '500ms', announce_repeat: ['100ms'] },
  },
  vips: {
    'web-{1..3}': '10.0.0.{101..103}/24',
    mail: { addresses: ['10.0.0.200'], prefer: ['b'], weight: 2 },
  },
  agent: { maturity: '5s', stall_bound: '1s' },
  balance: { interval: '10s' },
  quorum: { votes: { a: 2 }, expected_votes: 3 },
  control: { socket: '/run/x.sock' },
  log: { level: 'info' },
};

/** Where a part of the right file is replaced: keys by number, as deep as they go. */
type Change = readonly [path: readonly number[], value: unknown];
const change: fc.Arbitrary<Change> = fc.tuple(fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }), tree);

function changed(changes: readonly Change[]): unknown {
  const file = structuredClone(RIGHT) as Record<string, unknown>;
  for (const [path, value] of changes) {
    let place: Record<string, unknown> = file;
    for (const [depth, number] of path.entries()) {
      const keys = Object.keys(place);
      const key = keys.length === 0 ? KEYS[number]! : keys[number % keys.length]!;
      const next = place[key];
      const last = depth === path.length - 1 || typeof next !== 'object' || next === null;
      if (!last) place = next as Record<string, unknown>;
      else if (value === null) delete place[key];
      else place[key] = value;
      if (last) break;
    }
  }
  return file;
}

/** One number of a right text is another: most of these are accepted, or refused for a reason that only checks can see. */
function otherNumber(texts: readonly string[]): fc.Arbitrary<string> {
  const edge = fc.constantFrom(
    '0',
    '1',
    '2',
    '7',
    '31',
    '33',
    '64',
    '65',
    '129',
    '255',
    '256',
    '999',
    '65536',
    '4294967296',
  );
  return fc.tuple(fc.nat(texts.length - 1), fc.nat(200), edge).map(([entry, which, number]) => {
    const numbers = [...texts[entry]!.matchAll(/\d+/g)];
    const at = numbers[which % numbers.length]!;
    return texts[entry]!.slice(0, at.index) + number + texts[entry]!.slice(at.index + at[0].length);
  });
}

/** Also with keys that an object literal would treat in its own way. */
function recordOf(entries: readonly (readonly [string, unknown])[]): unknown {
  const record: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries) record[key] = value;
  return record;
}

function examples(): string[] {
  return readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(EXAMPLES, name), 'utf8'));
}

export const configs: Target<Input> = {
  name: 'configs',
  about: 'configuration files (src/config)',
  share: 4,
  patience: 400,
  inputs: () => {
    const asText = (value: unknown) => JSON.stringify(value, undefined, 1) ?? '';
    const structured = fc
      .array(change, { minLength: 1, maxLength: 4 })
      .map((changes) => ({ text: asText(changed(changes)) }));
    const anything = tree.map((value) => ({ text: asText(value) }));
    const text = fc
      .string({ unit: fc.constantFrom(...'ab: -{}[]"\'\n\t#&*!|>%@,1.'.split('')), maxLength: 60 })
      .map((t) => ({ text: t }));
    return fc.oneof(
      { arbitrary: nearlyText(examples()).map((t) => ({ text: t })), weight: 4 },
      { arbitrary: structured, weight: 4 },
      { arbitrary: otherNumber([...examples(), asText(RIGHT)]).map((t) => ({ text: t })), weight: 3 },
      { arbitrary: anything, weight: 1 },
      { arbitrary: text, weight: 1 },
    );
  },
  check,
};
