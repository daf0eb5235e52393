/** Entry point of the thread of an isolated provider: loads that provider and serves it. Started by providers.ts only. */
import type { ProviderConfig } from '../config/config.ts';
import { serveProvider } from '../isolation/serve.ts';
import type { ProviderName } from '../model/vip.ts';
import { OldGarbage } from '../platform/old-garbage.ts';
import { workerHome } from '../platform/worker-thread.ts';
import type { ProviderPlace } from '../provider/provider.ts';
import { wiringOf } from './provider-kinds.ts';

export interface IsolatedThreadData {
  readonly name: ProviderName;
  readonly settings: ProviderConfig;
  readonly place: ProviderPlace;
  /** It is only asked, and shall answer soon. */
  readonly cold: boolean;
}

const home = workerHome();
const { name, settings, place, cold } = home.data as IsolatedThreadData;
const wiring = wiringOf(settings);
await serveProvider(home, async () => {
  if (!cold && wiring.warm !== undefined) {
    await wiring.warm(settings);
    // What that left would else be collected within the first takeover.
    new OldGarbage().look();
  }
  return wiring.create(name, settings, place);
});
