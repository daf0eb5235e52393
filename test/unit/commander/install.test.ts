import { describe, expect, test } from 'vitest';
import type { InstallRequest } from '../../../src/commander/collaborators.ts';
import { run } from './collaborators-example.ts';

describe.each(['install', 'uninstall'] as const)('%s', (command) => {
  test('hands its options over and prints what was done and what is to know', async () => {
    const asked: InstallRequest[] = [];
    const collaborator = (request: InstallRequest) => {
      asked.push(request);
      return Promise.resolve({ ok: true as const, done: ['wrote /x'], notes: ['next: y'] });
    };
    const scene = { [command]: collaborator };
    expect(await run(command, scene)).toMatchObject({ code: 0, out: 'wrote /x\nnext: y\n', err: '' });
    await run(`${command} --instance web --root /mnt -n`, scene);
    expect(asked).toEqual([
      { root: '/', dryRun: false },
      { instance: 'web', root: '/mnt', dryRun: true },
    ]);
  });

  test('says why nothing was done, and that there was nothing to do', async () => {
    const refused = () => Promise.resolve({ ok: false as const, problems: ['in the way', 'this too'] });
    expect(await run(command, { [command]: refused })).toMatchObject({
      code: 1,
      out: '',
      err: 'in the way\nthis too\n',
    });
    expect(await run(command)).toMatchObject({ code: 0, out: 'there was nothing to do\n' });
  });

  test.each(['a/b', '-x', '', 'a b', 'x'.repeat(64), 'a@b'])('refuses the instance %j', async (name) => {
    const { code, err } = await run(`${command} --instance=${name}`);
    expect(code).toBe(2);
    expect(err).toMatch(/Write letters|too many arguments/);
  });
});
