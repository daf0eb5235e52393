import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { look, type SimpleProbe } from '../../../src/health/look.ts';
import { parseProcessName } from '../../../src/health/process-name.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'look-'));
});
afterAll(() => rm(folder, { recursive: true }));

const lookAt = (probe: SimpleProbe, signal = AbortSignal.timeout(2000)) => look(probe, signal);

describe('look', () => {
  it('at a file that must be there, or must not', async () => {
    const path = join(folder, 'flag');
    expect(await lookAt({ kind: 'file', path, present: true })).toMatchObject({
      ok: false,
      detail: `${path} is not there`,
    });
    expect(await lookAt({ kind: 'file', path, present: false })).toMatchObject({ ok: true });
    writeFileSync(path, '');
    expect(await lookAt({ kind: 'file', path, present: true })).toMatchObject({ ok: true });
    expect(await lookAt({ kind: 'file', path, present: false })).toMatchObject({
      ok: false,
      detail: `${path} is there`,
    });
  });

  it('at a port that accepts, and at one that refuses', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await lookAt({ kind: 'tcp', host: '127.0.0.1', port })).toMatchObject({ ok: true });
    await new Promise((resolve) => server.close(resolve));
    expect(await lookAt({ kind: 'tcp', host: '127.0.0.1', port })).toEqual({
      ok: false,
      detail: `127.0.0.1:${port} refuses connections`,
    });
  });

  it('at a port nobody answers for, no longer than it may', async () => {
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 });
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const given = new AbortController();
    const looking = look({ kind: 'tcp', host: '127.255.255.254', port }, given.signal);
    given.abort();
    expect((await looking).ok).toBe(false);
    server.close();
  });

  it('for a process by its name, and at an interface', async () => {
    const self = process.title.includes('/') ? 'node' : process.title.split(' ')[0]!;
    expect(await lookAt({ kind: 'process', process: 'no-such-program' })).toEqual({
      ok: false,
      detail: 'no process no-such-program is running',
    });
    const found = await lookAt({ kind: 'process', process: self });
    expect(found, found.detail).toMatchObject({ ok: true });
    expect(await lookAt({ kind: 'interface', interface: 'lo' })).toEqual({
      ok: true,
      detail: 'lo has a carrier',
    });
    expect(await lookAt({ kind: 'interface', interface: 'nosuch0' })).toEqual({
      ok: false,
      detail: 'there is no interface nosuch0',
    });
  });
});

describe('names of a process', () => {
  it('are what the kernel keeps and what it was started as', () => {
    expect(parseProcessName('12 (haproxy) S 1 1', '/usr/sbin/haproxy\0-f\0x')).toEqual([
      'haproxy',
      'haproxy',
    ]);
    expect(parseProcessName('12 (a) b) S 1 1', '')).toEqual(['a) b']);
    expect(parseProcessName('12 (haproxy) Z 1 1', '')).toEqual([]);
    expect(parseProcessName('nonsense', 'x')).toEqual([]);
  });
});
