import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openSupervision, Supervision, statusText } from '../../../src/bin/supervision.ts';
import type { Status } from '../../../src/model/status.ts';
import type { Notice } from '../../../src/platform/notify-socket.ts';
import { statusExample } from '../control/status-example.ts';

const PID = 4711;

/** A manager whose ears can be stopped, an agent whose state can be set. */
class Scene {
  readonly heard: Notice[] = [];
  readonly logged: string[] = [];
  deaf: string | undefined;
  phase: Status['phase'] = 'joining';
  unwell: string | undefined;
  #listener: () => void = () => {};
  readonly supervision: Supervision;

  constructor(watchdog?: number) {
    const note = (_: object, text: string) => this.logged.push(text);
    this.supervision = new Supervision(
      { pid: PID, ...(watchdog !== undefined && { watchdog }) },
      {
        socket: {
          send: (notice) => {
            if (this.deaf === undefined) this.heard.push(notice);
            return this.deaf;
          },
          close: () => {},
        },
        logger: { info: note, warn: note, error: note },
      },
    );
    this.supervision.watch({
      status: () => ({ ...statusExample(), phase: this.phase }),
      unwell: () => this.unwell,
      onChange: (listener) => {
        this.#listener = listener;
        return () => {};
      },
    });
  }

  becomes(phase: Status['phase']): void {
    this.phase = phase;
    this.#listener();
  }

  /** How often the name was heard. */
  times(name: string): number {
    return this.heard.filter((notice) => name in notice).length;
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('what the service manager hears', () => {
  it('is that the agent is ready once it has settled, and not before', () => {
    const scene = new Scene();
    scene.becomes('collecting');
    vi.advanceTimersByTime(5000);
    expect(scene.times('READY')).toBe(0);
    scene.becomes('settled');
    expect(scene.heard.at(-1)).toMatchObject({ READY: 1, MAINPID: PID });
    scene.becomes('collecting');
    scene.becomes('settled');
    vi.advanceTimersByTime(5000);
    expect(scene.times('READY')).toBe(1);
  });

  it('is its state whenever that changes, at most once a second', () => {
    const scene = new Scene();
    scene.becomes('settled');
    for (let change = 0; change < 100; change += 1)
      scene.becomes(change % 2 === 0 ? 'collecting' : 'detached');
    vi.advanceTimersByTime(1000);
    expect(scene.heard.filter((notice) => String(notice['STATUS']).startsWith('detached'))).toHaveLength(1);
    vi.advanceTimersByTime(60_000);
    expect(scene.times('STATUS')).toBe(2);
  });

  it('is a pulse, three to each interval, while the agent is well, and none while it is not', () => {
    const scene = new Scene(3000);
    vi.advanceTimersByTime(3000);
    expect(scene.times('WATCHDOG')).toBe(3);
    scene.unwell = 'the loop has not ticked for 2000 ms';
    vi.advanceTimersByTime(3000);
    expect(scene.times('WATCHDOG')).toBe(3);
    expect(scene.heard.at(-1)).toEqual({ STATUS: 'not well: the loop has not ticked for 2000 ms' });
    scene.unwell = 'the loop has not ticked for 5000 ms';
    vi.advanceTimersByTime(3000);
    expect(scene.logged).toEqual(['the agent is not well: the watchdog is not fed']);
    scene.unwell = undefined;
    vi.advanceTimersByTime(1000);
    expect(scene.times('WATCHDOG')).toBe(4);
    expect(scene.logged.at(-1)).toBe('the agent is well again');
  });

  it('is no pulse where nobody counts', () => {
    const scene = new Scene();
    scene.becomes('settled');
    vi.advanceTimersByTime(60_000);
    expect(scene.times('WATCHDOG')).toBe(0);
  });

  it('is the begin and the end of a reload, even of one that fails', async () => {
    const scene = new Scene();
    scene.becomes('settled');
    await expect(scene.supervision.reloading(() => Promise.reject(new Error('broken')))).rejects.toThrow();
    const [begin, end] = scene.heard.slice(-2);
    expect(begin).toEqual({ RELOADING: 1, MONOTONIC_USEC: expect.any(Number) });
    expect(end).toEqual({ READY: 1 });
  });

  it('is that it stops, and nothing that would contradict it', async () => {
    const scene = new Scene();
    scene.becomes('settled');
    scene.supervision.stopping('received SIGTERM');
    scene.becomes('leaving');
    await scene.supervision.reloading(() => Promise.resolve());
    vi.advanceTimersByTime(5000);
    expect(scene.heard.at(-1)).toEqual({ STOPPING: 1, STATUS: 'stopping: received SIGTERM' });
  });

  it('is said again when it was not heard', () => {
    const scene = new Scene();
    scene.deaf = 'its queue is full';
    scene.becomes('settled');
    vi.advanceTimersByTime(3000);
    expect(scene.logged).toEqual(['the service manager cannot be told']);
    scene.deaf = undefined;
    vi.advanceTimersByTime(1000);
    expect(scene.heard).toEqual([{ READY: 1, MAINPID: PID, STATUS: expect.stringContaining('settled') }]);
  });
});

describe('the environment', () => {
  const logged: string[] = [];
  const logger = {
    info: () => {},
    warn: (_: object, text: string) => void logged.push(text),
    error: () => {},
  };

  it('loses its variables, so that nothing we start speaks for us', () => {
    const env = { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '1', WATCHDOG_PID: '2', PATH: '/bin' };
    openSupervision(env, logger).close();
    expect(env).toEqual({ PATH: '/bin' });
  });

  it('may name what is no socket: that is said, and no reason not to run', () => {
    openSupervision({ NOTIFY_SOCKET: 'vsock:2:1' }, logger).close();
    expect(logged).toEqual(['the service manager cannot be told']);
  });
});

describe('the status line', () => {
  it('names who is there and what is held, and not a thousand VIPs', () => {
    const example = statusExample();
    const vip = example.vips[0]!;
    const vips = Array.from({ length: 1000 }, (_, at) => ({ ...vip, vip: `v${at}`, holder: example.self }));
    const text = statusText({ ...example, vips });
    expect(text).toMatch(/^settled; holds 1000 of 1000 VIPs: v0, .*v7 and 992 more; members: a/);
    expect(statusText({ ...example, vips: [], members: [] })).toBe(
      'settled; holds 0 of 0 VIPs; members: none yet',
    );
  });
});
