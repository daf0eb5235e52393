import { describe, expect, it } from 'vitest';
import { configOf, file, problemsOf, warningsOf } from './parse-text.ts';

const withChecks = (checks: string, changes: Record<string, string> = {}) => file({ checks, ...changes });

describe('section checks', () => {
  it('reads each kind, with the patience that goes with it', () => {
    const { checks } = configOf(
      withChecks(
        '{ web: { command: /usr/bin/curl -fs http://127.0.0.1/, user: nobody }, db: { tcp: "127.0.0.1:5432" }, up: { interface: eth1 }, p: { process: haproxy }, f: { file: ok }, m: { no_file: /run/maintenance, penalty: 3 } }',
      ),
    );
    expect(checks.map(({ name, probe, rise, fall }) => [name, probe, rise, fall])).toEqual([
      ['web', { kind: 'command', argv: ['/usr/bin/curl', '-fs', 'http://127.0.0.1/'], user: 'nobody' }, 2, 3],
      ['db', { kind: 'tcp', host: '127.0.0.1', port: 5432 }, 2, 3],
      ['up', { kind: 'interface', interface: 'eth1' }, 1, 1],
      ['p', { kind: 'process', process: 'haproxy' }, 1, 1],
      ['f', { kind: 'file', path: 'ok', present: true }, 1, 1],
      ['m', { kind: 'file', path: '/run/maintenance', present: false }, 1, 1],
    ]);
    expect(checks[0]).toMatchObject({
      interval_ms: 2000,
      timeout_ms: 1000,
      hold_ms: 5000,
      when_all_fail: 'keep',
    });
    expect(checks[5]).toMatchObject({ penalty: 3 });
  });

  it('names VIPs, ranges too', () => {
    const vips = '{ "web-{1..3}": "10.0.0.{101..103}" }';
    const { checks } = configOf(withChecks('{ f: { file: /x, vips: [web-1, "web-{2..3}"] } }', { vips }));
    expect(checks[0]?.vips).toEqual(['web-1', 'web-2', 'web-3']);
  });

  it.each([
    ['{ f: {} }', 'says nothing to look at'],
    ['{ f: { file: /x, process: y } }', 'looks at several things: process, file'],
    ['{ f: { tcp: 127.0.0.1 } }', '"127.0.0.1" names no port that there is'],
    ['{ f: { tcp: "web:80" } }', '"web:80" is not an IP address'],
    ['{ f: { file: /x, vips: [web-2] } }', 'no VIP is called web-2'],
    [
      '{ f: { file: /x, penalty: 2, when_all_fail: release } }',
      'with `penalty` a failing check takes nothing away, so there is nothing to release',
    ],
    ['{ f: { file: /x, user: nobody } }', 'only a `command` runs as somebody'],
    ['{ f: { command: curl } }', 'absolute'],
    ['{ f: { process: "a/b" } }', 'cannot be the name of a program'],
    ['{ f: { file: /x, rise: 0 } }', ''],
    ['{ f: { file: /x, intervall: 1s } }', 'unknown key'],
  ])('refuses %s', (checks, what) => {
    const problems = problemsOf(withChecks(checks));
    expect(problems.join('\n')).toContain('checks.f');
    expect(problems.join('\n')).toContain(what);
  });

  it('warns of a timeout beyond the interval, and of an interface that is watched anyway', () => {
    expect(warningsOf(withChecks('{ f: { file: /x, timeout: 5s } }'))).toEqual([
      'checks.f.timeout: is longer than the interval (2s), so a look that hangs puts off the next',
    ]);
    const vips = '{ web-1: { addresses: [10.0.0.100], interface: eth1 } }';
    expect(warningsOf(withChecks('{ f: { interface: eth1 } }', { vips }))).toEqual([
      'checks.f.interface: eth1 carries web-1, which moves away without a check when the carrier is lost',
    ]);
  });

  it('leaves the digest as it is: hosts may look at different things', () => {
    expect(configOf(withChecks('{ f: { file: /x } }')).digest).toBe(configOf(file()).digest);
  });
});
