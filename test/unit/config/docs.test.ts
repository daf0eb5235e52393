/** The documentation says what the code does: every key, every example, every default. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { formatDuration } from '../../../src/config/duration.ts';
import { configJsonSchema } from '../../../src/config/json-schema.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { PROFILES } from '../../../src/config/profiles.ts';
import { schemaRows } from './schema-rows.ts';

const docs = new URL('../../../docs/', import.meta.url);
const page = readFileSync(new URL('configuration.md', docs), 'utf8');
const files = readdirSync(new URL('examples/', docs)).filter((name) => name.endsWith('.yaml'));
const examples: [string, string][] = [
  ...files.map((name): [string, string] => [name, readFileSync(new URL(`examples/${name}`, docs), 'utf8')]),
  ...[...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match, index): [string, string] => [
    `configuration.md, example ${index + 1}`,
    match[1]!,
  ]),
];

describe('docs/configuration.md', () => {
  test('there are examples and rows to check', () => {
    expect(files).toEqual(expect.arrayContaining(['minimal.yaml', 'lan.yaml', 'dual-stack.yaml']));
    expect(examples.length).toBeGreaterThan(5);
    expect(schemaRows().length).toBeGreaterThan(60);
  });

  test.each(schemaRows())('has the row %s', (row) => {
    expect(page.split('\n')).toContain(row);
  });

  test('has no row of a key that is gone', () => {
    const documented = page
      .split('\n')
      .filter((line) => /^\| `[a-z_]+(\.|`)/.test(line) && line.split('|').length === 6);
    const timers = Object.keys(PROFILES.lan).map((key) => `| \`${key.replace(/_ms$/, '')}\``);
    const keys = documented.filter((line) => !timers.some((timer) => line.startsWith(`${timer} |`)));
    expect([...keys].sort()).toEqual(schemaRows().sort());
  });

  test.each(Object.keys(PROFILES.lan) as (keyof typeof PROFILES.lan)[])('has the profiles of %s', (timer) => {
    const values = (['lan', 'fast', 'wan'] as const).map((profile) =>
      formatDuration(PROFILES[profile][timer]),
    );
    expect(page.split('\n')).toContain(`| \`${timer.replace(/_ms$/, '')}\` | ${values.join(' | ')} |`);
  });
});

describe('examples', () => {
  test.each(examples)('%s is right, without a warning, on its first host', (name, text) => {
    const hostName = /north/.test(text) ? 'north' : 'a';
    expect(parseConfig(text, { fileName: name, hostName })).toMatchObject({ ok: true, warnings: [] });
  });

  test.each(examples)('%s is accepted by the JSON Schema', (_, text) => {
    const schema = z.fromJSONSchema(configJsonSchema());
    expect(schema.safeParse(parseDocument(text).toJS()).error?.issues ?? []).toEqual([]);
  });
});

test.each([
  ['cluster: web', 'required keys are missing'],
  ['cluster: web\ngroup: {}\nvips: {}\nvip: {}', 'an unknown key'],
  ['cluster: web\ngroup: { timers: { probe_interval: 5 } }\nvips: {}', 'a number without a unit'],
  ['cluster: web\ngroup: {}\nvips: { x: { addresses: [] } }', 'a list without entries'],
  ['cluster: web\ngroup: {}\nproviders: { local: { leese: 3s } }\nvips: {}', 'an unknown key of a provider'],
])('the JSON Schema refuses %j: %s', (text) => {
  const schema = z.fromJSONSchema(configJsonSchema());
  expect(schema.safeParse(parseDocument(text).toJS()).success).toBe(false);
});
