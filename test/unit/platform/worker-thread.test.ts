import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { prepareWorker, startWorker, type WorkerHandlers } from '../../../src/platform/worker-thread.ts';

const script = new URL('./echo-thread.ts', import.meta.url);

function listener() {
  const heard: unknown[] = [];
  const gone = Promise.withResolvers<string>();
  const handlers: WorkerHandlers = { message: (message) => heard.push(message), ended: gone.resolve };
  return { heard, ended: gone.promise, handlers };
}

describe('a thread of its own', () => {
  it('hears everything in order, started at once or prepared', async () => {
    const prepared = prepareWorker(script);
    const starts = [
      (handlers: WorkerHandlers) => startWorker({ script, data: 'x' }, handlers),
      (handlers: WorkerHandlers) => prepared.begin('x', handlers),
    ];
    for (const start of starts) {
      const { heard, ended, handlers } = listener();
      const worker = start(handlers);
      for (const message of [1, 2, 'end']) worker.post(message);
      expect(await ended).toContain('code 0');
      expect(heard).toEqual(['begun with x', 1, 2, 'end']);
    }
  });

  it('tells of its failure, also where it had ended before it was begun', async () => {
    const { ended, handlers } = listener();
    prepareWorker(script).begin('break', handlers);
    expect(await ended).toContain('as it was told');
    const dropped = prepareWorker(script);
    dropped.drop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const late = listener();
    dropped.begin('x', late.handlers);
    expect(await late.ended).toContain('the thread ended');
    expect(late.heard).toEqual([]);
  });

  it('keeps no process running that never begins it', async () => {
    const program = fileURLToPath(new URL('./prepare-and-leave.ts', import.meta.url));
    const done = promisify(execFile)(process.execPath, [program], { timeout: 20_000 });
    await expect(done).resolves.toBeDefined();
  });

  it('is begun once, and not dropped after that', async () => {
    const prepared = prepareWorker(script);
    const { heard, ended, handlers } = listener();
    const worker = prepared.begin('x', handlers);
    expect(() => prepared.begin('y', handlers)).toThrow('once');
    prepared.drop();
    worker.post('end');
    await ended;
    expect(heard).toEqual(['begun with x', 'end']);
  });
});
