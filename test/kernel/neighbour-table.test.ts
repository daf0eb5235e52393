/** The kernel's neighbour table: what is forgotten at our word, and what is not. */
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forgetUnanswered } from '../../src/platform/neighbour-table.ts';
import { until } from '../conformance/provider.ts';
import { INTERFACE, run, Stage } from './provider-stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
  stage.begin();
  run(`ip address add 2001:db8:77::1/64 dev ${INTERFACE} nodad`);
  run(`ip route add 10.99.0.0/16 via 10.77.0.9`);
});

afterEach(() => stage.end());

const neighbour = (address: string) => run(`ip neighbour show ${address}`).trim();

/** Sends something that nobody answers. */
async function askInVain(address: string): Promise<void> {
  run(`bash -c 'echo x > /dev/udp/${address}/9' 2>/dev/null || true`);
  await until(() => /INCOMPLETE|FAILED/.test(neighbour(address)));
}

describe('what the kernel asks for in vain', () => {
  it.each([
    ['10.77.0.50', '10.77.0.1'],
    ['2001:db8:77::50', '2001:db8:77::1'],
  ])('%s is forgotten, once, and asked for anew with the next packet', async (address, source) => {
    await askInVain(address);
    expect(forgetUnanswered([address], source)).toBe(1);
    expect(neighbour(address)).toBe('');
    expect(forgetUnanswered([address], source)).toBe(0);
    await askInVain(address);
    expect(forgetUnanswered([address])).toBe(1);
  });

  it('stays where it is not the one named', async () => {
    await askInVain('10.77.0.50');
    await askInVain('10.77.0.51');
    expect(forgetUnanswered(['10.77.0.51'])).toBe(1);
    expect(neighbour('10.77.0.50')).toMatch(/INCOMPLETE|FAILED/);
  });

  it('stays where the peer is behind it: a gateway is not ours to touch', async () => {
    await askInVain('10.77.0.9');
    expect(forgetUnanswered(['10.99.0.1'])).toBe(0);
    expect(neighbour('10.77.0.9')).toMatch(/INCOMPLETE|FAILED/);
  });
});

describe('what the kernel knows', () => {
  it('stays, learned or set by hand, and our own addresses and unroutable ones are no matter', () => {
    run(`ip neighbour replace 10.77.0.60 lladdr 02:00:00:00:00:60 dev ${INTERFACE} nud stale`);
    run(`ip neighbour replace 10.77.0.61 lladdr 02:00:00:00:00:61 dev ${INTERFACE} nud permanent`);
    const addresses = ['10.77.0.60', '10.77.0.61', '10.77.0.1', '127.0.0.1', '203.0.113.9', '2001:db8:99::1'];
    expect(forgetUnanswered(addresses)).toBe(0);
    expect(neighbour('10.77.0.60')).toContain('STALE');
    expect(neighbour('10.77.0.61')).toContain('PERMANENT');
  });

  it('is not ours to change without CAP_NET_ADMIN, and that is said', async () => {
    await askInVain('10.77.0.50');
    const module = new URL('../../src/platform/neighbour-table.ts', import.meta.url).pathname;
    const script = `import { forgetUnanswered } from ${JSON.stringify(module)}; console.log(forgetUnanswered(['10.77.0.50']));`;
    const bare = spawnSync(
      'setpriv',
      [
        '--bounding-set=-net_admin',
        '--inh-caps=-net_admin',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
      ],
      { encoding: 'utf8' },
    );
    expect(bare.stdout.trim()).toBe('not-allowed');
    expect(neighbour('10.77.0.50')).not.toBe('');
    const armed = spawnSync(
      'setpriv',
      [
        '--bounding-set=-all,+net_admin',
        '--inh-caps=-all',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
      ],
      { encoding: 'utf8' },
    );
    expect(armed.stdout.trim()).toBe('1');
  });
});
