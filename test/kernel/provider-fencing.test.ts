/** Nobody keeps what it may not hold: the agent killed, stopped, thawed, its guardian killed, both killed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GUARDIAN_SCRIPT } from '../../providers/local/guardian-script.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { watchRoutes } from '../../src/platform/netlink.ts';
import type { Watch } from '../../src/platform/poll.ts';
import { until } from '../conformance/provider.ts';
import { INTERFACE, run, Stage, vip } from './provider-stage.ts';

interface Said {
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** The process that holds VIPs, and what it says. */
class Agent {
  readonly said: Said[] = [];
  readonly process: ChildProcess;

  constructor(vips: readonly Vip[], settings: object = {}) {
    const script = new URL('provider-agent.ts', import.meta.url).pathname;
    this.process = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.stdin!.end(`${JSON.stringify(vips)}
${JSON.stringify(settings)}
`);
    createInterface({ input: this.process.stdout! }).on('line', (line) =>
      this.said.push(JSON.parse(line) as Said),
    );
  }

  async holds(count: number): Promise<void> {
    await until(() => this.said.some(({ kind, held }) => kind === 'acquired' && held === count));
  }

  /** It was told by an event, or by the answer to a renewal, whichever came first. */
  knowsItLost(count: number): boolean {
    const events = this.said.filter(({ kind }) => kind === 'lost').length;
    const answers = this.said
      .filter(({ kind }) => kind === 'not-renewed')
      .map(({ count: some }) => Number(some));
    return events === count || answers.includes(count);
  }

  wasFenced(vip: string): boolean {
    return this.said.some((one) => one.kind === 'lost' && one['vip'] === vip && one['fenced'] === true);
  }

  signal(name: NodeJS.Signals): number {
    this.process.kill(name);
    return monotonicNow();
  }

  get guardianPid(): number {
    return Number(run(`cat /proc/${this.process.pid}/task/*/children`).trim().split(/\s+/)[0]);
  }
}

let stage: Stage;
let agent: Agent | undefined;
let watch: Watch;
/** When each address came and went, as the kernel told it. */
let gone: Map<string, number>;
let came: Map<string, number>;

beforeEach(() => {
  stage = new Stage();
  stage.begin();
  gone = new Map();
  came = new Map();
  watch = watchRoutes({
    notices(notices) {
      for (const notice of notices) {
        if (notice.kind === 'address')
          (notice.gone ? gone : came).set(notice.address.address, monotonicNow());
      }
    },
    overrun() {
      throw new Error('the test was too slow to hear every notice');
    },
  });
});

afterEach(() => {
  watch.close();
  agent?.process.kill('SIGKILL');
  agent = undefined;
  stage.end();
});

const FEW = [vip('four', '10.77.0.101'), vip('six', '2001:db8:77::101'), vip('subnet', '10.77.0.103/24')];
const FEW_ADDRESSES = ['10.77.0.101', '2001:db8:77::101', '10.77.0.103'];

function many(count: number): Vip[] {
  return Array.from({ length: count }, (_, at) => vip(`v${at}`, `10.78.${at >> 8}.${at & 255}`));
}

function lastGone(since: number): number {
  return Math.max(...gone.values()) - since;
}

