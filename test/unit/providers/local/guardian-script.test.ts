/** The guardian's program without any right: fed by hand, with nothing to remove, and with garbage. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { GUARDIAN_SCRIPT } from '../../../../providers/local/guardian-script.ts';

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

/** With its trace, which shows every command it runs. */
async function guardian(limit: string) {
  const started = spawn('/bin/bash', [
    '--noprofile',
    '--norc',
    '-p',
    '-x',
    '-c',
    GUARDIAN_SCRIPT,
    'guardian',
    limit,
  ]);
  child = started;
  let said = '';
  let trace = '';
  started.stdout.on('data', (text) => {
    said += String(text);
  });
  started.stderr.on('data', (text) => {
    trace += String(text);
  });
  await once(started.stdout, 'data');
  return {
    write: (text: string | Buffer) => started.stdin.write(text),
    async end() {
      started.stdin.end();
      const [code] = (await once(started, 'close')) as [number];
      return { code, said: said.split('\n').filter((line) => line !== ''), trace };
    },
    said: () => said,
  };
}

const removals = (trace: string) => trace.match(/address delete [^']*/g) ?? [];

describe('the guardian', () => {
  it('removes what is held, and only that, when its pipe closes', async () => {
    const it = await guardian('10');
    it.write(
      '+ 192.0.2.1/32 nowhere0\n+ 2001:db8::1/128 nowhere0\n+ 192.0.2.2/24 nowhere0\n- 192.0.2.1/32 nowhere0\n',
    );
    const { code, said, trace } = await it.end();
    expect([code, said]).toEqual([0, ['ready']]);
    const last = trace.slice(trace.lastIndexOf('remove_all'));
    expect(removals(last).sort()).toEqual([
      'address delete 192.0.2.2/24 dev nowhere0',
      'address delete 2001:db8::1/128 dev nowhere0',
    ]);
  });

  it('takes nothing that is not an address on an interface', async () => {
    const it = await guardian('10');
    it.write('+ 192.0.2.1/32 a;b\n+ $(reboot)/32 eth0\n+ 192.0.2.1 eth0\n+ 192.0.2.1/32 eth0 up\n');
    it.write('+ 192.0.2.1/32 -force\n+ 192.0.2.1/32 abcdefghijklmnop\n+\n\n- x[$(id)] y\n* * *\n');
    it.write(
      Buffer.concat([Buffer.from(Array.from({ length: 512 }, (_, at) => at & 255)), Buffer.from('\nt\n')]),
    );
    const { code, trace } = await it.end();
    expect(code).toBe(0);
    expect(removals(trace)).toEqual([]);
    expect(trace).not.toMatch(/^\++ (reboot|id)\b/m);
  });

  it('removes without a tick, once more when it hears again, and says so', async () => {
    const it = await guardian('0.2');
    it.write('+ 192.0.2.1/32 nowhere0\nt\n');
    const [, exit] = [await new Promise((resolve) => setTimeout(resolve, 500)), it];
    expect(exit.said()).toBe('ready\n');
    it.write('t\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { said, trace } = await it.end();
    expect(said).toEqual(['ready', 'fenced']);
    expect(trace.match(/ip -force -batch -/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it('answers when it is asked, which counts as a tick', async () => {
    const it = await guardian('0.4');
    it.write('+ 192.0.2.1/32 nowhere0\n');
    for (let round = 0; round < 4; round += 1) {
      it.write('q\n');
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    expect(it.said()).toBe('ready\nhere\nhere\nhere\nhere\n');
    await new Promise((resolve) => setTimeout(resolve, 800));
    it.write('t\n');
    const { said } = await it.end();
    expect(said.at(-1)).toBe('fenced');
  });

  it('waits for the first tick before it expects any', async () => {
    const it = await guardian('0.1');
    it.write('+ 192.0.2.1/32 nowhere0\n');
    await new Promise((resolve) => setTimeout(resolve, 400));
    it.write('t\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(it.said()).toBe('ready\n');
  });
});
