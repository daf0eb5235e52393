/** `engine advise` as words on a command line. */
import { describe, expect, test } from 'vitest';
import { run } from './collaborators-example.ts';

const FILE = 'totem {\n  version: 2\n  token: 1000\n}\nquorum {\n  provider: corosync_votequorum\n}\n';

describe('engine advise', () => {
  test('says what the file gives, and what to write', async () => {
    const { code, out } = await run('engine advise', { files: { '/etc/corosync/corosync.conf': FILE } });
    expect(code).toBe(0);
    expect(out).toContain('a view without it after 1961ms to 2200ms');
    expect(out).toContain('\ntoken: 300\ntoken_coefficient: 0\nconsensus: 360\n');
    expect(out).toContain('primary: votequorum');
    expect(out).toContain('group.daemon_timeout of at least 7s');
    expect(out).toContain('warning: no crypto_hash');
  });

  test('names the line of a mistake', async () => {
    expect(await run('engine advise /c.conf', { files: { '/c.conf': 'totem {\n\n' } })).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^\/c\.conf:3: the section totem is not closed; write \} at its end/,
      ) as string,
    });
  });

  test('says that it cannot read the file', async () => {
    expect(await run('engine advise /none', { files: {} })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^cannot read \/none: .*name the file/) as string,
    });
  });
});
