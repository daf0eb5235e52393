/**
 * How soon a cloud provider acts, and how late it makes the agent's loop: `node test/bench/clouds.ts [rounds]`. For each mode a fresh
 * provider, on its own thread as in the agent, is asked for all VIPs of a host that died: right after its start, again, and after the
 * cloud has closed all connections, as after a minute of rest. Told is the time from the question (the view is settled then) to the
 * arrival of the first changing call; meanwhile a timer of 5 ms on the asking thread stands for the heartbeat. The make-believe cloud
 * is a thread of its own, and answers at once; what making up its answers took is told beside it.
 */
import { createProvider } from '../../src/bin/providers.ts';
import type { AwsMode, GcpMode } from '../../src/config/config.ts';
import type { Vip } from '../../src/model/vip.ts';
import { raisePriority } from '../../src/platform/priority.ts';
import { startWorker } from '../../src/platform/worker-thread.ts';
import type { Provider } from '../../src/provider/provider.ts';
import type { Order, Told, Wish } from './clouds-thread.ts';
import { summarize, summaryText } from './statistics.ts';

const WISHES: readonly Wish[] = [
  { kind: 'aws', mode: 'secondary-ip', vips: 100 },
  { kind: 'aws', mode: 'elastic-ip', vips: 20 },
  { kind: 'aws', mode: 'route', vips: 100 },
  { kind: 'gcp', mode: 'alias-ip', vips: 100 },
  { kind: 'gcp', mode: 'external-ip', vips: 1 },
  { kind: 'gcp', mode: 'route', vips: 100 },
];
const BEAT = 5;
let fence = 10;
const MOMENTS = ['first', 'again', 'cold'] as const;
type Moment = (typeof MOMENTS)[number];

class CloudThread {
  readonly #told: Told[] = [];
  #wake: () => void = () => undefined;
  readonly #worker: ReturnType<typeof startWorker>;

  constructor(wish: Wish) {
    this.#worker = startWorker(
      { script: new URL('./clouds-thread.ts', import.meta.url), data: wish },
      {
        message: (message) => {
          this.#told.push(message as Told);
          this.#wake();
        },
        ended: () => undefined,
      },
    );
  }

  async next<Kind extends Told['kind']>(kind: Kind): Promise<Extract<Told, { kind: Kind }>> {
    while (this.#told.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const told = this.#told.shift()!;
    if (told.kind !== kind) throw new Error(`the cloud told ${told.kind} instead of ${kind}`);
    return told as Extract<Told, { kind: Kind }>;
  }

  order(order: Order): void {
    this.#worker.post(order);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

interface Seen {
  readonly untilFirstCall: number;
  /** Of it: what the make-believe cloud took for its answers. */
  readonly clouds: number;
  readonly late: number;
  readonly changes: readonly string[];
}

interface Asked {
  readonly provider: Provider;
  readonly cloud: CloudThread;
  readonly vips: readonly Vip[];
}

async function takeOver({ provider, cloud, vips }: Asked, fence: number): Promise<Seen> {
  let [last, late] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    late = Math.max(late, now - last - BEAT);
    last = now;
  }, BEAT);
  const requests = vips.map((vip) => ({ vip, guard: { kind: 'at-once' as const } }));
  const began = performance.timeOrigin + performance.now();
  const outcomes = await provider.acquire(requests, fence, AbortSignal.timeout(30_000));
  await new Promise((resolve) => setTimeout(resolve, 3 * BEAT));
  clearInterval(timer);
  const failed = outcomes.find(({ held }) => !held);
  if (failed !== undefined) throw new Error(`${failed.vip}: ${failed.reason}`);
  cloud.order('report');
  const { first, own, changes } = await cloud.next('report');
  if (first === undefined) throw new Error('nothing was changed');
  return { untilFirstCall: first - began, clouds: own, late, changes };
}

async function round(
  wish: Wish,
  cloud: CloudThread,
  { settings, vips }: Extract<Told, { kind: 'open' }>,
): Promise<Record<Moment, Seen>> {
  const provider = await createProvider(wish.kind, settings, { cluster: 'bench', member: 'a' });
  const asked = { provider, cloud, vips };
  const lose = async () => {
    cloud.order('lose');
    await cloud.next('done');
    await new Promise((resolve) => setTimeout(resolve, 300));
    cloud.order('report');
    await cloud.next('report');
  };
  try {
    await provider.start(vips, () => undefined);
    fence += 3;
    await lose();
    const first = await takeOver(asked, fence);
    await lose();
    const again = await takeOver(asked, fence + 1);
    await lose();
    cloud.order('hang up');
    await cloud.next('done');
    // Long ago: what is said of the closed ones has been heard.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const cold = await takeOver(asked, fence + 2);
    return { first, again, cold };
  } finally {
    await provider.stop();
  }
}

function countOf(changes: readonly string[]): string {
  const counts = Map.groupBy(changes, (action) => action);
  return [...counts].map(([action, some]) => `${some.length} ${action}`).join(', ');
}

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'x' });
const refused = raisePriority(-20);
if (refused !== undefined) console.log(`at ordinary priority: ${refused}`);

const rounds = Number(process.argv[2] ?? 5);
const only = process.argv[3];
for (const wish of WISHES) {
  const name = `${wish.kind} ${wish.mode satisfies AwsMode | GcpMode}, ${wish.vips} VIPs`;
  if (only !== undefined && !name.startsWith(only)) continue;
  const seen: Record<Moment, Seen>[] = [];
  const cloud = new CloudThread(wish);
  const open = await cloud.next('open');
  // The first round warms the make-believe cloud, which real ones are.
  for (let at = 0; at <= rounds; at += 1) seen.push(await round(wish, cloud, open));
  seen.shift();
  await cloud.end();
  for (const moment of MOMENTS) {
    const some = seen.map((each) => each[moment]);
    const calls = summaryText(summarize(some.map(({ untilFirstCall }) => untilFirstCall)));
    const clouds = summaryText(summarize(some.map((each) => each.clouds)));
    const late = summaryText(summarize(some.map((each) => each.late)));
    console.log(
      `${name}, ${moment}: first call after ${calls} ms (the cloud's own ${clouds}), loop late by ${late} ms; ${countOf(some[0]!.changes)}`,
    );
  }
}
