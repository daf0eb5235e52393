import { describe, expect, test } from 'vitest';
import type { DemoOptions } from '../../../src/commander/collaborators.ts';
import { ControlError, type ControlErrorCode } from '../../../src/control/control-error.ts';
import type { Status } from '../../../src/model/status.ts';
import { statusExample } from '../control/status-example.ts';
import { run, STATUS } from './collaborators-example.ts';

const DEFAULT = { '/etc/wackamole/wackamole.yaml': 'cluster: web\n' };
const RIGHT = `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2 }, key_file: /k }
providers: { local: { interface: eth0 } }
vips: { web-1: 10.0.0.100 }
`;

describe('the command line', () => {
  test('prints the version and help, and ends with 0', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, out: '0.1.0\n' });
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const name of [
      'agent',
      'status',
      'drain',
      'undrain',
      'move',
      'rebalance',
      'reload',
      'config',
      'key',
      'spread',
      'demo',
    ]) {
      expect(help.out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    }
  });

  test.each([
    ['', 'Usage: wackamole'],
    ['statu', "unknown command 'statu'"],
    ['status --jsno', "unknown option '--jsno'"],
    ['status extra', 'too many arguments'],
    ['move web-1', "missing required argument 'member'"],
    ['drain ../x', 'A member name has letters'],
    ['status --timeout 5', 'Write a number and a unit'],
    ['demo --hosts 10', 'Write a whole number from 2 to 9'],
    ['demo --profile wan', 'Allowed choices are lan, fast'],
    ['config', 'Usage: wackamole config'],
    ['key', 'Usage: wackamole key'],
  ])('%j is a usage error: %s', async (words, message) => {
    const { code, err, out, asked } = await run(words, { files: DEFAULT });
    expect(err).toContain(message);
    expect({ code, out, asked }).toEqual({ code: 2, out: '', asked: [] });
  });

  test('hands agent and demo their options and ends with their code', async () => {
    const seen: unknown[] = [];
    const runAgent = (options: { config: string; core: boolean }) => Promise.resolve(seen.push(options) + 40);
    const runDemo = (options: DemoOptions) => Promise.resolve(seen.push(options) + 40);
    expect((await run('agent -c /x.yaml', { runAgent })).code).toBe(41);
    expect((await run('agent', { runAgent })).code).toBe(42);
    expect((await run('demo --hosts 5 --vips 20 --profile fast --json', { runDemo })).code).toBe(43);
    expect(seen).toEqual([
      { config: '/x.yaml', core: false },
      { config: '/etc/wackamole/wackamole.yaml', core: false },
      { hosts: 5, vips: 20, profile: 'fast', json: true, verbose: false },
    ]);
  });

  test('tells a bug from everything else', async () => {
    const runAgent = () => Promise.reject(new Error('impossible'));
    expect(await run('agent', { runAgent })).toMatchObject({
      code: 70,
      err: expect.stringContaining('impossible'),
    });
  });
});

describe('which agent is asked', () => {
  test.each([
    ['status', '/run/wackamole/web.sock'],
    ['status --socket /tmp/x.sock', '/tmp/x.sock'],
    ['status --config /etc/other.yaml', '/etc/run/other.sock'],
    ['status --config /etc/broken.yaml', '/run/wackamole/mid-edit.sock'],
  ])('%s: %s', async (words, socket) => {
    const files = {
      ...DEFAULT,
      '/etc/other.yaml': 'cluster: x\ncontrol: { socket: run/other.sock }\n',
      '/etc/broken.yaml': 'cluster: mid-edit\nvips: [\n',
    };
    expect((await run(words, { files })).asked).toEqual([[socket, { kind: 'status' }]]);
  });

  test('a file that is missing or says nothing is a usage error that tells how to mend it', async () => {
    expect(await run('status')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/does not exist.*--socket or --config/),
    });
    const files = { '/etc/wackamole/wackamole.yaml': '- 1\n' };
    expect(await run('status', { files })).toMatchObject({
      code: 2,
      err: expect.stringContaining('config check'),
    });
  });
});

describe('operator commands', () => {
  test.each([
    ['drain b', { kind: 'drain', member: 'b' }],
    ['undrain b', { kind: 'undrain', member: 'b' }],
    ['move web-1 b', { kind: 'move', vip: 'web-1', to: 'b' }],
    ['rebalance', { kind: 'rebalance' }],
  ])('%s', async (words, command) => {
    const result = await run(`${words} -s /s`);
    expect(result.asked).toEqual([['/s', { kind: 'command', command }]]);
    expect(result).toMatchObject({ code: 0, out: `${command.kind} done\n` });
  });

  test('drain without a member drains the one that is asked', async () => {
    expect((await run('drain -s /s')).asked.at(-1)).toEqual([
      '/s',
      { kind: 'command', command: { kind: 'drain', member: 'a' } },
    ]);
  });

  test('reload', async () => {
    expect(await run('reload -s /s')).toMatchObject({
      code: 0,
      out: 'reload done\n',
      asked: [['/s', { kind: 'reload' }]],
    });
  });

  test.each([
    ['unknown-vip', 1],
    ['detached', 1],
    ['bad-config', 2],
  ] as const)('a refusal (%s) ends with %d and says why', async (code, exit) => {
    const answer = () => ({ ok: false, code, message: 'there is no VIP x' }) as const;
    expect(await run('move x b -s /s', { answer })).toMatchObject({
      code: exit,
      out: '',
      err: `refused (${code}): there is no VIP x\n`,
    });
  });

  test.each([
    ['no-agent', 3],
    ['timeout', 4],
    ['closed', 4],
    ['permission', 4],
    ['protocol', 4],
  ] as [ControlErrorCode, number][])('no answer (%s) ends with %d', async (code, exit) => {
    const answer = () => new ControlError(code, 'what, where and how to mend it');
    expect(await run('rebalance -s /s', { answer })).toMatchObject({
      code: exit,
      out: '',
      err: 'what, where and how to mend it\n',
    });
  });
});

