import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitCommand } from '../../../src/config/command-line.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { configOf, file, parse } from './parse-text.ts';

const hooks = (text: string) => configOf(`${file()}\nhooks: ${text}\n`).hooks;
const problems = (text: string) => {
  const result = parse(`${file()}\nhooks: ${text}\n`);
  return result.ok ? '' : result.problems.map(formatProblem).join('\n');
};

describe('hooks', () => {
  test('are absent where nothing is to be run', () => {
    expect(configOf(file()).hooks).toBeUndefined();
    expect(hooks('{ parallel: 3 }')).toBeUndefined();
    expect(hooks('{ on_up: [] }')).toBeUndefined();
  });

  test('are one command, or a list of them, each as a text or as words', () => {
    const config = hooks(`
  on_up: /bin/up 'a b' c
  on_down: [/bin/down, /bin/other x, { command: "/bin/third y" }]
  post_up: [{ command: [/bin/sh, -c, 'date > /run/last'], timeout: 500ms, user: app }]
  parallel: 2
  stop_timeout: 0s`);
    expect(config).toEqual({
      commands: {
        on_up: [{ argv: ['/bin/up', 'a b', 'c'], timeout_ms: 10_000 }],
        on_down: [
          { argv: ['/bin/down'], timeout_ms: 10_000 },
          { argv: ['/bin/other', 'x'], timeout_ms: 10_000 },
          { argv: ['/bin/third', 'y'], timeout_ms: 10_000 },
        ],
        post_up: [{ argv: ['/bin/sh', '-c', 'date > /run/last'], timeout_ms: 500, user: 'app' }],
        post_down: [],
      },
      parallel: 2,
      stop_timeout_ms: 0,
    });
  });

  test('do not belong to what must be equal on all members', () => {
    expect(configOf(`${file()}\nhooks: { on_up: /bin/up }\n`).digest).toBe(configOf(file()).digest);
  });

  test.each([
    ['{ on_up: up }', 'absolute path'],
    ['{ on_up: "" }', 'hooks.on_up: is empty'],
    ['{ on_up: "/bin/a | /bin/b" }', '| means nothing here'],
    ['{ on_up: "/bin/a $X" }', '[/bin/sh, -c'],
    ['{ on_up: "/bin/a \'b" }', 'is not closed'],
    ['{ on_up: [/bin/a, --flag] }', '{ command: […] }'],
    ['{ on_up: [{ command: [] }] }', 'hooks.on_up[0].command'],
    ['{ on_up: [{ command: [bin/a] }] }', 'absolute path'],
    ['{ on_up: [{ command: /bin/a, timeout: 5 }] }', '5 has no unit'],
    ['{ on_up: [{ command: /bin/a, timeout: 2h }] }', 'out of range'],
    ['{ on_up: [{ command: /bin/a, user: "a b" }] }', 'cannot be a user'],
    ['{ on_upp: /bin/a }', 'did you mean "on_up"?'],
    ['{ on_up: [{ comand: /bin/a }] }', 'command'],
    ['{ parallel: 0 }', 'less than 1'],
  ])('%s is refused', (text, words) => {
    expect(problems(text)).toContain(words);
  });
});

describe('splitCommand', () => {
  test.each<[string, string[]]>([
    ['/bin/a', ['/bin/a']],
    ['  /bin/a \t b\nc ', ['/bin/a', 'b', 'c']],
    [`a'b c'd "e  f"`, ['ab cd', 'e  f']],
    [`'' ""`, ['', '']],
    [`a\\ b \\' \\\\`, ['a b', "'", '\\']],
    [`"a \\" b" 'c \\'`, ['a " b', 'c \\']],
    [`'$x|y' "*"`, ['$x|y', '*']],
    ['', []],
  ])('%j', (text, words) => {
    expect(splitCommand(text)).toEqual({ ok: true, words });
  });

  test('gives back any words that were quoted', () => {
    const quote = (word: string) => `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 12 }), { maxLength: 5 }), (words) => {
        const split = splitCommand(words.map(quote).join(' '));
        return split.ok && JSON.stringify(split.words) === JSON.stringify(words);
      }),
      { numRuns: 50 },
    );
  });

  test.each([`"a`, `'`, 'a\\'])('%j is not complete', (text) => {
    expect(splitCommand(text)).toMatchObject({ ok: false });
  });
});

describe('notify of a local provider', () => {
  const notify = (text: string) =>
    configOf(file({ providers: `{ local: { interface: eth0, notify: ${text} } }` })).providers['local'];
  const refusal = (text: string) => {
    const result = parse(file({ providers: `{ local: { interface: eth0, notify: ${text} } }` }));
    return result.ok ? '' : result.problems.map(formatProblem).join('\n');
  };

  test('is absent, or a list of addresses with their bounds', () => {
    expect(notify('[]')).not.toHaveProperty('notify');
    const list = '[10.0.0.1, { addresses: "2001:DB8::/120", interface: eth1, throttle: 5, ping: true }]';
    expect(notify(list)).toMatchObject({
      notify: [
        { family: 4, address: '10.0.0.1', prefixLength: 32, throttle: 100, ping: false },
        { family: 6, address: '2001:db8::', prefixLength: 120, interface: 'eth1', throttle: 5, ping: true },
      ],
    });
  });

  test('takes the neighbour caches of all members, which nobody reads unless asked to', () => {
    expect(notify('[10.0.0.1]')).not.toHaveProperty('shared_neighbours');
    const shared = notify(
      '[10.0.0.1, { neighbours: shared, interface: eth1 }], neighbour_share_interval: 90s',
    );
    expect(shared).toMatchObject({
      notify: [{ address: '10.0.0.1' }],
      shared_neighbours: {
        interval_ms: 90_000,
        notify: [{ interface: 'eth1', throttle: 100, ping: false }],
      },
    });
    expect(notify('[{ neighbours: shared }]')).toMatchObject({ shared_neighbours: { interval_ms: 60_000 } });
    expect(notify('[{ neighbours: shared }]')).not.toHaveProperty('notify');
  });

  test.each([
    ['[10.0.0.0/8]', 'more than 4096 neighbours'],
    ['["2001:db8::/64"]', 'write /116 to /128'],
    ['[gateway]', 'is not an IP address'],
    ['[{ addresses: 10.0.0.1, throttle: 0 }]', 'less than 1'],
    ['[10.0.0.1/33]', 'no prefix length'],
    ['[{ throttle: 5 }]', 'says not who is told'],
    ['[{ addresses: 10.0.0.1, neighbours: shared }]', 'has both `addresses` and `neighbours`'],
    ['[{ neighbours: all }]', 'notify[0].neighbours'],
    ['[{ neighbours: shared }], neighbour_share_interval: 1s', 'from 5s to 1h'],
  ])('%s is refused', (text, words) => {
    expect(refusal(text)).toContain(words);
  });
});
