/** Zones, tags, constraints, and the policy of VIPs that a cloud may carry. */
import { describe, expect, test } from 'vitest';
import { configOf, file, problemsOf, warningsOf } from './parse-text.ts';

const vips = (constraints: string) => ({
  vips: `{ web-1: { addresses: [10.0.0.100], constraints: ${constraints} } }`,
});

describe('where a host is and where a VIP may be', () => {
  test('is read as it is written', () => {
    const config = configOf(
      file({
        zone: 'east-1',
        tags: '{ tier: edge, rack: "7" }',
        ...vips('{ zones: [east-1, east-2], tags: { tier: edge }, spread: web }'),
      }),
    );
    expect(config).toMatchObject({ zone: 'east-1', tags: { tier: 'edge', rack: '7' } });
    expect(config.vips[0]?.constraints).toEqual({
      zones: ['east-1', 'east-2'],
      tags: { tier: 'edge' },
      spread: 'web',
    });
  });

  test('where nothing is said there is nothing, and the digest is that of older releases', () => {
    const config = configOf(file());
    expect(config.vips[0]).not.toHaveProperty('constraints');
    expect(config).not.toHaveProperty('zone');
    expect(config.digest).toBe(configOf(file({ zone: 'x', tags: '{ a: b }' })).digest);
    expect(config.digest).toBe('c168b7b33a180cbd');
  });

  test('constraints must be equal everywhere, in whatever order they are written', () => {
    const digest = (constraints: string) => configOf(file({ zone: 'a', ...vips(constraints) })).digest;
    const one = digest('{ zones: [a, b], tags: { x: y, u: v } }');
    expect(digest('{ tags: { u: v, x: y }, zones: [b, a] }')).toBe(one);
    expect(digest('{ zones: [a], tags: { x: y, u: v } }')).not.toBe(one);
    expect(digest('{ zones: [a, b], tags: { x: z, u: v } }')).not.toBe(one);
    expect(digest('{ zones: [a, b], tags: { x: y, u: v }, spread: s }')).not.toBe(one);
  });

  test.each([
    [{ tags: '{ rack: 7 }' }, '3:7 tags.rack: not the value of a tag'],
    [vips('{ zones: [] }'), '4:59 vips.web-1.constraints.zones: '],
    [vips('{ zone: a }'), '4:52 vips.web-1.constraints.zone: '],
    [{ zone: '"-"' }, 'zone: not a zone name'],
  ])('%j is refused', (changes, problem) => {
    expect(problemsOf(file(changes)).join('\n')).toContain(problem.replace(/^\d+:\d+ /, ''));
  });

  test('a host without a zone is told that it will never hold what is for some zones', () => {
    expect(warningsOf(file(vips('{ zones: [a] }')))).toEqual([
      'vips.web-1.constraints: is for some zones only, and this host says none: it will never hold it',
    ]);
    expect(warningsOf(file({ zone: 'b', ...vips('{ zones: [a] }') }))).toEqual([]);
    expect(warningsOf(file(vips('{ spread: a }')))).toEqual([
      'vips.web-1.constraints: is to be spread over zones, and this host says none',
    ]);
  });
});

describe('the policy of a VIP', () => {
  const policyOf = (changes: Record<string, string>) => configOf(file(changes)).vips[0]?.policy;
  const carriedBy = (providers: string, more = '') => ({
    vips: `{ web-1: { addresses: [10.0.0.100], providers: [${providers}]${more} } }`,
  });

  test('is `primary` where a cloud may carry it, also on a host that has no such provider', () => {
    expect(policyOf({})).toBe('component');
    expect(policyOf(carriedBy('local'))).toBe('component');
    expect(policyOf(carriedBy('aws, local'))).toBe('primary');
    expect(policyOf(carriedBy('local, gcp'))).toBe('primary');
    const other = { providers: '{ local: { interface: eth0 }, gcp: { kind: memory } }' };
    expect(policyOf({ ...other, ...carriedBy('local, gcp') })).toBe('component');
  });

  test('is what somebody says: at the VIP, else for the file', () => {
    expect(policyOf({ policy: 'component', ...carriedBy('aws, local') })).toBe('component');
    expect(policyOf({ policy: 'primary' })).toBe('primary');
    expect(policyOf({ policy: 'primary', ...carriedBy('aws, local', ', policy: component') })).toBe(
      'component',
    );
  });

  test('wants to be said where a provider is not in this file and its name does not tell its kind', () => {
    const three = { group: '{ peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: k }' };
    const what = 'of what kind east is, this file does not say, and without it not which policy is meant';
    expect(warningsOf(file({ ...three, ...carriedBy('east, local') }))).toEqual([`vips.web-1: ${what}`]);
    expect(warningsOf(file({ ...three, ...carriedBy('east, local', ', policy: primary') }))).toEqual([]);
    expect(warningsOf(file({ ...three, policy: 'primary', ...carriedBy('east, local') }))).toEqual([]);
    expect(warningsOf(file({ ...three, ...carriedBy('aws, local') }))).toEqual([]);
  });

  test('of two members without a tie-break is warned of, also where it is the default', () => {
    expect(warningsOf(file(carriedBy('aws, local'))).join()).toMatch(
      /^quorum: of two members with one vote each neither can act alone/,
    );
  });
});
