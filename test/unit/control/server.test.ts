import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { request, watch } from '../../../src/control/client.ts';
import { REQUEST_BYTES_MAX } from '../../../src/control/messages.ts';
import { type ControlHandler, type ControlServer, startControlServer } from '../../../src/control/server.ts';
import type { OperatorCommand } from '../../../src/model/operator.ts';
import type { Status } from '../../../src/model/status.ts';
import { statusExample } from './status-example.ts';

class ExampleAgent implements ControlHandler {
  phase: Status['phase'] = 'settled';
  readonly commands: OperatorCommand[] = [];
  readonly listeners = new Set<() => void>();
  reloadFails = false;
  pad = '';

  status(): Status {
    return statusExample({ phase: this.phase, version: `0.1.0${this.pad}` });
  }
  reload() {
    if (this.reloadFails) return Promise.reject(new Error('no such thing'));
    return Promise.resolve({ ok: true as const, message: 'reloaded' });
  }
  command(command: OperatorCommand) {
    this.commands.push(command);
    if (command.kind === 'move')
      return Promise.resolve({ ok: false as const, code: 'unknown-vip' as const, message: 'no VIP x' });
    return Promise.resolve({ ok: true as const, message: `${command.kind} is under way` });
  }
  onChange(listener: () => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  change(phase: Status['phase']): void {
    this.phase = phase;
    for (const listener of this.listeners) listener();
  }
}

let folder: string;
let socket: string;
let agent: ExampleAgent;
let servers: ControlServer[];
let clients: Socket[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'));
  socket = join(folder, 'deep', 'agent.sock');
  agent = new ExampleAgent();
  servers = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true });
});

async function start(
  settings: Partial<Parameters<typeof startControlServer>[0]> = {},
): Promise<ControlServer> {
  const server = await startControlServer({ socket, mode: 0o600, watchInterval: 5, ...settings }, agent);
  servers.push(server);
  return server;
}

const ask = (question: Parameters<typeof request>[1]) => request(socket, question, { timeout: 5000 });

interface Raw {
  readonly client: Socket;
  readonly send: (text: string) => void;
  readonly lines: (n: number) => Promise<string[]>;
}

/** A client that speaks raw text; `lines` resolves with the next n lines. */
async function raw(): Promise<Raw> {
  const client = connect(socket);
  clients.push(client);
  client.on('error', () => {});
  await once(client, 'connect');
  let text = '';
  client.on('data', (chunk) => (text += String(chunk)));
  const lines = async (n: number): Promise<string[]> => {
    while (text.split('\n').length - 1 < n) await once(client, 'data');
    return text.split('\n').slice(0, n);
  };
  return { client, send: (line) => client.write(line), lines };
}

