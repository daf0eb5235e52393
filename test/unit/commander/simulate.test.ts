import { describe, expect, test } from 'vitest';
import type { RehearsalOptions } from '../../../src/commander/collaborators.ts';
import type { Rehearsed } from '../../../src/model/rehearsal.ts';
import { rehearse } from '../../../src/simulation/rehearsal.ts';
import { run } from './collaborators-example.ts';

const FILE = `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: /k }
providers: { local: { interface: eth0 } }
vips: { 'web-{1..9}': '10.0.0.{101..109}', db: { addresses: [10.0.0.200], policy: primary } }
`;
const files = { '/etc/wackamole/wackamole.yaml': FILE };

const really = (options: RehearsalOptions) => Promise.resolve(rehearse(options));
const simulate = (words: string) => run(`simulate ${words}`, { files, rehearse: really });

async function answer(words: string): Promise<Rehearsed> {
  const { code, out, err } = await simulate(`${words} --seeds 3 --json`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Rehearsed;
}

describe('wackamole simulate', () => {
  test('tells who serves what after a host died, and how long it took', async () => {
    const { runs, sides } = await answer('--fault kill:b');
    expect(runs).toBe(3);
    expect(sides).toHaveLength(1);
    const [{ hosts, interrupted, until_served_ms, unserved }] = sides as [Rehearsed['sides'][0]];
    expect(hosts.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(hosts.reduce((sum, { vips }) => sum + vips.median, 0)).toBe(10);
    expect(interrupted.median).toBeGreaterThanOrEqual(3);
    // Noticed after a probe timeout, 150 ms, and before twice what a silent host takes at most.
    expect(until_served_ms.median).toBeGreaterThan(100);
    expect(until_served_ms.worst).toBeLessThan(1_000);
    expect(unserved).toEqual([]);
  });

  test('tells each side of a cut apart, and what needs a quorum', async () => {
    const { sides } = await answer('--fault cut:a');
    expect(sides.map(({ hosts }) => hosts.map(({ name }) => name).join())).toEqual(['b,c', 'a']);
    expect(sides[0]!.unserved).toEqual([]);
    // What b and c had is down for a until it takes over.
    expect(sides[1]!.interrupted.median).toBeGreaterThanOrEqual(5);
    expect(sides[1]!.unserved).toEqual([{ vip: 'db', reason: expect.stringContaining('1 of 3 votes') }]);
  });

  test('hands VIPs over in milliseconds where a host is drained', async () => {
    const { sides } = await answer('--fault drain:c');
    expect(sides[0]!.until_served_ms.worst).toBeLessThan(100);
    expect(sides[0]!.hosts.find(({ name }) => name === 'c')!.vips.worst).toBe(0);
  });

  test('tells people the same', async () => {
    const { code, out } = await simulate('--fault kill:a --fault crash:b --seeds 2');
    expect(code).toBe(0);
    expect(out).toContain('kill a; crash b — 2 simulated runs');
    expect(out).toMatch(/HOST +VIPS BEFORE +VIPS AFTER +LOAD AFTER/);
    expect(out).toContain('db is served by nobody: ');
  });

  test('tells that nobody is left', async () => {
    expect((await simulate('--fault kill:a,b,c --seeds 1')).out).toContain('No host is left.');
  });

  test.each([
    ['--fault kill:d', 'there is no host d; the hosts are a, b, c'],
    ['--fault kill:aa', 'there is no host aa (did you mean a?)'],
    ['--fault melt:a', 'Write one of kill, crash, cut, drain, a colon and hosts'],
    ['--fault kill', 'Write one of kill, crash, cut, drain, a colon and hosts'],
    ['--fault kill:', 'A member name has letters'],
    ['--seeds 3', "required option '--fault <kind:hosts>' not specified"],
    ['--fault kill:a -c /none.yaml', 'cannot read /none.yaml'],
    ['--fault kill:a --hosts a', 'name all of them with --hosts a,b,c'],
    ['--fault kill:a --seeds 0', 'Write a whole number from 1 to 1000'],
  ])('%s is refused: %s', async (words, message) => {
    const { code, out, err } = await simulate(words);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('reads the file as one of its hosts where it is read elsewhere', async () => {
    const { code } = await run('simulate --fault kill:a --seeds 1', {
      files,
      rehearse: really,
      hostName: 'laptop',
    });
    expect(code).toBe(0);
  });
});
