/** `spread advise` and `spread user` as words on a command line. */
import { describe, expect, test } from 'vitest';
import type { SpreadUserOptions } from '../../../src/commander/collaborators.ts';
import { run } from './collaborators-example.ts';

describe('spread advise', () => {
  test('says what the file gives, and what to write', async () => {
    const { code, out } = await run('spread advise', {
      files: { '/etc/spread.conf': 'Spread_Segment 10.0.0.255 { a 10.0.0.1 }' },
    });
    expect(code).toBe(0);
    expect(out).toContain('a view without it after 2500ms to 3s');
    expect(out).toContain('\nTokenTimeout = 125\n');
    expect(out).toContain('group.daemon_timeout of at least 9s');
  });

  test('names the line of a mistake', async () => {
    const files = { '/s.conf': '\nTokenTimeout = 5' };
    expect(await run('spread advise /s.conf', { files })).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^\/s\.conf:2: HurryTimeout/) as string,
    });
  });
});

test('spread user gets daemon and name', async () => {
  const seen: SpreadUserOptions[] = [];
  const runSpreadUser = (options: SpreadUserOptions) => Promise.resolve(seen.push(options) + 40);
  expect((await run('spread user 4803@x --name me', { runSpreadUser })).code).toBe(41);
  expect((await run('spread user', { runSpreadUser })).code).toBe(42);
  expect(seen).toEqual([{ daemon: '4803@x', name: 'me' }, { daemon: '4803' }]);
});