describe('the control server', () => {
  test('answers status, reload and commands, refusals among them', async () => {
    await start();
    expect(await ask({ kind: 'status' })).toEqual({ ok: true, status: statusExample() });
    expect(await ask({ kind: 'reload' })).toEqual({ ok: true, message: 'reloaded' });
    expect(await ask({ kind: 'command', command: { kind: 'drain', member: 'a' } })).toMatchObject({
      ok: true,
    });
    expect(await ask({ kind: 'command', command: { kind: 'move', vip: 'x', to: 'a' } })).toMatchObject({
      ok: false,
      code: 'unknown-vip',
    });
    expect(agent.commands).toHaveLength(2);
  });

  test('says which setting to change when its folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    const nowhere = join(folder, 'file', 'x', 'sock');
    await expect(startControlServer({ socket: nowhere, mode: 0o600 }, agent)).rejects.toThrow(
      /cannot be made \(ENOTDIR.*set control\.socket/,
    );
  });

  test('read only: one may look, now and on, and everything else is refused and not done', async () => {
    await start({ readOnly: true });
    expect(await ask({ kind: 'status' })).toMatchObject({ ok: true });
    for (const question of [
      { kind: 'reload' },
      { kind: 'command', command: { kind: 'drain', member: 'a' } },
    ] as const) {
      expect(await ask(question)).toMatchObject({ ok: false, code: 'not-allowed' });
    }
    expect(agent.commands).toEqual([]);
    const { send, lines } = await raw();
    send('{"kind":"watch"}\n{"kind":"command","command":{"kind":"rebalance"}}\n');
    const answers = (await lines(2)).map((line) => JSON.parse(line) as { ok: boolean });
    expect(answers.filter(({ ok }) => ok).length).toBeGreaterThan(0);
    expect(agent.commands).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)('is given to a group before that group may open it', async () => {
    await start({ mode: 0o660, gid: 4242 });
    const { mode, gid, uid } = await stat(socket);
    expect([mode & 0o777, gid, uid]).toEqual([0o660, 4242, 0]);
  });

  test('is open to its owner alone, whatever the umask, and leaves the umask as it was', async () => {
    const before = process.umask(0);
    try {
      await start();
      expect((await stat(socket)).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  test('answers a failing handler as internal and goes on', async () => {
    await start();
    agent.reloadFails = true;
    expect(await ask({ kind: 'reload' })).toMatchObject({
      ok: false,
      code: 'internal',
      message: expect.stringContaining('no such thing'),
    });
    expect(await ask({ kind: 'status' })).toMatchObject({ ok: true });
  });

  test('answers nonsense with an error and the next request on the same connection all the same', async () => {
    await start();
    const { send, lines } = await raw();
    send('nonsense\n{"kind":"status"}\n');
    const [first, second] = await lines(2);
    expect(JSON.parse(first!)).toMatchObject({ ok: false, code: 'bad-request' });
    expect(JSON.parse(second!)).toMatchObject({ ok: true });
  });

  test('answers many requests sent at once, in their order', async () => {
    await start();
    const { send, lines } = await raw();
    const members = Array.from({ length: 200 }, (_, index) => `m${index}`);
    send(
      members
        .map((member) => `{"kind":"command","command":{"kind":"drain","member":"${member}"}}\n`)
        .join(''),
    );
    await lines(200);
    expect(agent.commands).toEqual(members.map((member) => ({ kind: 'drain', member })));
  });

  test('answers a client that has finished sending', async () => {
    await start();
    const { client, lines } = await raw();
    client.end('{"kind":"status"}\n');
    expect(JSON.parse((await lines(1))[0]!)).toMatchObject({ ok: true });
  });

  test('closes a connection whose request never ends, and disturbs nobody else', async () => {
    await start();
    const { client, send, lines } = await raw();
    const closed = once(client, 'close');
    send('x'.repeat(REQUEST_BYTES_MAX + 1));
    expect(JSON.parse((await lines(1))[0]!)).toMatchObject({ ok: false, code: 'bad-request' });
    await closed;
    expect(await ask({ kind: 'status' })).toMatchObject({ ok: true });
  });

  test('turns away more connections than it may have', async () => {
    await start({ connectionsMax: 2 });
    const first = await raw();
    const second = await raw();
    const third = await raw();
    expect((await third.lines(1))[0]).toContain('2 connections are open already');
    first.client.destroy();
    second.client.destroy();
    await expect
      .poll(() => ask({ kind: 'status' }).catch(() => undefined))
      .toMatchObject({ ok: true, status: {} });
  });

  test('closes a connection that asks nothing', async () => {
    await start({ idleTimeout: 30 });
    const { client } = await raw();
    await once(client, 'close');
    expect(client.destroyed).toBe(true);
  });

  test('removes its socket when it stops, and closes its connections', async () => {
    const server = await start();
    const { client } = await raw();
    const closed = once(client, 'close');
    await server.stop();
    await closed;
    await expect(stat(socket)).rejects.toThrow('ENOENT');
  });
});

describe('where the socket is taken', () => {
  test('refuses to start beside another agent, which goes on', async () => {
    await start();
    await expect(start()).rejects.toThrow(/another agent is running there; stop it first/);
    expect(await ask({ kind: 'status' })).toMatchObject({ ok: true });
  });

  test('takes over the socket that a killed agent left', async () => {
    const folderOnly = await start();
    await folderOnly.stop();
    const { spawnSync } = await import('node:child_process');
    const leave = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', leave]);
    expect((await stat(socket)).isSocket()).toBe(true);
    await start();
    expect(await ask({ kind: 'status' })).toMatchObject({ ok: true });
  });

  test('never removes a file that is no socket', async () => {
    socket = join(folder, 'precious');
    await writeFile(socket, 'data');
    await expect(start()).rejects.toThrow(/a file that is no socket is there; remove it/);
    expect((await stat(socket)).size).toBe(4);
  });
});

describe('watch', () => {
  test('tells the status at once and after each change', async () => {
    await start();
    const phases: string[] = [];
    const watching = watch(socket, (status) => phases.push(status.phase));
    await expect.poll(() => phases).toEqual(['settled']);
    agent.change('collecting');
    await expect.poll(() => phases.at(-1)).toBe('collecting');
    agent.change('settled');
    await expect.poll(() => phases.at(-1)).toBe('settled');
    watching.close();
    await watching.ended;
    await expect.poll(() => agent.listeners.size).toBe(0);
  });

  test('tells many quick changes together, the last one for certain', async () => {
    await start({ watchInterval: 50 });
    const versions: string[] = [];
    const watching = watch(socket, (status) => versions.push(status.version));
    await expect.poll(() => versions.length).toBe(1);
    for (let index = 0; index < 100; index += 1) {
      agent.pad = `-${index}`;
      agent.change('settled');
    }
    await expect.poll(() => versions.at(-1)).toBe('0.1.0-99');
    expect(versions.length).toBeLessThan(20);
    watching.close();
  });

  test('drops a watcher that does not read', async () => {
    await start({ idleTimeout: 50 });
    const { client, send } = await raw();
    client.pause();
    client.removeAllListeners('data');
    agent.pad = 'x'.repeat(4 * 1024 * 1024);
    send('{"kind":"watch"}\n');
    await expect.poll(() => agent.listeners.size).toBe(1);
    agent.change('settled');
    await expect.poll(() => agent.listeners.size, { timeout: 5000 }).toBe(0);
  });

  test('ends with an error when the agent goes', async () => {
    const server = await start();
    let told = 0;
    const watching = watch(socket, () => (told += 1));
    await expect.poll(() => told).toBe(1);
    await Promise.all([expect(watching.ended).rejects.toMatchObject({ code: 'closed' }), server.stop()]);
  });
});

describe('the client', () => {
  test('says that no agent runs, where, and how to mend it', async () => {
    await expect(ask({ kind: 'status' })).rejects.toMatchObject({
      code: 'no-agent',
      message: expect.stringContaining(socket),
    });
  });

  test.each([
    ['does not answer', () => {}, 'timeout'],
    ['hangs up', (peer: Socket) => peer.end(), 'closed'],
    ['answers something else', (peer: Socket) => peer.write('HTTP/1.1 400\r\n'), 'protocol'],
  ] as const)('tells when what listens there %s', async (_, act, code) => {
    socket = join(folder, 'other.sock');
    const other = createServer((peer) => {
      peer.on('error', () => {});
      clients.push(peer);
      act(peer);
    });
    await new Promise<void>((resolve) => other.listen(socket, resolve));
    await expect(request(socket, { kind: 'status' }, { timeout: 200 })).rejects.toMatchObject({ code });
    other.close();
  });
});
