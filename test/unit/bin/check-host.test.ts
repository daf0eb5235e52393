import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkHost } from '../../../src/bin/check-host.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import { DaemonsOnSockets } from '../../spread/daemons-on-sockets.ts';

let daemons: DaemonsOnSockets;

beforeEach(async () => {
  daemons = await new DaemonsOnSockets({ version: [5, 0, 1], names: ['zed'] }).begin();
});

afterEach(() => daemons.dispose());

async function verdicts(): Promise<unknown[]> {
  const group = `group: { engine: spread, daemon: "${daemons.target('zed')}" }`;
  const text = `cluster: web\n${group}\nproviders: { memory: { kind: memory } }\nvips: { v: 10.0.0.1 }\n`;
  const parsed = parseConfig(text, { fileName: 'w.yaml', hostName: 'a' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return (await checkHost(parsed.config)).filter(({ what }) => what === 'Spread daemon');
}

test('a Spread daemon that answers passes, and is left again', async () => {
  expect(await verdicts()).toEqual([
    {
      what: 'Spread daemon',
      verdict: 'pass',
      detail: `${daemons.target('zed')} runs version 5.0.1 and takes us in`,
    },
  ]);
  expect(daemons.sessions).toEqual([]);
});

test('one that is not there fails, with what to do', async () => {
  await daemons.kill('zed');
  expect(await verdicts()).toMatchObject([
    {
      verdict: 'fail',
      detail: expect.stringContaining('there is no such socket') as string,
      mend: 'start the daemon there, or name another',
    },
  ]);
});
