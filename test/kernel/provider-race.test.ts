/**
 * Two hosts that know nothing of each other's group ask the link for the same addresses in the same milliseconds. Their
 * interfaces let through only the groups that were joined, as network cards do (macvlan).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicNow } from '../../src/platform/clock.ts';
import { run, vip } from './provider-stage.ts';

const VIPS = [vip('four', '10.77.0.101'), vip('six', '2001:db8:77::a1:101')];
const NAMES = [`racer${process.pid}-1`, `racer${process.pid}-2`];

class Racer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(netns: string) {
    const script = new URL('provider-racer.ts', import.meta.url).pathname;
    const argv = ['netns', 'exec', netns, process.execPath, script];
    this.#process = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  tell(line: string): void {
    this.#process.stdin!.write(`${line}\n`);
  }

  async says(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the racer ended');
    return value;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin!.end();
    await gone;
  }
}

let racers: Racer[] = [];

beforeEach(async () => {
  run('ip link set lo up; ip link add segment0 type veth peer name segment1');
  run('ip link set segment0 up; ip link set segment1 up');
  for (const name of NAMES) {
    run(`ip netns add ${name}; ip link add link segment0 name nic0 netns ${name} type macvlan mode bridge`);
    run(`ip netns exec ${name} ip link set nic0 addrgenmode none up`);
  }
  racers = NAMES.map((name) => new Racer(name));
  for (const racer of racers) racer.tell(JSON.stringify({ interfaceName: 'nic0', vips: VIPS }));
  for (const racer of racers) expect(await racer.says()).toBe('ready');
});

afterEach(async () => {
  for (const racer of racers) await racer.end();
  for (const name of NAMES) run(`ip netns delete ${name}`);
  run('ip link delete segment0');
});

/** Who of both held each VIP after both had asked for it, the second `apart` ms after the first. */
async function race(apart: number): Promise<Record<string, number>> {
  const at = monotonicNow() + 15;
  for (const [i, racer] of racers.entries()) racer.tell(String(at + (i === 0 ? -apart / 2 : apart / 2)));
  const held = await Promise.all(racers.map(async (racer) => JSON.parse(await racer.says()) as string[]));
  for (const racer of racers) racer.tell('release');
  for (const racer of racers) expect(JSON.parse(await racer.says())).toEqual([]);
  return Object.fromEntries(VIPS.map(({ id }) => [id, held.filter((ids) => ids.includes(id)).length]));
}

describe('two hosts that ask for the same addresses at once', () => {
  it('never both take one, whoever asked first', { timeout: 60_000 }, async () => {
    const results: string[] = [];
    for (let attempt = 0; attempt < 120; attempt++) {
      // An ask takes 8 ms; whoever is first by more than half a millisecond is heard when it announces.
      const apart = attempt < 100 ? (attempt % 10) * 0.1 - 0.45 : attempt - 109.5;
      const { four, six } = await race(apart);
      results.push(`${apart.toFixed(1)}: ${four} ${six}`);
    }
    expect(results.filter((result) => !result.endsWith(': 1 1'))).toEqual([]);
  });
});
