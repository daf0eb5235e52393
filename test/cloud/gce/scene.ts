/** A make-believe project with members in two zones, a provider for each, and the agent's part played by the test. */
import { createGcpProvider, type GcpParts } from '../../../providers/gcp/provider.ts';
import type { GcpMode, GcpProviderConfig } from '../../../src/config/config.ts';
import type { Vip } from '../../../src/model/vip.ts';
import type { Provider, ProviderEvent, VipOutcome } from '../../../src/provider/provider.ts';
import { Faults } from '../faults.ts';
import { FakeCompute } from './fake-compute.ts';
import { FakeMetadata } from './fake-metadata.ts';
import { type InstanceState, Project } from './project.ts';

export const CLUSTER = 'Prod.one';
export const LABELS = { 'wackamole-cluster': 'prod-one' };
export const SIGNAL = new AbortController().signal;

export interface Host {
  readonly instance: InstanceState;
  readonly metadata: FakeMetadata;
  readonly provider: Provider;
  readonly events: ProviderEvent[];
}

export interface SceneOptions {
  readonly mode?: GcpMode;
  readonly hosts?: number;
  readonly vips?: readonly Vip[];
  readonly config?: Partial<GcpProviderConfig>;
  readonly parts?: Partial<GcpParts>;
  readonly faults?: Faults;
  /** Absent: they are started. */
  readonly asleep?: boolean;
}

export function vip(id: string, ...addresses: readonly string[]): Vip {
  return {
    id,
    addresses: addresses.map((address) => ({ family: 4, address, prefixLength: 32 })),
    prefer: [],
    weight: 1,
    policy: 'primary',
    providers: ['gcp'],
  };
}

export const ALIAS_VIPS = [vip('a', '10.0.0.50'), vip('b', '10.0.0.51', '10.0.0.52'), vip('c', '10.0.0.53')];
export const EXTERNAL_VIPS = [vip('a', '34.1.1.1'), vip('b', '34.1.1.2')];
export const ROUTE_VIPS = [vip('a', '10.9.0.1'), vip('b', '10.9.0.2', '10.9.0.3'), vip('c', '10.9.0.4')];
const VIPS = { 'alias-ip': ALIAS_VIPS, 'external-ip': EXTERNAL_VIPS, route: ROUTE_VIPS };

export class Scene {
  readonly project = new Project();
  readonly cloud: FakeCompute;
  readonly hosts: Host[] = [];
  readonly vips: readonly Vip[];
  readonly #options: SceneOptions;

  private constructor(options: SceneOptions) {
    this.#options = options;
    this.cloud = new FakeCompute(this.project, options.faults ?? new Faults());
    this.vips = options.vips ?? VIPS[options.mode ?? 'alias-ip'];
    this.project.addSubnet('sub', '10.0.0.0/24', [{ name: 'vips', cidr: '10.7.0.0/24' }]);
    for (const [at, { addresses }] of EXTERNAL_VIPS.entries())
      this.project.state.addresses.set(`external-${at}`, addresses[0]!.address);
  }

  static async open(options: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(options);
    await scene.cloud.listen();
    for (let number = 1; number <= (options.hosts ?? 2); number++) await scene.#addHost(number);
    return scene;
  }

  get mode(): GcpMode {
    return this.#options.mode ?? 'alias-ip';
  }

  host(at: number): Host {
    return this.hosts[at]!;
  }

  config(metadata: FakeMetadata): GcpProviderConfig {
    return {
      kind: 'gcp',
      mode: this.mode,
      interface: 'nic0',
      alias_limit: 100,
      priority: 1000,
      endpoint: this.cloud.url,
      metadata_endpoint: metadata.url,
      call_timeout_ms: 5_000,
      operation_timeout_ms: 20_000,
      settle_timeout_ms: 5_000,
      look_interval_ms: 60_000,
      ...this.#options.config,
    };
  }

  /** Acquires on one host; outcomes by VIP. */
  async take(
    at: number,
    { vips = this.vips, fence = 1, signal = SIGNAL } = {},
  ): Promise<Map<string, VipOutcome>> {
    const requests = vips.map((each) => ({ vip: each, guard: { kind: 'at-once' as const } }));
    return byVip(await this.host(at).provider.acquire(requests, fence, signal));
  }

  async give(at: number, vips = this.vips): Promise<Map<string, VipOutcome>> {
    return byVip(await this.host(at).provider.release(vips, SIGNAL));
  }

  /** Names of the instances that VIPs lead to, by address. */
  holders(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.project.holders());
  }

  /** Requests since the last time this was asked, by what they do. */
  requests(): { readonly reads: number; readonly changes: readonly string[] } {
    const some = this.cloud.requests.splice(0);
    const changes = some.filter(({ mutating }) => mutating);
    return { reads: some.length - changes.length, changes: changes.map(({ action }) => action) };
  }

  async end(): Promise<void> {
    this.cloud.faults.calm();
    await Promise.all(this.hosts.map(({ provider }) => provider.stop()));
    await Promise.all(this.hosts.map(({ metadata }) => metadata.close()));
    await this.cloud.close();
  }

  async #addHost(number: number): Promise<void> {
    const instance = this.project.addInstance(`vm-${number}`, {
      primary: `10.0.0.1${number}`,
      zone: `${this.project.region}-${number % 2 === 1 ? 'a' : 'b'}`,
      labels: LABELS,
    });
    const metadata = new FakeMetadata(this.cloud, instance);
    await metadata.listen();
    const events: ProviderEvent[] = [];
    const settings = { config: this.config(metadata), cluster: CLUSTER };
    const provider = createGcpProvider('gcp', settings, this.#options.parts);
    this.hosts.push({ instance, metadata, provider, events });
    if (this.#options.asleep !== true) await provider.start(this.vips, (event) => events.push(event));
  }
}

export function byVip(outcomes: readonly VipOutcome[]): Map<string, VipOutcome> {
  return new Map(outcomes.map((outcome) => [outcome.vip, outcome]));
}
