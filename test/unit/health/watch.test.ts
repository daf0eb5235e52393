import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HealthCheckConfig } from '../../../src/config/config.ts';
import { HealthWatch } from '../../../src/health/watch.ts';
import type { HealthVerdict } from '../../../src/model/health.ts';

let folder = '';
let watch: HealthWatch;
let verdicts: HealthVerdict[] = [];
const BASE = {
  interval_ms: 20,
  timeout_ms: 20_000,
  rise: 1,
  fall: 1,
  hold_ms: 0,
  when_all_fail: 'keep',
} as const;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-'));
  verdicts = [];
  watch = new HealthWatch((verdict) => verdicts.push(verdict));
});
afterEach(async () => {
  await watch.stop();
  await rm(folder, { recursive: true });
});

const command = (...argv: string[]): HealthCheckConfig => ({
  name: 'web',
  probe: { kind: 'command', argv },
  ...BASE,
});
const next = (count: number) =>
  vi.waitFor(() => expect(verdicts.length).toBeGreaterThanOrEqual(count), { timeout: 25_000 });

describe('health watch', { timeout: 60_000 }, () => {
  it('tells a first verdict, and each change of it', async () => {
    const path = join(folder, 'ok');
    watch.configure([{ name: 'flag', probe: { kind: 'file', path, present: true }, ...BASE }]);
    await next(1);
    writeFileSync(path, '');
    await next(2);
    await unlink(path);
    await next(3);
    expect(verdicts).toEqual([
      { check: 'flag', failing: `${path} is not there` },
      { check: 'flag', failing: undefined },
      { check: 'flag', failing: `${path} is not there` },
    ]);
  });

  it('runs a command without a shell and tells its status and its last word', async () => {
    watch.configure([command('/bin/sh', '-c', 'echo one; echo "Connection refused" >&2; exit 3')]);
    await next(1);
    expect(verdicts[0]).toEqual({ check: 'web', failing: 'exit status 3: Connection refused' });
  });

  it('counts a command that hangs as failed at its timeout', async () => {
    const startedAt = performance.now();
    watch.configure([{ ...command('/bin/sh', '-c', 'trap "" TERM; sleep 60'), timeout_ms: 300 }]);
    await next(1);
    expect(verdicts[0]).toEqual({ check: 'web', failing: 'no answer within 300 ms' });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  it('says what is wrong with a command that cannot be run', async () => {
    watch.configure([command('/no/such/program')]);
    await next(1);
    expect(verdicts[0]?.failing).toContain('/no/such/program');
  });

  it('leaves checks alone that a new configuration does not change, and ends those that are gone', async () => {
    const path = join(folder, 'ok');
    const flag = { name: 'flag', probe: { kind: 'file', path, present: true }, ...BASE } as const;
    watch.configure([flag, command('/bin/true')]);
    await next(2);
    watch.configure([flag]);
    writeFileSync(path, '');
    await next(3);
    expect(verdicts.slice(2)).toEqual([{ check: 'flag', failing: undefined }]);
  });
});
