/** Entry point of the thread of an isolated provider: loads that provider and serves it. Started by providers.ts only. */
import type { ProviderConfig } from '../config/config.ts';
import { serveProvider } from '../isolation/serve.ts';
import type { ProviderName } from '../model/vip.ts';
import { workerHome } from '../platform/worker-thread.ts';
import type { ProviderPlace } from '../provider/provider.ts';
import { wiringOf } from './provider-kinds.ts';

export interface IsolatedThreadData {
  readonly name: ProviderName;
  readonly settings: ProviderConfig;
  readonly place: ProviderPlace;
}

const home = workerHome();
const { name, settings, place } = home.data as IsolatedThreadData;
await serveProvider(home, () => wiringOf(settings).create(name, settings, place));
