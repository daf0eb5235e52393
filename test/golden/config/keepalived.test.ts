/** What `wackamole config import` makes of keepalived.conf, file by file; and that our own parser takes it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { importKeepalived, type KeepalivedHost } from '../../../src/config/import/keepalived/convert.ts';
import type { SourceFile } from '../../../src/config/import/keepalived/source.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { formatProblem } from '../../../src/config/problem.ts';

const folder = new URL('../../fixtures/keepalived/', import.meta.url);
const file = (name: string): SourceFile => ({ name, text: readFileSync(new URL(name, folder), 'utf8') });
const host = (name: string, changes: Partial<KeepalivedHost> = {}): KeepalivedHost => ({
  file: file(name),
  ...changes,
});

const CASES: readonly (readonly [string, readonly KeepalivedHost[]])[] = [
  ['simple', [host('simple.conf')]],
  ['haproxy-alone', [host('haproxy-a.conf')]],
  ['haproxy', [host('haproxy-a.conf'), host('haproxy-b.conf')]],
  ['active-active', ['a', 'b', 'c'].map((name) => host(`active-active-${name}.conf`))],
  [
    'sync-group',
    [
      host('sync-group.conf', { member: 'r1', address: '192.0.2.1' }),
      host('sync-group.conf', { member: 'r2', address: '192.0.2.2' }),
    ],
  ],
  ['ipv6', [host('ipv6.conf')]],
  ['two-families', ['a', 'b'].map((name) => host(`two-families-${name}.conf`))],
  ['two-families-alone', [host('two-families-b.conf')]],
  ['templated', ['main', 'backup'].map((member) => host('templated.conf', { member }))],
  ['including', [host('including.conf')]],
  ['ipvs', [host('ipvs.conf')]],
  ['processes', [host('processes.conf')]],
  ['large', [host('large.conf')]],
];

const included = readdirSync(new URL('conf.d/', folder))
  .sort()
  .map((name) => file(`conf.d/${name}`));

describe('config import of keepalived.conf', () => {
  test.each(CASES)('%s', async (name, hosts) => {
    const result = importKeepalived(hosts, { includes: () => included, hostName: 'a' });
    if (result.kind !== 'done') throw new Error(JSON.stringify(result));
    await expect(result.text).toMatchFileSnapshot(`${import.meta.dirname}/keepalived/${name}.yaml`);
    const [, first] = /^ {2}peers:\n {4}"?([\w.-]+)/m.exec(result.text)!;
    const parsed = parseConfig(result.text, { fileName: 'w.yaml', hostName: first! });
    expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([]);
  });

  test('every fixture is imported somewhere', () => {
    const used = new Set(CASES.flatMap(([, hosts]) => hosts.map(({ file: { name } }) => name)));
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith('.conf'))
        .filter((name) => !used.has(name)),
    ).toEqual([]);
  });

  test.each([
    ['unicast_peer { 192.0.2.12\n 224.0.0.18 }', 4, '"224.0.0.18" is a multicast address'],
    ['unicast_peer { :: }', 3, '"::" means any address'],
    ['unicast_src_ip 255.255.255.255', 3, '"255.255.255.255" is a broadcast address'],
  ])('says where it stands what is no address of a host: %s', (line, at, what) => {
    const text = `vrrp_instance one {\n interface eth0\n ${line}\n virtual_ipaddress { 192.0.2.100 }\n}\n`;
    const result = importKeepalived([{ file: { name: 'k.conf', text } }], {
      includes: () => [],
      hostName: 'a',
    });
    if (result.kind !== 'wrong') throw new Error(JSON.stringify(result));
    expect(result.complaints).toMatchObject([{ line: at, what: expect.stringContaining(what) }]);
  });
});
