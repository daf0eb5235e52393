/**
 * How late the agent's loop gets while an isolated provider loads its SDK and handles batches of 100 VIPs: `node test/bench/isolation.ts
 * [URL of the SDK's entry file]`. A timer of 5 ms stands for the heartbeat; beside it, the same import on the loop's own thread.
 */
import { createIsolatedProvider } from '../../src/isolation/isolated-provider.ts';
import type { Vip } from '../../src/model/vip.ts';
import { raisePriority } from '../../src/platform/priority.ts';

const BEAT = 5;
const url = process.argv[2];
const signal = new AbortController().signal;
const vips = Array.from(
  { length: 100 },
  (_, at): Vip => ({
    id: `v${at}`,
    addresses: [{ family: 4, address: `10.9.0.${at + 1}`, prefixLength: 32 }],
    prefer: [],
    weight: 1,
    policy: 'primary',
    providers: ['memory'],
  }),
);

/** Worst lateness of the beat during the work, and how long that took, in ms. */
async function during(work: () => Promise<unknown>): Promise<string> {
  let last = performance.now();
  let worst = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - BEAT);
    last = now;
  }, BEAT);
  const began = performance.now();
  await work();
  const took = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, 3 * BEAT));
  clearInterval(timer);
  return `${worst.toFixed(1)} ms late at worst, in ${took.toFixed(0)} ms`;
}

const refused = raisePriority(-20);
if (refused !== undefined) console.log(`at ordinary priority: ${refused}`);
await during(() => new Promise((resolve) => setTimeout(resolve, 200)));
console.log(`nothing:         ${await during(() => new Promise((resolve) => setTimeout(resolve, 500)))}`);
let provider: Awaited<ReturnType<typeof createIsolatedProvider>> | undefined;
const script = new URL('./isolation-thread.ts', import.meta.url);
const load = async () => {
  provider = await createIsolatedProvider({ name: 'memory', script, data: { url } });
};
console.log(`thread and SDK:  ${await during(load)}`);
await provider?.start(vips, () => {});
const requests = vips.map((vip) => ({ vip, guard: { kind: 'at-once' as const } }));
const batches = async () => {
  for (let times = 0; times < 10; times += 1) {
    await provider?.acquire(requests, times, signal);
    await provider?.release(vips, signal);
  }
};
console.log(`20 x 100 VIPs:   ${await during(batches)}`);
await provider?.stop();
if (url !== undefined) console.log(`SDK on the loop: ${await during(() => import(url))}`);