describe('status', () => {
  test('--json prints what the agent said', async () => {
    expect(JSON.parse((await run('status --json -s /s')).out)).toEqual(STATUS);
  });

  /** A watch that tells these statuses and then ends as given. */
  const watching = (statuses: readonly Status[], ended: Promise<void> = Promise.resolve()) => ({
    watch: (_: string, listener: (status: Status) => void) => {
      for (const status of statuses) listener(status);
      return { ended, close: () => {} };
    },
  });
  const change = (n: number) => ({
    at: `2026-01-02T12:00:0${n}.000Z`,
    what: `change ${n}`,
    reason: 'because',
  });
  const three = [[change(1)], [change(1)], [change(1), change(2), change(3)]].map((changes) =>
    statusExample({ changes }),
  );

  test('--watch prints a line for each change, once', async () => {
    const { out, code } = await run('status --watch -s /s', watching(three));
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, -1)).toEqual([
      'cluster web, member a is settled: 1 member, 1 held of 1',
      '2026-01-02T12:00:01.000Z change 1: because',
      '2026-01-02T12:00:02.000Z change 2: because',
      '2026-01-02T12:00:03.000Z change 3: because',
    ]);
  });

  test('--watch --json prints a line for each status', async () => {
    const { out } = await run('status --watch --json -s /s', watching(three));
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(three);
  });

  test('--watch draws anew on a terminal, and no more than it has room for', async () => {
    const terminal = () => ({ interactive: true, color: false, columns: 80, rows: 6 });
    const { out } = await run('status --watch -s /s', { ...watching(three), terminal });
    const screens = out.split('\u001b[H\u001b[2J\u001b[3J').slice(1);
    expect(screens).toHaveLength(3);
    for (const screen of screens) expect(screen.split('\n')).toHaveLength(6);
  });

  test('--watch ends as unknown when the agent goes', async () => {
    const gone = Promise.reject(new ControlError('closed', 'it broke'));
    expect(await run('status --watch -s /s', watching(three, gone))).toMatchObject({
      code: 4,
      err: 'it broke\n',
    });
  });
});

