import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { monotonicNow } from '../../../src/platform/clock.ts';
import { FLOOD_BYTES, type ProgramOutcome, runProgram } from '../../../src/platform/program.ts';
import { userIn } from '../../../src/platform/program-file.ts';
import { openProgramRunner } from '../../../src/platform/program-runner.ts';

// Real programs take their time where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'wackamole-program-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function script(body: string, mode = 0o755): string {
  count += 1;
  const file = join(folder, `program-${count}`);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, mode);
  return file;
}

const run = (body: string, more: Partial<Parameters<typeof runProgram>[0]> = {}) =>
  runProgram({ argv: [script(body)], timeout: 10_000, ...more });

/** Whether a process that wrote its number there still is. */
const alive = (file: string) => existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`);
const gone = async (file: string) => expect.poll(() => alive(file), { timeout: 3_000 }).toBe(false);

describe('runProgram', () => {
  test('gives what it was told, and takes what it says and its status', async () => {
    const body = 'cat; echo "$1|$2|$X" >&2; exit 3';
    const request = { argv: [script(body), 'a b', '$HOME'], stdin: '{"x":1}', env: { X: 'y z' } };
    const outcome = await runProgram({ ...request, timeout: 10_000 });
    expect(outcome).toMatchObject({ end: 'exited', code: 3, reason: 'exit status 3' });
    expect(outcome).toMatchObject({ stdout: '{"x":1}', stderr: 'a b|$HOME|y z\n' });
  });

  test('gives nothing else: environment, folder, descriptors, session', async () => {
    process.env['SECRET'] = 'x';
    onTestFinished(() => void delete process.env['SECRET']);
    const { stdout } = await run(
      '/usr/bin/env; pwd; for fd in /proc/$$/fd/*; do [ -L $fd ] && echo "fd $fd"; done; true',
    );
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => line.includes('=')).map((line) => line.split('=')[0])).toEqual(
      expect.arrayContaining(['LC_ALL', 'PATH', 'PWD']),
    );
    expect(lines.filter((line) => line.includes('=')).length).toBe(3);
    expect(lines).toContain('/');
    // The script itself is 10 to dash, which opens it.
    const open = lines.filter((line) => line.startsWith('fd ')).map((line) => line.split('/').at(-1));
    expect(open.filter((fd) => fd !== '10')).toEqual(['0', '1', '2']);
  });

  test('ends one that hangs, with all of its group, though they ignore SIGTERM', async () => {
    const pid = join(folder, 'hanging');
    const before = monotonicNow();
    const outcome = await run(
      `trap '' TERM; (trap '' TERM; echo $$ > ${pid}; sleep 60) & echo begun; sleep 60`,
      {
        timeout: 300,
      },
    );
    expect(outcome).toMatchObject({ end: 'timeout', stdout: 'begun\n' });
    expect(outcome.reason).toContain('300 ms');
    expect(monotonicNow() - before).toBeLessThan(5_000);
    await gone(pid);
  });

  test('ends what one leaves running in its group', async () => {
    const pid = join(folder, 'left');
    const outcome = await run(`sleep 60 & echo $! > ${pid}; exit 0`);
    expect(outcome).toMatchObject({ end: 'exited', code: 0 });
    expect(outcome.duration).toBeLessThan(5_000);
    await gone(pid);
  });

  test('does not wait for one that went into a session of its own with our pipes', async () => {
    const pid = join(folder, 'daemon');
    const outcome = await run(`setsid sleep 20 & echo $! > ${pid}; exec sleep 0.2`);
    expect(outcome).toMatchObject({ end: 'exited', code: 0 });
    expect(outcome.duration).toBeLessThan(5_000);
    expect(alive(pid)).toBe(true);
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL');
  });

  test('keeps the first of what is written, and ends who writes without end', async () => {
    const some = await run('head -c 100000 /dev/zero | tr "\\0" x; echo done >&2');
    expect(some).toMatchObject({ end: 'exited', code: 0, stderr: 'done\n' });
    expect(some.stdout).toBe('x'.repeat(4096));
    const endless = await run('yes');
    expect(endless).toMatchObject({ end: 'flooded' });
    expect(endless.reason).toContain(String(FLOOD_BYTES));
    expect(endless.stdout.length).toBe(4096);
  });

  test('is not put off by one that closes or does not read its input', async () => {
    expect(await run('exec 0<&-; sleep 0.1; exit 0', { stdin: 'x'.repeat(1 << 20) })).toMatchObject({
      code: 0,
    });
    expect(await run('exit 7', { stdin: 'x'.repeat(1 << 20) })).toMatchObject({ code: 7 });
  });

  test('tells a signal, and an abort', async () => {
    expect(await run('kill -9 $$')).toMatchObject({ end: 'signalled', reason: 'ended by SIGKILL' });
    const abort = new AbortController();
    const aborted = runProgram({ argv: [script('sleep 60')], timeout: 60_000 }, abort.signal);
    setTimeout(() => abort.abort(), 100);
    expect(await aborted).toMatchObject({ end: 'aborted' });
  });

  test.each<[string, () => string, RegExp]>([
    ['is missing', () => join(folder, 'nowhere'), /is not there/],
    ['is not executable', () => script('exit 0', 0o644), /chmod \+x/],
    ['is a folder', () => folder, /no plain file/],
    ['can be changed by others', () => script('exit 0', 0o757), /chmod go-w/],
    ['names what does not exist to run it', () => interpreted('/nowhere/sh'), /first line/],
    ['is no program', () => raw('hello'), /#!\/bin\/sh/],
    ['lies where others may put another', () => inOpenFolder(), /can be replaced by others/],
  ])('does not start one that %s', async (_, make, reason) => {
    const outcome = await runProgram({ argv: [make()], timeout: 10_000 });
    expect(outcome).toMatchObject({ end: 'not-started', reason: expect.stringMatching(reason) });
  });

  test('does not know a user who is not there', async () => {
    const outcome = await run('exit 0', { user: 'nobody-of-that-name' });
    expect(outcome).toMatchObject({ end: 'not-started', reason: expect.stringContaining('no user') });
  });

  test('runs it as another user, with nothing of root', async (context) => {
    if (process.geteuid?.() !== 0 || !readFileSync('/proc/self/uid_map', 'utf8').includes('4294967295'))
      return context.skip('needs root of the machine');
    const seen = join(folder, 'open');
    mkdirSync(seen);
    chmodSync(folder, 0o755);
    const outcome = await run('id -u; id -G; grep Cap /proc/self/status', { user: 'nobody' });
    const [uid, groups, ...caps] = outcome.stdout.trim().split('\n');
    expect([uid, groups]).toEqual(['65534', '65534']);
    const held = caps.filter((line) => !line.startsWith('CapBnd'));
    expect(held.length).toBe(4);
    for (const line of held) expect(line).toMatch(/:\t0+$/);
  });
});

function raw(text: string): string {
  const file = script('');
  writeFileSync(file, text);
  return file;
}

function interpreted(by: string): string {
  return raw(`#!${by}\n`);
}

