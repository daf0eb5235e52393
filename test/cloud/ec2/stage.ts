/** A region with members' interfaces, an end point over HTTP and providers with the real SDK: what the tests of provider `aws` play on. */
import { type AwsParts, createAwsProvider } from '../../../providers/aws/provider.ts';
import type { AwsMode, AwsProviderConfig } from '../../../src/config/config.ts';
import type { Vip } from '../../../src/model/vip.ts';
import type { AcquireRequest, Provider, ProviderEvent } from '../../../src/provider/provider.ts';
import { Faults } from '../faults.ts';
import { FakeEc2 } from './fake-ec2.ts';
import { type EniState, Region, type RegionOptions, type SubnetState } from './region.ts';

export const CLUSTER = 'web';
export const NEVER = new AbortController().signal;

export interface StageOptions {
  readonly mode: AwsMode;
  /** Hosts, named a, b, c… */
  readonly hosts?: number;
  readonly region?: RegionOptions;
  readonly config?: Partial<AwsProviderConfig>;
  readonly random?: () => number;
  readonly parts?: Partial<AwsParts>;
}

export interface Member {
  readonly name: string;
  readonly eni: EniState;
  readonly provider: Provider;
  readonly events: ProviderEvent[];
}

export class Stage {
  readonly region: Region;
  readonly fake: FakeEc2;
  readonly faults: Faults;
  readonly subnet: SubnetState;
  readonly mode: AwsMode;
  readonly members: readonly Member[];
  readonly #options: StageOptions;

  private constructor(options: StageOptions, fake: FakeEc2, subnet: SubnetState) {
    this.#options = options;
    this.mode = options.mode;
    this.fake = fake;
    this.faults = fake.faults;
    this.region = fake.region;
    this.subnet = subnet;
    const count = options.hosts ?? 2;
    this.members = Array.from({ length: count }, (_, at) => this.#member(at));
  }

  static async open(options: StageOptions): Promise<Stage> {
    // Without them the SDK looks for credentials on this machine.
    process.env['AWS_ACCESS_KEY_ID'] = 'AKIAIOSFODNN7EXAMPLE';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
    const region = new Region(options.region);
    const faults = new Faults(options.random === undefined ? {} : { random: options.random });
    const fake = new FakeEc2(region, faults);
    await fake.listen();
    const subnet = region.addSubnet('10.0.0.0/24', { ipv6Cidr: '2001:db8::/64' });
    return new Stage(options, fake, subnet);
  }

  /** Starts all members with these VIPs. */
  async start(vips: readonly Vip[]): Promise<void> {
    for (const { provider, events } of this.members)
      await provider.start(vips, (event) => events.push(event));
  }

  member(name: string): Member {
    return this.members.find((each) => each.name === name)!;
  }

  /** Another provider on that interface, as after a restart. */
  provider(eni: EniState, config: Partial<AwsProviderConfig> = {}): Provider {
    return createAwsProvider(
      'aws',
      { config: { ...this.config(eni), ...config }, cluster: CLUSTER },
      {
        ...this.#options.parts,
        ...(this.#options.random !== undefined && { random: this.#options.random }),
      },
    );
  }

  config(eni: EniState): AwsProviderConfig {
    return {
      kind: 'aws',
      mode: this.mode,
      region: this.region.name,
      interfaces: [eni.id],
      endpoint: this.fake.url,
      metadata_endpoint: 'http://127.0.0.1:1',
      call_timeout_ms: 3_000,
      settle_timeout_ms: 3_000,
      look_interval_ms: 60_000,
      ...this.#options.config,
    };
  }

  async close(): Promise<void> {
    this.faults.calm();
    for (const { provider } of this.members) await provider.stop();
    await this.fake.close();
  }

  /** Changing calls since `from` requests, tags left out, as `action client-less`. */
  moving(from = 0): readonly string[] {
    return this.fake.requests
      .slice(from)
      .filter(({ mutating, action }) => mutating && action !== 'CreateTags')
      .map(({ action }) => action);
  }

  #member(at: number): Member {
    const name = String.fromCharCode(97 + at);
    const eni = this.region.addEni(this.subnet, `10.0.0.${11 + at}`, {
      sourceDestCheck: false,
      description: `host ${name}`,
    });
    return { name, eni, provider: this.provider(eni), events: [] };
  }
}

export function vip(id: string, ...addresses: readonly string[]): Vip {
  return {
    id,
    addresses: addresses.map((address) => ({
      family: address.includes(':') ? 6 : 4,
      address,
      prefixLength: address.includes(':') ? 128 : 32,
    })),
    prefer: [],
    weight: 1,
    policy: 'primary',
    providers: ['aws'],
  };
}

export function atOnce(vips: readonly Vip[]): readonly AcquireRequest[] {
  return vips.map((each) => ({ vip: each, guard: { kind: 'at-once' } }));
}

/** Resolves when it holds; looks every few milliseconds. */
export async function eventually(holds: () => boolean, what: string, within = 10_000): Promise<void> {
  const until = performance.now() + within;
  while (!holds()) {
    if (performance.now() > until) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