describe('config and key', () => {
  test('config check of a right file ends with 0 and a summary', async () => {
    const result = await run('config check /w.yaml', { files: { '/w.yaml': RIGHT } });
    expect(result).toMatchObject({ code: 0, err: '' });
    expect(result.out).toMatch(/^\/w\.yaml: ok; cluster web, member a, 1 VIP, digest [0-9a-f]{16}\n$/);
  });

  test('config check of a wrong file ends with 2 and says all', async () => {
    const files = { '/w.yaml': RIGHT.replace('10.0.0.100', '10.0.0.999').replace('eth0', 'eth0, leese: 3s') };
    const { code, out, err } = await run('config check /w.yaml', { files });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.split('\n')).toEqual([
      expect.stringContaining('/w.yaml:3:40: providers.local.leese: unknown key'),
      expect.stringContaining('/w.yaml:4:16: vips.web-1: "10.0.0.999" is not an IP address'),
      '/w.yaml: 2 problems',
      '',
    ]);
  });

  test('config check of a file that cannot be read ends with 2', async () => {
    expect(await run('config check /none.yaml')).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot read /none.yaml'),
    });
  });

  test('config check --host examines key and host, and ends with 1 if something fails', async () => {
    const files = { '/w.yaml': RIGHT };
    const check = (verdict: 'pass' | 'fail') => () =>
      Promise.resolve([
        { what: 'interface', verdict, detail: 'eth0 is missing', mend: 'plug it in' } as const,
      ]);
    expect(await run('config check --host /w.yaml', { files, checkHost: check('pass') })).toMatchObject({
      code: 0,
    });
    const failed = await run('config check --host /w.yaml', { files, checkHost: check('fail') });
    expect(failed.code).toBe(1);
    expect(failed.out).toContain('fail    interface: eth0 is missing; plug it in\n');
    const readKeyFile = () =>
      Promise.reject(new Error('the key file /k can be opened by others; run: chmod 600 /k'));
    const leaky = await run('config check --host /w.yaml', { files, readKeyFile });
    expect(leaky.code).toBe(1);
    expect(leaky.out).toContain(
      'fail    cluster key: the key file /k can be opened by others; run: chmod 600 /k\n',
    );
  });

  test('config check --host warns of a key that root can read and the service cannot', async () => {
    const serviceKeyProblem = (path: string) =>
      Promise.resolve(`${path} is root's; run: chown wackamole: ${path}`);
    const { code, out } = await run('config check --host /w.yaml', {
      files: { '/w.yaml': RIGHT },
      serviceKeyProblem,
    });
    expect(code).toBe(0);
    expect(out).toMatch(/^warn {4}cluster key: (\S+) is root's; run: chown wackamole: \1$/m);
  });

  test('config check --json is for programs', async () => {
    const { out, code } = await run('config check --json /w.yaml', { files: { '/w.yaml': 'cluster: 1' } });
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      problems: [{ line: 1, path: 'group' }, { path: 'vips' }, { path: 'cluster' }],
    });
  });

  test('config schema prints a JSON Schema', async () => {
    const { out, code } = await run('config schema');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ type: 'object', required: ['cluster', 'group', 'vips'] });
  });

  test('key generate prints a key, or writes one and does not print it', async () => {
    expect(await run('key generate')).toMatchObject({ code: 0, out: `${'ab'.repeat(32)}\n` });
    const written: string[] = [];
    const writeKeyFile = (path: string, key: string) => {
      written.push(path, key);
      return Promise.resolve();
    };
    const { out, code } = await run('key generate /k', { writeKeyFile });
    expect(code).toBe(0);
    expect(written).toEqual(['/k', 'ab'.repeat(32)]);
    expect(out).not.toContain('abab');
  });

  test('status looks at the socket for looking where the operator’s is closed to the user', async () => {
    const closed = new ControlError('permission', 'no right to talk to the agent');
    const sockets: string[] = [];
    const scene = (second: 'open' | 'none') => ({
      request: (socket: string) => {
        sockets.push(socket);
        if (!socket.endsWith('.status.sock')) return Promise.reject(closed);
        if (second === 'none') return Promise.reject(new ControlError('no-agent', 'no agent is running'));
        return Promise.resolve({ ok: true as const, status: STATUS });
      },
    });
    expect((await run('status --json --socket /s/web.sock', scene('open'))).code).toBe(0);
    expect(sockets).toEqual(['/s/web.sock', '/s/web.status.sock']);
    expect(await run('status --socket /s/web.sock', scene('none'))).toMatchObject({
      code: 4,
      err: 'no right to talk to the agent\n',
    });
    expect((await run('reload --socket /s/web.sock', scene('open'))).code).toBe(4);
  });

  describe('a key rotation', () => {
    const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
    /** Runs with key files by path, and says which keys the file has then. */
    const rotate = async (words: string, keys: Record<string, readonly number[]>) => {
      const files = new Map(Object.entries(keys).map(([path, bytes]) => [path, bytes.map(keyOf)]));
      const result = await run(words, {
        readKeyFile: (path) => Promise.resolve(files.get(path) ?? []),
        replaceKeyFile: (path, fresh) => {
          files.set(path, [...fresh]);
          return Promise.resolve();
        },
      });
      return { ...result, keys: files.get('/k')?.map((key) => key[0]) };
    };

    test('names, adds, uses and removes keys, and says what comes next', async () => {
      expect(await rotate('key fingerprint /k', { '/k': [1, 2] })).toMatchObject({
        code: 0,
        out: 'f1  in use\nf2  accepted\n',
      });
      expect(await rotate('key add /new /k', { '/k': [1], '/new': [2] })).toMatchObject({
        code: 0,
        keys: [1, 2],
        out: 'f1  in use\nf2  accepted\nin force on this host after: wackamole reload\n',
      });
      expect(await rotate('key use F2 /k', { '/k': [1, 2] })).toMatchObject({ code: 0, keys: [2, 1] });
      expect(await rotate('key remove f1 /k', { '/k': [2, 1] })).toMatchObject({ code: 0, keys: [2] });
    });

    test('changes nothing where a step is out of turn', async () => {
      expect(await rotate('key remove f1 /k', { '/k': [1, 2] })).toMatchObject({
        code: 1,
        keys: [1, 2],
        err: 'key f1 is the one in use; use another one first: wackamole key use FINGERPRINT\n',
      });
      expect(await rotate('key add /new /k', { '/k': [1, 2], '/new': [2] })).toMatchObject({
        code: 1,
        keys: [1, 2],
      });
      expect(await rotate('key use f9 /k', { '/k': [1, 2] })).toMatchObject({
        code: 1,
        keys: [1, 2],
        err: 'no key f9 in the file; it has f1, f2\n',
      });
    });
  });

  test('key generate that cannot write ends with 1', async () => {
    const writeKeyFile = () => Promise.reject(new Error('it exists already'));
    expect(await run('key generate /k', { writeKeyFile })).toMatchObject({
      code: 1,
      err: 'it exists already\n',
    });
  });
});
