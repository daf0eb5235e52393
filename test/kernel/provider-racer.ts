/**
 * A process with a local provider that, for each line `<instant>` on stdin, acquires its VIPs at that instant of the monotonic
 * clock if the link is silent, and says in a line of JSON which it holds; on a line `release` it gives them up. First line:
 * JSON of the interface and the VIPs.
 */
import { createInterface } from 'node:readline';
import { createLocalProvider } from '../../providers/local/provider.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { raisePriority } from '../../src/platform/priority.ts';
import { CLUSTER, QUICK } from './provider-stage.ts';

/** Longer than the other needs to put them up, ms. */
const PATIENCE = 60;

// As the agent does: between the last question and the address nothing else of this machine shall come.
raisePriority(-20);
const signal = new AbortController().signal;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
const { interfaceName, vips } = JSON.parse(String(first.value)) as { interfaceName: string; vips: Vip[] };

const config = { ...QUICK, interface: interfaceName, silence_probe_interval_ms: 4, silence_probes: 2 };
const provider = createLocalProvider('local', { config, cluster: CLUSTER });
await provider.start(vips, () => {});
const ticks = setInterval(() => {
  provider.tick?.();
  void provider.renew(vips, signal);
}, 200);
provider.tick?.();
console.log('ready');

for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
  const held = line.value === 'release' ? await release() : await acquireAt(Number(line.value));
  console.log(JSON.stringify(held));
}
clearInterval(ticks);
await provider.stop();

async function release(): Promise<readonly string[]> {
  const outcomes = await provider.release(vips, signal);
  return outcomes.filter((outcome) => outcome.held).map((outcome) => outcome.vip);
}

async function acquireAt(at: number): Promise<readonly string[]> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - monotonicNow() - 3)));
  // To the microsecond: what is tested is two that ask at once.
  while (monotonicNow() < at);
  const guard = { kind: 'when-silent', until: at + PATIENCE } as const;
  const outcomes = await provider.acquire(
    vips.map((vip) => ({ vip, guard })),
    1,
    signal,
  );
  return outcomes.filter((outcome) => outcome.held).map((outcome) => outcome.vip);
}
