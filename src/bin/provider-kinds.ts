/**
 * The list of ways to move an address: the one place where a provider is wired in. Each is loaded only when configured, and those that
 * bring code of others along only on a thread of their own.
 */
import type { ProviderConfig } from '../config/config.ts';
import type { ProviderName, Vip } from '../model/vip.ts';
import type { Provider, ProviderPlace } from '../provider/provider.ts';

type ProviderKindName = ProviderConfig['kind'];

export interface Wiring<Settings extends ProviderConfig> {
  /** For people, in a few words. */
  readonly about: string;
  /** It runs on a thread of its own (`src/isolation`). */
  readonly isolated: boolean;
  /** npm packages that it needs and that an installation may lack. */
  readonly packages: readonly string[];
  /** Before `create`, where it shall act soon: what makes its first call slow otherwise. Rejects with an Error for a person. */
  warm?(settings: Settings): Promise<unknown>;
  /** Runs in that thread, where it is isolated. Rejects with an Error for a person. */
  create(name: ProviderName, settings: Settings, place: ProviderPlace): Promise<Provider>;
  /** What the agent must be allowed to do by these providers for these VIPs, and nothing more, in the platform's own notation. */
  policy?(
    settings: readonly Settings[],
    subject: { readonly place: ProviderPlace; readonly vips: readonly Vip[] },
  ): Promise<unknown>;
}

type Wirings = { readonly [Kind in ProviderKindName]: Wiring<Extract<ProviderConfig, { kind: Kind }>> };

export const PROVIDER_KINDS: Wirings = {
  local: {
    about: 'addresses on interfaces of this host',
    isolated: false,
    packages: [],
    create: async (name, config, { cluster }) =>
      (await import('../../providers/local/provider.ts')).createLocalProvider(name, { config, cluster }),
  },
  aws: {
    about: 'addresses and routes of Amazon EC2',
    isolated: true,
    packages: ['@aws-sdk/client-ec2'],
    warm: async ({ mode }) => (await import('../../providers/aws/practice.ts')).practise(mode),
    create: async (name, config, { cluster }) =>
      (await import('../../providers/aws/provider.ts')).createAwsProvider(name, { config, cluster }),
    policy: async (settings, { place: { cluster }, vips }) => {
      const ipv6 = vips.some(({ addresses }) => addresses.some(({ family }) => family === 6));
      return (await import('../../providers/aws/policy.ts')).awsPolicy({
        cluster,
        providers: settings,
        ipv6,
      });
    },
  },
  gcp: {
    about: 'addresses and routes of Google Compute Engine',
    isolated: true,
    packages: ['@google-cloud/compute'],
    warm: async ({ mode }) => (await import('../../providers/gcp/practice.ts')).practise(mode),
    create: async (name, config, { cluster }) =>
      (await import('../../providers/gcp/provider.ts')).createGcpProvider(name, { config, cluster }),
    policy: async (settings, { place: { cluster } }) =>
      (await import('../../providers/gcp/policy.ts')).gcpRole({ cluster, providers: settings }),
  },
  memory: {
    about: 'no real addresses, for rehearsal',
    isolated: false,
    packages: [],
    create: async (name) => (await import('../../providers/memory/provider.ts')).createMemoryProvider(name),
  },
  exec: {
    about: 'a program of yours',
    isolated: false,
    packages: [],
    create: async (name, config, place) =>
      (await import('../../providers/exec/provider.ts')).createExecProvider({ name, config, place }),
  },
  package: {
    about: 'an npm package of somebody else',
    isolated: true,
    packages: [],
    create: async (name, settings, place) =>
      (await import('../../providers/package/provider.ts')).createPackageProvider(name, settings, place),
  },
};

/** Of the kind that the settings are of. */
export function wiringOf<Settings extends ProviderConfig>({ kind }: Settings): Wiring<Settings> {
  // Which kind belongs to which settings is in the type of the list, and lost in looking it up.
  return PROVIDER_KINDS[kind] as unknown as Wiring<Settings>;
}