describe('an agent that is killed', () => {
  it('has lost its addresses to the guardian within milliseconds', async () => {
    agent = new Agent(FEW);
    await agent.holds(3);
    const since = agent.signal('SIGKILL');
    await until(() => FEW_ADDRESSES.every((address) => gone.has(address)));
    console.log(`3 VIPs gone ${lastGone(since).toFixed(1)} ms after SIGKILL`);
    expect(lastGone(since)).toBeLessThan(1000);
    expect(stage.addresses()).toEqual([]);
  });

  it('has lost 1,000 addresses as well', async () => {
    agent = new Agent(many(1000));
    await agent.holds(1000);
    console.log(`1,000 VIPs acquired and announced in ${Number(agent.said.at(-1)?.['took']).toFixed(1)} ms`);
    // The guardian reads a list of this length for some milliseconds.
    await until(() => run('cat /proc/net/fib_trie').includes('10.78.3.231'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const since = agent.signal('SIGKILL');
    await until(() => gone.size >= 1000);
    console.log(`1,000 VIPs gone ${lastGone(since).toFixed(1)} ms after SIGKILL`);
    expect(lastGone(since)).toBeLessThan(2000);
  });

  it('loses them to the kernel when its guardian is killed with it', async () => {
    agent = new Agent(FEW, { lease_ms: 2000 });
    await agent.holds(3);
    process.kill(agent.guardianPid, 'SIGKILL');
    const since = agent.signal('SIGKILL');
    await until(() => FEW_ADDRESSES.every((address) => gone.has(address)));
    console.log(
      `lease of 2 s: gone ${FEW_ADDRESSES.map((a) => Math.round(gone.get(a)! - since)).join(', ')} ms after both were killed`,
    );
    expect(lastGone(since)).toBeGreaterThan(1000);
    expect(lastGone(since)).toBeLessThan(2000 + 1100 + 500);
  });
});

describe('an agent that is well', () => {
  it('keeps its addresses beyond their lease, without a gap', async () => {
    agent = new Agent(FEW, { lease_ms: 2000 });
    await agent.holds(3);
    // By then the kernel has removed whatever was not renewed: whole seconds, and 1.1 s that it may be late.
    await new Promise((resolve) => setTimeout(resolve, 2000 + 1100 + 500));
    expect([...gone.keys()]).toEqual([]);
    expect(stage.addresses()).toHaveLength(3);
    expect(agent.said.filter(({ kind }) => kind !== 'acquired')).toEqual([]);
  });
});

describe('an agent that hangs', () => {
  it('has lost its addresses at the limit, and puts nothing back when it thaws', async () => {
    // Renewals so close that after the thaw one comes before the tick.
    agent = new Agent(FEW, { guardian_timeout_ms: 500, renew_interval_ms: 30 });
    await agent.holds(3);
    const since = agent.signal('SIGSTOP');
    await until(() => FEW_ADDRESSES.every((address) => gone.has(address)));
    console.log(`limit of 500 ms: gone ${lastGone(since).toFixed(0)} ms after SIGSTOP`);
    expect(lastGone(since)).toBeGreaterThan(300);
    expect(lastGone(since)).toBeLessThan(2000);
    came.clear();
    agent.signal('SIGCONT');
    await until(() => FEW.every(({ id }) => agent!.wasFenced(id)));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(stage.addresses()).toEqual([]);
    expect(FEW_ADDRESSES.filter((address) => came.has(address))).toEqual([]);
  });

  it('gives up by itself when it was away longer than the lease', async () => {
    agent = new Agent(FEW, { lease_ms: 2000, guardian_timeout_ms: 60_000 });
    await agent.holds(3);
    agent.signal('SIGSTOP');
    await until(() => FEW_ADDRESSES.every((address) => gone.has(address)));
    agent.signal('SIGCONT');
    await until(() => agent!.knowsItLost(3));
    expect(stage.addresses()).toEqual([]);
  });

  it('keeps nothing that it does not renew, although it ticks', async () => {
    agent = new Agent(FEW, { lease_ms: 2000, no_renewal: true });
    await agent.holds(3);
    await until(() => agent!.knowsItLost(3));
    expect(stage.addresses()).toEqual([]);
  });
});

describe('a guardian that is killed', () => {
  it('is started again and guards what is held', async () => {
    agent = new Agent(FEW);
    await agent.holds(3);
    const first = agent.guardianPid;
    process.kill(first, 'SIGKILL');
    await until(
      () => Number.isInteger(agent!.guardianPid) && agent!.guardianPid > 0 && agent!.guardianPid !== first,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(stage.addresses()).toHaveLength(3);
    const since = agent.signal('SIGKILL');
    await until(() => FEW_ADDRESSES.every((address) => gone.has(address)));
    expect(lastGone(since)).toBeLessThan(1000);
  });

  it('twice in a row is told as trouble, and its return too', async () => {
    agent = new Agent(FEW);
    await agent.holds(3);
    const first = agent.guardianPid;
    process.kill(first, 'SIGKILL');
    await until(() => agent!.guardianPid > 0 && agent!.guardianPid !== first);
    const troubles = () => agent!.said.filter(({ kind }) => kind === 'trouble').map(({ reason }) => reason);
    expect(troubles()).toEqual([]);
    process.kill(agent.guardianPid, 'SIGKILL');
    await until(() => troubles().length === 2);
    expect(troubles()).toEqual([expect.stringContaining('guardian'), undefined]);
    expect(stage.addresses()).toHaveLength(3);
  });

  it('does not end by TERM, INT or HUP', async () => {
    agent = new Agent(FEW);
    await agent.holds(3);
    const first = agent.guardianPid;
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(first, name);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(agent.guardianPid).toBe(first);
  });
});

describe('a guardian by itself', () => {
  it('takes away once more what a thawed agent put back before it spoke', async () => {
    const guardian = spawn('/bin/bash', ['-c', GUARDIAN_SCRIPT, 'guardian', '0.5']);
    let said = '';
    guardian.stdout.on('data', (text: Buffer) => {
      said += text.toString();
    });
    run(`ip address add 10.77.0.101/32 dev ${INTERFACE}`);
    guardian.stdin.write(`+ 10.77.0.101/32 ${INTERFACE}\nt\n`);
    await until(() => gone.has('10.77.0.101'));
    run(`ip address add 10.77.0.101/32 dev ${INTERFACE}`);
    gone.clear();
    guardian.stdin.write('t\n');
    await until(() => said.includes('fenced'));
    expect(stage.addresses()).toEqual([]);
    guardian.stdin.end();
    await new Promise((resolve) => guardian.once('exit', resolve));
  });
});

describe('an agent that ends in order', () => {
  it('leaves nothing behind, even if it released nothing', async () => {
    const provider = stage.provider();
    await provider.start(FEW, () => {});
    const requests = FEW.map((one) => ({ vip: one, guard: { kind: 'at-once' as const } }));
    await provider.acquire(requests, 1, new AbortController().signal);
    expect(stage.addresses()).toHaveLength(3);
    await provider.stop();
    expect(stage.addresses()).toEqual([]);
  });
});

describe('an agent without rights', () => {
  it.each(['net_admin', 'net_raw'])('says at start that it lacks %s and what to do', (right) => {
    const script = new URL('provider-agent.ts', import.meta.url).pathname;
    const ended = spawnSync(
      'setpriv',
      [`--bounding-set=-${right}`, `--inh-caps=-${right}`, process.execPath, script],
      { input: '[]\n{}\n', encoding: 'utf8', timeout: 20_000 },
    );
    expect(ended.status).not.toBe(0);
    expect(ended.stderr).toContain(`CAP_${right.toUpperCase()}`);
    expect(ended.stderr).toContain('AmbientCapabilities');
  });
});
