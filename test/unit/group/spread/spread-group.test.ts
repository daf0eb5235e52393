/** What becomes of a member when its daemon is not there, dies, stops, comes back, or when others do not hear it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SpreadGroupConfig } from '../../../../src/config/config.ts';
import { connect } from '../../../../src/group/spread/connection.ts';
import { createSpreadGroup } from '../../../../src/group/spread/spread-group.ts';
import { Observer } from '../../../conformance/group-observer.ts';
import { DaemonsOnSockets } from '../../../spread/daemons-on-sockets.ts';

const GROUP = 'wackamole-test';
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

let daemons: DaemonsOnSockets;
let observers: Observer[];

beforeEach(async () => {
  daemons = await new DaemonsOnSockets({ version: [4, 4, 0], names: ['zed', 'mid', 'abe'] }).begin();
  observers = [];
});

afterEach(async () => {
  for (const observer of observers) {
    observer.stopTicking();
    await observer.group.leave();
    observer.expectSoundHistory();
  }
  await daemons.dispose();
});

function member(name: string, daemon: string, changes: Partial<SpreadGroupConfig> = {}): Observer {
  const group: SpreadGroupConfig = {
    engine: 'spread',
    daemon: daemons.target(daemon),
    spread_group: GROUP,
    connect_timeout_ms: 2000,
    daemon_timeout_ms: 10_000,
    agent_timeout_ms: 3000,
    ...changes,
  };
  const observer = new Observer(createSpreadGroup({ cluster: 'test', member: name, group }, { log }));
  observers.push(observer);
  return observer;
}

async function joined(
  name: string,
  daemon: string,
  changes: Partial<SpreadGroupConfig> = {},
): Promise<Observer> {
  const observer = member(name, daemon, changes);
  await observer.join();
  return observer;
}

async function see(observer: Observer, ...others: readonly Observer[]): Promise<void> {
  const wanted = others.map(({ group }) => group.self).sort();
  await observer.view(({ members }) => JSON.stringify([...members].sort()) === JSON.stringify(wanted));
}

function reasonOf(observer: Observer): string {
  const last = observer.events.at(-1);
  return last?.kind === 'detached' ? last.reason : '';
}

describe('the daemon', () => {
  test('that is killed detaches its member; the others go on without it, and it comes back under a new identity', async () => {
    const [a, b] = await Promise.all([joined('a', 'zed'), joined('b', 'mid')]);
    await see(a, a, b);
    await daemons.kill('mid');
    await b.detached();
    expect(reasonOf(b)).toContain('CONNECTION_CLOSED');
    await see(a, a);
    expect(a.lastView).toMatchObject({
      cause: 'network',
      departed: [{ member: b.group.self, how: 'process' }],
    });
    await daemons.start('mid');
    const again = await joined('b', 'mid');
    await see(a, a, again);
    expect(again.group.self).not.toBe(b.group.self);
  });

  test('that is not there yet detaches without a failure: the agent tries again', async () => {
    await daemons.kill('abe');
    const a = await joined('a', 'abe');
    await a.detached();
    expect(reasonOf(a)).toMatch(/COULD_NOT_CONNECT.*there is no such socket/);
  });

  test('that stops detaches its member when it has delivered nothing for long', async () => {
    const [a, b] = await Promise.all([joined('a', 'zed'), joined('b', 'mid', { daemon_timeout_ms: 1000 })]);
    await see(a, a, b);
    daemons.freeze('mid');
    await see(a, a);
    await b.detached();
    expect(reasonOf(b)).toContain('has delivered nothing for 1000 ms');
  });

  test('that refuses for ever is told at once, and is no reason to try again', async () => {
    const own = await new DaemonsOnSockets({ version: [4, 4, 0], names: ['own'], auth: ['IP'] }).begin();
    const a = member('a', 'zed', { daemon: own.target('own') });
    await expect(a.join()).rejects.toThrow(/^REJECT_AUTH: .*AllowedAuthMethods/);
    await own.dispose();
  });

  test('that drops the session detaches', async () => {
    const a = await joined('a', 'zed');
    await see(a, a);
    daemons.cutOff(daemons.sessions[0]!);
    await a.detached();
  });
});

describe('a network that is cut', () => {
  test('leaves each side with a view of its own, and one view of all when it is mended', async () => {
    const [a, b, c] = await Promise.all([joined('a', 'zed'), joined('b', 'mid'), joined('c', 'abe')]);
    await see(a, a, b, c);
    await see(c, a, b, c);
    daemons.connect(['zed', 'mid'], ['abe']);
    await Promise.all([see(a, a, b), see(b, a, b), see(c, c)]);
    expect(a.lastView!.id).toBe(b.lastView!.id);
    expect(c.lastView!.id).not.toBe(a.lastView!.id);
    a.group.multicast(Buffer.from('majority'));
    c.group.multicast(Buffer.from('minority'));
    await Promise.all([b.message('majority'), c.message('minority')]);
    daemons.connect(['zed', 'mid', 'abe']);
    await Promise.all([see(a, a, b, c), see(b, a, b, c), see(c, a, b, c)]);
    expect(new Set([a, b, c].map(({ lastView }) => lastView!.id)).size).toBe(1);
    expect(a.texts()).not.toContain('minority');
  });
});

describe('a ring that forms for longer than any patience with members', () => {
  test('passes nobody over who is well', async () => {
    const short = { agent_timeout_ms: 1000 };
    const [a, b, c] = await Promise.all([
      joined('a', 'zed', short),
      joined('b', 'mid', short),
      joined('c', 'abe', short),
    ]);
    await Promise.all([see(a, a, b, c), see(b, a, b, c), see(c, a, b, c)]);
    // A daemon without members is lost first: that tells the members nothing, and holds up what they say all the same.
    daemons.double.connect(['zed', 'mid', 'abe']);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    daemons.double.settle();
    daemons.double.connect(['zed', 'mid'], ['abe']);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    daemons.double.settle();
    await Promise.all([see(a, a, b), see(b, a, b), see(c, c)]);
    for (const { group } of [a, b, c])
      expect(group.status().counters).toMatchObject({ members_passed_over: 0 });
  }, 30_000);
});

describe('a member', () => {
  test('whose agent is not well any more is passed over by the others, and told so', async () => {
    const short = { agent_timeout_ms: 1000 };
    const [a, b] = await Promise.all([joined('a', 'zed', short), joined('b', 'mid', short)]);
    await see(a, a, b);
    b.stopTicking();
    await see(a, a);
    expect(a.lastView).toMatchObject({
      cause: 'disconnect',
      departed: [{ member: b.group.self, how: 'process' }],
    });
    await b.detached();
    expect(reasonOf(b)).toContain('passed us over');
    expect(a.group.status().counters).toMatchObject({ members_passed_over: 1 });
  });

  test('that bears the name of another is refused', async () => {
    const a = await joined('a', 'zed');
    await see(a, a);
    const twin = await joined('a', 'mid');
    await twin.detached();
    expect(reasonOf(twin)).toContain('bears our name');
    await see(a, a);
  });

  test('is not disturbed by strangers in its group', async () => {
    const a = await joined('a', 'zed');
    await see(a, a);
    const views = a.views.length;
    const stranger = await connect(daemons.target('zed'), { name: 'stranger' });
    const heard = new Promise<string>((resolve) =>
      stranger.on('message', ({ data }) => resolve(String(data))),
    );
    stranger.join(GROUP);
    stranger.multicast(GROUP, 'not for you');
    await heard;
    await stranger.disconnect();
    const b = await joined('b', 'mid');
    await see(a, a, b);
    expect(a.views.length).toBe(views + 1);
    expect(a.group.status().counters['messages_foreign']).toBeGreaterThan(0);
    expect(a.messages).toEqual([]);
  });

  test('of another cluster in the same group is a stranger that is passed over', async () => {
    const a = await joined('a', 'zed');
    await see(a, a);
    const group = { engine: 'spread', daemon: daemons.target('zed'), spread_group: GROUP } as const;
    const times = { connect_timeout_ms: 2000, daemon_timeout_ms: 10_000, agent_timeout_ms: 3000 };
    const other = new Observer(
      createSpreadGroup({ cluster: 'other', member: 'x', group: { ...group, ...times } }, { log }),
    );
    observers.push(other);
    await other.join();
    await expect.poll(() => a.group.status().counters['members_passed_over'], { timeout: 10_000 }).toBe(1);
    await see(a, a);
    expect(a.views.every(({ members }) => members.length === 1)).toBe(true);
  });
});
