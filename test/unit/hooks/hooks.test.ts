/** Real programs, run by the real runner. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { HooksConfig } from '../../../src/config/hooks-section.ts';
import { Hooks } from '../../../src/hooks/hooks.ts';
import { openHooks, recordPath } from '../../../src/hooks/open-hooks.ts';
import { readUps } from '../../../src/hooks/up-record.ts';
import { monotonicNow } from '../../../src/platform/clock.ts';
import { openProgramRunner } from '../../../src/platform/program-runner.ts';
import { config, vip } from '../agent/config.ts';

// Real programs take their time where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'wackamole-hooks-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function script(body: string): string {
  count += 1;
  const file = join(folder, `hook-${count}`);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const file = (name: string) => join(folder, name);
const lines = (name: string) =>
  existsSync(file(name)) ? readFileSync(file(name), 'utf8').trim().split('\n') : [];

const program = (body: string, timeout_ms = 20_000) => ({ argv: [script(body)], timeout_ms });

function configWith(commands: Partial<HooksConfig['commands']>, more: Partial<HooksConfig> = {}) {
  count += 1;
  const none = { on_up: [], on_down: [], post_up: [], post_down: [] };
  return config({
    member: 'a',
    members: ['a'],
    vips: [],
    overrides: {
      control: { socket: file(`socket-${count}.sock`) },
      providers: { memory: { kind: 'memory' } },
      hooks: { commands: { ...none, ...commands }, parallel: 4, stop_timeout_ms: 30_000, ...more },
    },
  });
}

interface Line {
  readonly level: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

function listening() {
  const log: Line[] = [];
  const note = (level: string) => (fields: object, text: string) => void log.push({ ...fields, level, text });
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn') };
  return { log, logger };
}

function hooksWith(...given: Parameters<typeof configWith>) {
  const { log, logger } = listening();
  const settings = configWith(...given);
  const hooks = new Hooks(settings, {
    runner: openProgramRunner(),
    record: undefined,
    logger,
    wall: () => 0,
  });
  onTestFinished(() => hooks.finish());
  return { hooks, log, settings };
}

const web = {
  ...vip('web-1'),
  addresses: [{ family: 4, address: '10.0.0.1', prefixLength: 24, interface: 'eth1' }],
} as const;
const up = { event: 'on_up', vips: [web], reason: 'because' } as const;
const down = { ...up, event: 'on_down' } as const;

describe('hooks', () => {
  test('say what happened on standard input and in variables', async () => {
    const { hooks } = hooksWith({
      on_up: [program(`cat > ${file('told')}; env | grep WACK | sort > ${file('env')}`)],
    });
    hooks.take({ ...up, view: { id: '7.a' as never, epoch: 7 } });
    await hooks.finish();
    expect(JSON.parse(readFileSync(file('told'), 'utf8'))).toEqual({
      version: 1,
      event: 'on_up',
      vip: {
        id: 'web-1',
        addresses: [{ family: 4, address: '10.0.0.1', prefix_length: 24, interface: 'eth1' }],
      },
      reason: 'because',
      time: '1970-01-01T00:00:00.000Z',
      cluster: 'test',
      member: 'a',
      view: '7.a',
      fence: 7,
    });
    expect(lines('env')).toEqual([
      'WACKAMOLE_ADDRESSES=10.0.0.1/24',
      'WACKAMOLE_CLUSTER=test',
      'WACKAMOLE_EVENT=on_up',
      'WACKAMOLE_HOOK_VERSION=1',
      'WACKAMOLE_INTERFACES=eth1',
      'WACKAMOLE_MEMBER=a',
      'WACKAMOLE_VIP=web-1',
    ]);
  });

  test('run in order for a VIP, all commands of an event, whatever becomes of each', async () => {
    const say = (word: string) => `echo ${word} >> ${file('order')}`;
    const { hooks, log } = hooksWith({
      on_up: [
        program(`sleep 0.2; ${say('one')}; exit 3`),
        { argv: ['/nowhere/hook'], timeout_ms: 1000 },
        program(say('two')),
      ],
      on_down: [program(say('three'))],
      post_down: [program(`cat >> ${file('post')}`)],
    });
    hooks.take(up);
    hooks.take(down);
    hooks.take({ ...down, event: 'post_down' });
    await hooks.finish();
    expect(lines('order')).toEqual(['one', 'two', 'three']);
    expect(JSON.parse(lines('post')[0]!)).toMatchObject({ event: 'post_down', vips: [{ id: 'web-1' }] });
    expect(
      log.filter(({ text }) => text.startsWith('hook ')).map(({ text, result }) => [text, result]),
    ).toEqual([
      ['hook failed', 'exit status 3'],
      ['hook failed', '/nowhere/hook is not there'],
      ['hook ran', 'exit status 0'],
      ['hook ran', 'exit status 0'],
      ['hook ran', 'exit status 0'],
    ]);
    expect(hooks.status().results.map(({ ok }) => ok)).toEqual([false, false, true, true, true]);
    expect(hooks.warnings()).toEqual([
      expect.stringMatching(/^hook on_up .* for web-1: exit status 3$/),
      'hook on_up /nowhere/hook for web-1: /nowhere/hook is not there',
    ]);
  });

  test('warn no more once the command has worked', async () => {
    const { hooks } = hooksWith({ on_up: [program(`[ -e ${file('repaired')} ]`)] });
    hooks.take(up);
    await expect.poll(() => hooks.warnings().length, { timeout: 20_000 }).toBe(1);
    writeFileSync(file('repaired'), '');
    hooks.take(down);
    hooks.take(up);
    await hooks.finish();
    expect(hooks.warnings()).toEqual([]);
  });

  test('that hang hold up nobody but the end of the agent, and that only for its time', async () => {
    const { hooks, log } = hooksWith(
      { on_up: [program('sleep 60', 60_000)] },
      { stop_timeout_ms: 300, parallel: 1 },
    );
    const before = monotonicNow();
    for (let at = 0; at < 1000; at++) hooks.take({ ...up, vips: [vip(`v${at}`)] });
    expect(monotonicNow() - before).toBeLessThan(1_000);
    expect(hooks.status()).toMatchObject({ running: 1, waiting: 999 });
    await hooks.finish();
    expect(monotonicNow() - before).toBeLessThan(15_000);
    expect(log.find(({ text }) => text === 'hooks are given up')).toMatchObject({ running: 1, waiting: 999 });
  });

  test('write what they write to the log, the first of it', async () => {
    const { hooks, log } = hooksWith({ on_up: [program('echo hello; yes | head -c 5000 >&2; exit 1')] });
    hooks.take(up);
    await hooks.finish();
    const [line] = log.filter(({ text }) => text === 'hook failed');
    expect(line).toMatchObject({ stdout: 'hello\n', vip: 'web-1', event: 'on_up' });
    expect(String(line?.['stderr']).length).toBe(1000);
  });
});

describe('a new agent', () => {
  test('tells on_down for what its predecessor told to be here and no more', async () => {
    const settings = configWith({ on_down: [program(`cat >> ${file('left')}`)] });
    const parts = { ...listening(), wall: () => 0 };
    const first = await openHooks(settings, parts);
    for (const id of ['x', 'y', 'z']) first.take({ ...up, vips: [{ ...web, id }] });
    first.take({ ...down, vips: [{ ...web, id: 'y' }] });
    await expect.poll(() => first.status().running, { timeout: 20_000 }).toBe(0);
    rmSync(file('left'));
    // It dies here: nobody closes anything.
    const second = await openHooks(settings, parts);
    await second.finish();
    const told = lines('left').map((line) => JSON.parse(line) as { event: string; vip: { id: string } });
    expect(told.map(({ event, vip: of }) => [event, of.id])).toEqual(
      expect.arrayContaining([
        ['on_down', 'x'],
        ['on_down', 'z'],
      ]),
    );
    expect(told.length).toBe(2);
    expect(told[0]?.vip).toMatchObject({ addresses: [{ address: '10.0.0.1', interface: 'eth1' }] });
    const third = await openHooks(settings, parts);
    await third.finish();
    expect(lines('left').length).toBe(2);
    await first.finish();
  });

  test('goes on where the record cannot be had, and says so', async () => {
    const settings = configWith({ on_up: [program(`echo ran > ${file('without')}`)] });
    writeFileSync(`${recordPath(settings)}.target`, '');
    rmSync(recordPath(settings), { force: true });
    const { log, logger } = listening();
    const nowhere = { ...settings, control: { socket: '/nowhere/at/all.sock' } };
    const hooks = await openHooks(nowhere, { logger, wall: () => 0 });
    hooks.take(up);
    await hooks.finish();
    expect(lines('without')).toEqual(['ran']);
    expect(log[0]).toMatchObject({ level: 'warn', reason: expect.stringContaining('/nowhere/at/all.hooks') });
  });
});

test('readUps takes what it understands of a damaged file', () => {
  const plus = (id: string) => JSON.stringify(['+', { id, addresses: [] }]);
  const text = [
    plus('a'),
    '["+",{"id":7}]',
    '["-","b"]',
    plus('b'),
    '["-","a"]',
    'null',
    '{}',
    '["+",null]',
    plus('c').slice(0, 9),
    '["+",{"id":"d","addresses":[null]}]',
  ];
  expect(readUps(text.join('\n')).map(({ id }) => id)).toEqual(['b']);
});