function inOpenFolder(): string {
  const open = join(folder, 'writable');
  mkdirSync(open, { recursive: true });
  chmodSync(open, 0o777);
  const file = join(open, 'program');
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

describe('openProgramRunner', () => {
  test('runs many at once, on a thread of its own at ordinary priority', async () => {
    const runner = openProgramRunner();
    onTestFinished(() => runner.close());
    const all = join(folder, 'all');
    mkdirSync(all);
    // Each waits for the others.
    const argv = [script(`: > ${all}/$$; until [ $(ls ${all} | wc -l) = 8 ]; do sleep 0.05; done; nice`)];
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => runner.run({ argv, timeout: 20_000 })),
    );
    expect(outcomes.map(({ code, stdout }: ProgramOutcome) => [code, stdout])).toEqual(
      Array(8).fill([0, '0\n']),
    );
  });

  test('aborts one, and all of them when it is closed', async () => {
    const runner = openProgramRunner();
    const argv = [script('sleep 60')];
    const abort = new AbortController();
    const one = runner.run({ argv, timeout: 60_000 }, abort.signal);
    const other = runner.run({ argv, timeout: 60_000 });
    abort.abort();
    expect(await one).toMatchObject({ end: 'aborted' });
    await runner.close();
    expect(await other).toMatchObject({ end: 'aborted' });
    expect(await runner.run({ argv, timeout: 1 })).toMatchObject({ end: 'not-started' });
  });
});

test('userIn reads passwd(5) by name and by number, and skips what is none', () => {
  const text = 'root:x:0:0:root:/root:/bin/sh\nbad\nodd:x:a:b::\napp:x:1001:1002::/:/bin/false\n';
  expect(userIn(text, 'app')).toEqual({ uid: 1001, gid: 1002 });
  expect(userIn(text, '1001')).toEqual({ uid: 1001, gid: 1002 });
  expect(userIn(text, 'odd')).toBeUndefined();
  expect(userIn(text, 'x')).toBeUndefined();
});
