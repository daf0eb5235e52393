import { describe, expect, test } from 'vitest';
import type { Leftover } from '../../../src/commander/collaborators.ts';
import { ControlError } from '../../../src/control/control-error.ts';
import { run, type Scene } from './collaborators-example.ts';

const ONE: Leftover = { address: '10.0.0.100/32', interfaceName: 'eth0' };
const STUCK: Leftover = { ...ONE, address: '10.0.0.101/32', problem: 'not permitted; run it as root' };
const FILES = { '/etc/wackamole/wackamole.yaml': 'cluster: web\n' };

/** Only the agent of the cluster `other` runs. */
function otherAnswers(_: unknown, socket: string) {
  if (socket === '/run/wackamole/other.sock') return { ok: true as const, message: 'here' };
  return new ControlError('no-agent', 'nobody there');
}

async function cleanup(words: string, scene: Scene & { leftovers?: readonly Leftover[] } = {}) {
  const calls: unknown[] = [];
  const result = await run(words, {
    answer: () => new ControlError('no-agent', 'nobody there'),
    ...scene,
    cleanUp: (options) => {
      calls.push(options);
      return Promise.resolve(scene.leftovers ?? []);
    },
  });
  return { ...result, calls };
}

describe('cleanup', () => {
  test('says what it removed, or that there was nothing', async () => {
    expect(await cleanup('cleanup', { leftovers: [ONE] })).toMatchObject({
      code: 0,
      out: 'removed 10.0.0.100/32 from eth0\n',
      err: '',
      calls: [{ dryRun: false }],
    });
    expect(await cleanup('cleanup')).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing to remove'),
    });
  });

  test('only says what it would remove when asked so, also beside a running agent', async () => {
    const answer = (): { ok: true; message: string } => ({ ok: true, message: 'here' });
    expect(await cleanup('cleanup --dry-run', { files: FILES, answer, leftovers: [ONE] })).toMatchObject({
      code: 0,
      out: 'would remove 10.0.0.100/32 from eth0\n',
      calls: [{ dryRun: true }],
    });
  });

  test.each([
    ['cleanup', 'cluster: web\n', '/etc/wackamole/wackamole.yaml'],
    ['cleanup -c /srv/left.yaml', 'cluster: left\n', '/srv/left.yaml'],
  ])('%s takes nothing from the agent of another cluster that serves here', async (words, text, file) => {
    const files = { [file]: text, '/etc/wackamole/other.yaml': 'cluster: other\n' };
    const refused = await cleanup(words, { files, answer: otherAnswers, leftovers: [ONE] });
    expect(refused).toMatchObject({ code: 1, out: '', calls: [] });
    expect(refused.err).toBe(
      `nothing was removed: an agent is running (/run/wackamole/other.sock), and what it holds is no leftover; say --configured for what the cluster of ${file} left alone, stop it first, or say --force\n`,
    );
    expect((await cleanup(`${words} --force`, { files, answer: otherAnswers })).calls).toEqual([
      { dryRun: false },
    ]);
  });

  test('names all that are running', async () => {
    const files = { ...FILES, '/etc/wackamole/other.yaml': 'cluster: other\n' };
    const answer = () => ({ ok: true as const, message: 'here' });
    const { code, err, calls } = await cleanup('cleanup', { files, answer });
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
    expect(err).toBe(
      'nothing was removed: agents are running (/run/wackamole/web.sock, /run/wackamole/other.sock), and what they hold is no leftover; stop them first, or say --force\n',
    );
  });

  test('of what its cluster put up alone, where several agents run', async () => {
    const file = `cluster: web
group: { peers: { a: 10.0.0.1 }, key_file: /k }
providers: { local: { interface: eth0 } }
vips: { web-1: 10.0.0.100, web-2: { addresses: [10.0.0.101/24, "2001:DB8::0:1"] } }
`;
    const files = { '/c.yaml': file, '/etc/wackamole/other.yaml': 'cluster: other\n' };
    const done = await cleanup('cleanup --configured -c /c.yaml', { files, answer: otherAnswers });
    const addresses = ['10.0.0.100', '10.0.0.101', '2001:db8::1'];
    expect(done).toMatchObject({
      code: 0,
      out: 'nothing to remove: no address of the cluster of /c.yaml is on this host and carries our mark\n',
      calls: [{ dryRun: false, only: { cluster: 'web', addresses } }],
    });
  });

  test('of its cluster by the mark alone, where the file is wrong', async () => {
    const files = { '/c.yaml': 'cluster: web\nvips: [1\n' };
    const words = 'cleanup --force --configured -c /c.yaml';
    const { code, out, err, calls } = await cleanup(words, { files, leftovers: [ONE] });
    expect({ code, out }).toEqual({ code: 0, out: 'removed 10.0.0.100/32 from eth0\n' });
    expect(calls).toEqual([{ dryRun: false, only: { cluster: 'web', addresses: [] } }]);
    expect(err).toMatch(
      /^\/c\.yaml:[\s\S]*the file is wrong: only addresses that carry the mark of cluster web/,
    );
  });

  test.each([
    ['is missing', {}, 'cannot read /c.yaml'],
    ['does not say of which', { '/c.yaml': 'cluster: 1\n' }, '/c.yaml:1:'],
    ['is no file of ours', { '/c.yaml': '\0: [' }, '/c.yaml:1:'],
  ])('of its cluster: removes nothing where the file %s', async (_, files, message) => {
    const { err, ...rest } = await cleanup('cleanup --force --configured -c /c.yaml', {
      files,
      leftovers: [ONE],
    });
    expect(rest).toMatchObject({ code: 2, out: '', calls: [] });
    expect(err).toContain(message);
    expect(err).toContain('nothing was removed');
  });

  test('refuses beside a running agent, unless forced', async () => {
    const answer = (): { ok: true; message: string } => ({ ok: true, message: 'here' });
    const refused = await cleanup('cleanup', { files: FILES, answer, leftovers: [ONE] });
    expect(refused).toMatchObject({ code: 1, out: '', calls: [] });
    expect(refused.err).toContain('/run/wackamole/web.sock');
    expect(await cleanup('cleanup --force', { files: FILES, answer })).toMatchObject({
      code: 0,
      calls: [{ dryRun: false }],
    });
  });

  test.each([
    ['is missing', {}],
    ['is broken', { '/etc/wackamole/wackamole.yaml': '\tcluster: [' }],
    ['names an agent that does not answer', FILES],
  ])('goes on where the file %s', async (_, files) => {
    expect(await cleanup('cleanup', { files, leftovers: [ONE] })).toMatchObject({
      code: 0,
      calls: [{ dryRun: false }],
    });
  });

  test('ends with 1 when something is left, and says what and why', async () => {
    const { code, out, err } = await cleanup('cleanup', { leftovers: [ONE, STUCK] });
    expect({ code, out }).toEqual({ code: 1, out: 'removed 10.0.0.100/32 from eth0\n' });
    expect(err).toBe(
      'not removed: 10.0.0.101/32 from eth0: not permitted; run it as root\n1 of 2 leftovers could not be removed\n',
    );
  });

  test('ends with 1 where the kernel says nothing', async () => {
    const cleanUp = () => Promise.reject(new Error('the kernel does not say'));
    expect(await run('cleanup', { cleanUp })).toMatchObject({ code: 1, err: 'the kernel does not say\n' });
  });
});
