/** Every piece of a configuration in README and docs is taken, whole files as they are and sections within the smallest file. (docs/configuration.md and docs/examples: docs.test.ts.) */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../../src/config/parse.ts';

const root = new URL('../../../', import.meta.url);
const pages = [
  'README.md',
  ...readdirSync(new URL('docs/', root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const fragments = pages.flatMap((page) =>
  [...readFileSync(new URL(page, root), 'utf8').matchAll(/^ *```yaml\n([\s\S]*?)^ *```$/gm)].map(
    (match, index) => ({
      name: `${page}, ${index + 1}`,
      text: match[1]!,
    }),
  ),
);

const SMALLEST: Readonly<Record<string, unknown>> = {
  cluster: 'web',
  group: { peers: { a: '10.0.0.1', b: '10.0.0.2', c: '10.0.0.3' }, key_file: '/etc/wackamole/cluster.key' },
  providers: { local: { interface: 'eth0' } },
  vips: { 'web-1': '10.0.0.100' },
};

function whole(text: string): string {
  const given = parse(text) as Readonly<Record<string, unknown>>;
  return 'cluster' in given ? text : stringify({ ...SMALLEST, ...given });
}

describe('configuration in the documentation', () => {
  test('is found', () => {
    expect(fragments.length).toBeGreaterThan(10);
  });

  test.each(fragments)('$name is taken', ({ text }) => {
    const parsed = parseConfig(whole(text), { fileName: 'docs', hostName: 'a' });
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
  });

  test('a wrong one is noticed', () => {
    expect(parseConfig(whole('hooks: { on_upp: /bin/true }'), { fileName: 'docs', hostName: 'a' }).ok).toBe(
      false,
    );
  });
});
