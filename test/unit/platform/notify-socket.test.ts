import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeNotice, openNotifySocket, unixAddress } from '../../../src/platform/notify-socket.ts';
import { listenToNotices, type NotifyListener } from './notify-listener.ts';

let folder: string;
let listener: NotifyListener | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notify-'));
});

afterEach(() => {
  listener?.close();
  listener = undefined;
  rmSync(folder, { recursive: true });
});

describe('the notification socket', () => {
  it.each([
    ['a path', () => join(folder, 'notify')],
    ['an abstract name', () => `@wackamole-test-${process.pid}`],
  ])('is heard at %s', async (_, nameOf) => {
    const name = nameOf();
    listener = listenToNotices(name);
    const socket = openNotifySocket(name);
    expect(socket.send({ READY: 1, STATUS: 'holds 2 VIPs: a=b' })).toBeUndefined();
    expect(socket.send({ WATCHDOG: 1 })).toBeUndefined();
    await expect.poll(() => listener!.heard.length).toBe(2);
    expect(listener.heard).toEqual([{ READY: '1', STATUS: 'holds 2 VIPs: a=b' }, { WATCHDOG: '1' }]);
    socket.close();
    expect(socket.send({ WATCHDOG: 1 })).toBe('it is closed');
  });

  it('says why nobody heard it, and is heard again when somebody listens', async () => {
    const name = join(folder, 'notify');
    const socket = openNotifySocket(name);
    expect(socket.send({ READY: 1 })).toContain('ENOENT');
    listener = listenToNotices(name);
    expect(socket.send({ READY: 1 })).toBeUndefined();
    await expect.poll(() => listener!.heard).toEqual([{ READY: '1' }]);
    socket.close();
  });

  it('never waits for a manager that does not read', () => {
    const name = join(folder, 'notify');
    listener = listenToNotices(name);
    const socket = openNotifySocket(name);
    const answers = Array.from({ length: 5000 }, () => socket.send({ STATUS: 'x'.repeat(500) }));
    expect(answers[0]).toBeUndefined();
    expect(answers.at(-1)).toBe('its queue is full');
    socket.close();
  });

  it.each(['', 'relative/path', '@', '/with\0zero', 'vsock:2:1', `/${'x'.repeat(107)}`])(
    'refuses the name %j',
    (name) => {
      expect(() => openNotifySocket(name)).toThrow(/unix socket/);
    },
  );

  it('keeps a name as long as the kernel allows', () => {
    expect(unixAddress(`/${'x'.repeat(106)}`)).toHaveLength(2 + 108);
    expect(unixAddress(`@${'x'.repeat(107)}`)).toHaveLength(2 + 108);
  });

  it('keeps a value in its line, and within its bound', () => {
    expect(encodeNotice({ STATUS: 'a\nREADY=1\r\0b' }).toString()).toBe('STATUS=a READY=1 b\n');
    expect(encodeNotice({ STATUS: 'x'.repeat(10_000) }).toString()).toHaveLength('STATUS=\n'.length + 512);
  });
});
