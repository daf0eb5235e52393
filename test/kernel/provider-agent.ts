/**
 * A process that holds VIPs as an agent would: ticks, renews, and says on stdout what happens. Started by the tests, which
 * kill it, stop it and thaw it. Hears on stdin a JSON list of VIPs and a JSON record of changes to the settings, a line each.
 */
import { readFileSync } from 'node:fs';
import { createLocalProvider } from '../../providers/local/provider.ts';
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Vip } from '../../src/model/vip.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { CLUSTER, QUICK } from './provider-stage.ts';

const [first = '[]', second = '{}'] = readFileSync(0, 'utf8').split('\n');
const vips = JSON.parse(first) as Vip[];
const settings = JSON.parse(second) as Partial<LocalProviderConfig> & {
  no_renewal?: boolean;
};
const config = { ...QUICK, ...settings };
const signal = new AbortController().signal;

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const provider = createLocalProvider('local', { config, cluster: CLUSTER });
await provider.start(vips, (event) => say(event));
// An agent ticks from the first moment on: what it puts up is guarded against a hang at once.
provider.tick?.();
const began = monotonicNow();
const outcomes = await provider.acquire(
  vips.map((vip) => ({ vip, guard: { kind: 'at-once' } })),
  1,
  signal,
);
say({ kind: 'acquired', held: outcomes.filter(({ held }) => held).length, took: monotonicNow() - began });
setInterval(() => provider.tick?.(), 100);
if (!settings.no_renewal) {
  setInterval(() => {
    provider.renew(vips, signal).then(
      (all) => {
        const gone = all.filter(({ held }) => !held);
        if (gone.length > 0) say({ kind: 'not-renewed', count: gone.length });
      },
      (error: unknown) => say({ kind: 'broken', error: String(error) }),
    );
  }, config.renew_interval_ms);
}
