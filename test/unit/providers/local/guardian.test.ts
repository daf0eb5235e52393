/** The guardian's keeper when the machine does not let a process start, in each way Node tells of that. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGuardian, type Guardian } from '../../../../providers/local/guardian.ts';

class FakeChild extends EventEmitter {
  stdin: PassThrough | undefined = new PassThrough();
  stdout: PassThrough | undefined = new PassThrough();
  pid: number | undefined = 4711;
  unref() {}
  kill() {
    // To kill process 0 is to kill our own group.
    if (this.pid === undefined) throw new Error('killed a process that never was');
    return true;
  }
}

/** What the next `spawn` does; a guardian that runs when nothing else is said. */
let failures: (() => FakeChild)[] = [];
let children: FakeChild[] = [];

vi.mock('node:child_process', () => ({
  spawn: () => {
    const child = (failures.shift() ?? running)();
    children.push(child);
    return child;
  },
}));

function running(): FakeChild {
  const child = new FakeChild();
  process.nextTick(() => child.stdout?.write('ready\n'));
  return child;
}

function failing(code: string, pipes: boolean): FakeChild {
  const child = new FakeChild();
  child.pid = undefined;
  if (pipes) child.stdin?.destroy();
  else [child.stdin, child.stdout] = [undefined, undefined];
  process.nextTick(() => child.emit('error', Object.assign(new Error(`spawn /bin/bash ${code}`), { code })));
  return child;
}

const WAYS: [string, () => FakeChild][] = [
  ['EAGAIN', () => failing('EAGAIN', true)],
  ['EMFILE', () => failing('EMFILE', false)],
  [
    'ENOMEM',
    () => {
      throw new Error('spawn ENOMEM');
    },
  ],
];
const PLACEMENT = { family: 4 as const, address: '10.0.0.1', prefixLength: 32, interfaceName: 'eth0' };

let guardian: Guardian;
let told: { guarded: boolean; reason: string }[];

beforeEach(() => {
  vi.useFakeTimers();
  failures = [];
  children = [];
  told = [];
  guardian = createGuardian({ timeout: 1000 }, { fenced: () => {}, changed: (state) => told.push(state) });
});

afterEach(() => {
  vi.useRealTimers();
});

function dies(): void {
  children.at(-1)!.emit('exit', 137);
}

describe('a guardian that ends', () => {
  it('is started again at once, and nobody is troubled by that', async () => {
    await guardian.start();
    dies();
    await vi.advanceTimersByTimeAsync(51);
    expect(children).toHaveLength(2);
    expect(told).toEqual([]);
  });

  it.each(WAYS)(
    'and cannot be started (%s) is tried again until it runs; both is told',
    async (code, way) => {
      await guardian.start();
      guardian.hold([PLACEMENT]);
      guardian.tick();
      failures = [way, way];
      dies();
      await vi.advanceTimersByTimeAsync(51);
      expect(told).toEqual([{ guarded: false, reason: expect.stringContaining(code) }]);
      guardian.tick();
      guardian.hold([]);
      expect(guardian.pid).toBeUndefined();
      await vi.advanceTimersByTimeAsync(101);
      expect(told).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(201);
      expect(children.at(-1)?.pid).toBe(4711);
      expect(told.at(-1)?.guarded).toBe(true);
      expect(String(children.at(-1)?.stdin?.read())).toBe('+ 10.0.0.1/32 eth0\nt\n');
      await vi.advanceTimersByTimeAsync(60_000);
      expect(told).toHaveLength(3);
    },
  );

  it('again and again is told as well, and restarted ever more slowly', async () => {
    await guardian.start();
    for (const delay of [50, 100, 200, 400]) {
      const before = children.length;
      dies();
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(children).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(2);
      expect(children).toHaveLength(before + 1);
    }
    expect(told.map(({ guarded }) => guarded)).toEqual([false, true, false, true, false, true]);
  });
});

describe('a guardian that does not answer', () => {
  /** Ticks as the agent does, for so many seconds; `answers`: how the guardian takes a question. */
  async function tickFor(seconds: number, answers: boolean): Promise<void> {
    for (let tick = 0; tick < seconds * 5; tick += 1) {
      guardian.tick();
      const child = children.at(-1)!;
      const asked = String(child.stdin?.read() ?? '').includes('q\n');
      if (asked && answers) child.stdout?.write('here\n');
      await vi.advanceTimersByTimeAsync(200);
    }
  }

  it('is killed, and another one guards what is held', async () => {
    await guardian.start();
    guardian.hold([PLACEMENT]);
    await tickFor(60, true);
    expect(children).toHaveLength(1);
    const [first] = children;
    const killed = vi.spyOn(first!, 'kill').mockImplementation(() => first!.emit('exit', 137));
    await tickFor(8, false);
    expect(killed).toHaveBeenCalled();
    expect(children).toHaveLength(2);
    expect(told).toEqual([]);
  });

  it('is not blamed for a stall of ours', async () => {
    await guardian.start();
    await tickFor(2, true);
    const killed = vi.spyOn(children[0]!, 'kill');
    await vi.advanceTimersByTimeAsync(600_000);
    await tickFor(10, true);
    expect(killed).not.toHaveBeenCalled();
  });
});

describe('a guardian that cannot be started at first', () => {
  it.each(WAYS)('(%s) is a rejection for a person, and is not tried on', async (code, way) => {
    failures = [way];
    await expect(guardian.start()).rejects.toThrow(code);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(failures).toEqual([]);
    expect(children.filter(({ pid }) => pid !== undefined)).toEqual([]);
    expect(told).toEqual([]);
  });

  it('says which limit to raise', async () => {
    failures = [() => failing('EMFILE', false)];
    await expect(guardian.start()).rejects.toThrow('LimitNOFILE');
  });
});
