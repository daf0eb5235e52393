/** The example program of docs/examples/exec-provider moves real addresses on a real kernel. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createExecProvider } from '../../providers/exec/provider.ts';
import type { ExecProviderConfig } from '../../src/config/config.ts';
import { describeProvider, type ProviderStage } from '../conformance/provider.ts';
import { INTERFACE, Stage, vip } from './provider-stage.ts';

const VIPS = [
  vip('both-families', '10.77.0.101', '2001:db8:77::101'),
  vip('host-route', '10.77.0.102'),
  vip('in-subnet', '10.77.0.103/24'),
];

function program(folder: string): string {
  const file = join(folder, 'addresses.mjs');
  const source = new URL('../../docs/examples/exec-provider/addresses.mjs', import.meta.url);
  // Whatever node the machine has, the test's own runs it.
  writeFileSync(file, readFileSync(source, 'utf8').replace(/^#!.*/, `#!${process.execPath}`));
  chmodSync(file, 0o755);
  return file;
}

function open(device = INTERFACE) {
  const stage = new Stage();
  stage.begin();
  const folder = mkdtempSync(join(tmpdir(), 'wackamole-exec-'));
  const config: ExecProviderConfig = {
    kind: 'exec',
    command: [program(folder)],
    env: { INTERFACE: device },
    timeout_ms: 20_000,
    renew_interval_ms: 1_000,
    families: [4, 6],
    scope: 'any',
    atomic_takeover: false,
  };
  const provider = createExecProvider({ name: 'exec', config, place: { cluster: 'web', member: 'a' } });
  const end = async () => {
    rmSync(folder, { recursive: true, force: true });
    stage.end();
  };
  return { stage, provider, end };
}

describeProvider('exec: the example', async (): Promise<ProviderStage> => {
  const { provider, end } = open();
  return { provider, vips: VIPS, end };
});

it('the example has the addresses on the interface, and says what is wrong', async () => {
  const { stage, provider, end } = open();
  const { signal } = new AbortController();
  try {
    await provider.start(VIPS, () => {});
    const requests = VIPS.map((one) => ({ vip: one, guard: { kind: 'at-once' as const } }));
    expect(await provider.acquire(requests, 1, signal)).toMatchObject(
      VIPS.map(() => ({ held: true, code: 'ok' })),
    );
    expect(stage.addresses()).toEqual([
      '10.77.0.101/32',
      '10.77.0.102/32',
      '10.77.0.103/24',
      '2001:db8:77::101/128',
    ]);
    await provider.release(VIPS, signal);
    expect(stage.addresses()).toEqual([]);
    expect(await provider.test(VIPS, signal)).toMatchObject([{ verdict: 'pass' }, { verdict: 'pass' }]);
  } finally {
    await provider.stop();
    await end();
  }
  const wrong = open('eth77');
  try {
    expect(await wrong.provider.test(VIPS, signal)).toMatchObject([{ verdict: 'pass' }, { verdict: 'fail' }]);
  } finally {
    await wrong.provider.stop();
    await wrong.end();
  }
});
