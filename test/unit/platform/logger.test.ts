import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogSink } from '../../../src/platform/log-sink.ts';
import { createLogger } from '../../../src/platform/logger.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-'));
  file = join(folder, 'deep', 'agent.log');
});

afterEach(() => rm(folder, { recursive: true }));

const records = async (path: string) =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('createLogger', () => {
  test('writes records with ISO time and the name of the level, from its level upwards', async () => {
    const log = createLogger({ level: 'info', file });
    log.debug({}, 'not this');
    log.info({ vip: 'web-1' }, 'acquired');
    log.setLevel('debug');
    log.debug({}, 'but this');
    await log.close();
    const [first, second, ...others] = await records(file);
    expect(first).toMatchObject({ level: 'info', vip: 'web-1', msg: 'acquired' });
    expect(new Date(first!['time'] as string).toISOString()).toBe(first!['time']);
    expect(second).toMatchObject({ level: 'debug', msg: 'but this' });
    expect(others).toEqual([]);
    expect(log.counters()).toEqual({ log_errors: 0, log_lines_dropped: 0 });
  });

  test('a line that waits for pino keeps its order and the time at which it was said', async () => {
    const log = createLogger({ level: 'info', file });
    const before = Date.now();
    log.info({ n: 0 }, 'said at once');
    const said = Date.now();
    await expect.poll(() => readFile(file, 'utf8')).toContain('said at once');
    log.info({ n: 1 }, 'said later');
    await log.close();
    const [first, second] = await records(file);
    expect([first!['n'], second!['n']]).toEqual([0, 1]);
    const time = Date.parse(first!['time'] as string);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(said);
    expect(Date.parse(second!['time'] as string) - time).toBeGreaterThan(50);
  });

  test('leaves out secrets and writes errors with their reason', async () => {
    const log = createLogger({ level: 'info', file });
    log.info(
      {
        key: 'k1',
        group: { key: 'k2', port: 1 },
        config: { group: { key: 'k3' } },
        error: new Error('broken'),
      },
      'x',
    );
    await log.close();
    const text = await readFile(file, 'utf8');
    expect(text).not.toMatch(/k[123]"/);
    expect(JSON.parse(text)).toMatchObject({
      group: { key: '[secret]', port: 1 },
      error: { message: 'broken' },
    });
  });

  test('says where and how to mend it when the file cannot be opened', async () => {
    await writeFile(join(folder, 'plain'), '');
    expect(() => createLogger({ level: 'info', file: join(folder, 'plain', 'x.log') })).toThrow(
      /set log.file to one that can be written/,
    );
  });

  test('goes on in a new file after rotation, losing nothing', async () => {
    const log = createLogger({ level: 'info', file });
    for (let n = 0; n < 200; n += 1) log.info({ n }, 'before');
    await expect.poll(() => readFile(file, 'utf8')).toContain('"n":0');
    await rename(file, `${file}.1`);
    log.reopen();
    for (let n = 200; n < 400; n += 1) log.info({ n }, 'after');
    await log.close();
    const all = [...(await records(`${file}.1`)), ...(await records(file))];
    expect(all.map(({ n }) => n)).toEqual(Array.from({ length: 400 }, (_, n) => n));
  });

  test('takes lines after it was closed without complaint, and counts them', async () => {
    const log = createLogger({ level: 'info', file });
    await log.close();
    log.info({}, 'late');
    expect(log.counters().log_lines_dropped).toBe(1);
  });
});

describe('LogSink', () => {
  test('outlives a full disk: counts, never throws, keeps a bounded rest', async () => {
    const sink = new LogSink(openSync('/dev/full', 'w'), { owned: true });
    const line = `${'x'.repeat(1023)}\n`;
    for (let n = 0; n < 8192; n += 1) sink.write(line);
    await expect.poll(() => sink.errors).toBeGreaterThan(0);
    expect(sink.dropped).toBeGreaterThan(3000);
    expect(sink.trouble).toBe('ENOSPC');
    await sink.close(50);
    expect(sink.dropped).toBeGreaterThan(8000);
  });

  test('writes what waited once the disk has room again', async () => {
    const sink = new LogSink(openSync('/dev/full', 'w'), { owned: true });
    sink.write('first\n');
    await expect.poll(() => sink.errors).toBeGreaterThan(0);
    sink.replace(openSync(join(folder, 'room'), 'a'));
    sink.write('second\n');
    await sink.close(5000);
    expect(sink.trouble).toBeUndefined();
    expect(await readFile(join(folder, 'room'), 'utf8')).toBe('first\nsecond\n');
  });

  test('outlives a closed pipe', async () => {
    const program = `
      import { createLogger } from ${JSON.stringify(join(import.meta.dirname, '../../../src/platform/logger.ts'))};
      const log = createLogger({ level: 'info' });
      const timer = setInterval(() => {
        log.info({}, 'tick');
        if (log.counters().log_errors === 0) return;
        clearInterval(timer);
        log.close().then(() => console.log('alive'));
      }, 5);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.destroy();
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    const [code] = await once(child, 'exit');
    expect({ code, out }).toEqual({ code: 0, out: 'alive\n' });
  });
});
