/**
 * Who and where this host is, as far as it is known: opened at start, tried again until it is known, and for ever after kept.
 * An API that is away when a host boots keeps no agent from starting.
 */
import type { AwsProviderConfig } from '../../src/config/config.ts';
import type { Millis } from '../../src/model/time.ts';
import { findPlace, regionOf } from './discovery.ts';
import type { Ec2 } from './ec2.ts';
import { createElasticIpMode } from './elastic-ip.ts';
import { CLUSTER_TAG } from './fence.ts';
import { Imds } from './imds.ts';
import type { Place } from './place.ts';
import { createRouteMode, type TableChoice } from './route.ts';
import type { SdkSettings } from './sdk.ts';
import { createSecondaryIpMode } from './secondary-ip.ts';
import type { Mode } from './sight.ts';

export interface ProviderSettings {
  readonly name: string;
  readonly config: AwsProviderConfig;
  readonly cluster: string;
}

export interface Settled {
  readonly ec2: Ec2;
  readonly place: Place;
  readonly mode: Mode;
}

export interface ResidenceParts {
  readonly openEc2: (settings: SdkSettings) => Promise<Ec2>;
  readonly wall: () => number;
}

/** Longest time one attempt may take. */
const ATTEMPT_MAX: Millis = 8_000;

export class Residence {
  readonly #settings: ProviderSettings;
  readonly #parts: ResidenceParts;
  readonly #closed = new AbortController();
  readonly #imds: Imds;
  #ec2: Ec2 | undefined;
  #settled: Settled | undefined;
  #trouble = 'nothing was asked of the API yet';

  constructor(settings: ProviderSettings, parts: ResidenceParts) {
    this.#settings = settings;
    this.#parts = parts;
    const { metadata_endpoint: endpoint } = settings.config;
    this.#imds = new Imds({ now: parts.wall, ...(endpoint !== undefined && { endpoint }) });
  }

  get settled(): Settled | undefined {
    return this.#settled;
  }

  /** Why it is not known yet, with how to mend it. */
  get trouble(): string {
    return this.#trouble;
  }

  /** A first attempt. Rejects with an Error for a person where there can never be one: the SDK is missing. */
  async open(): Promise<void> {
    // Loads and warms the SDK before the group is joined; its absence is told at once.
    await this.#open('us-east-1', { keep: false });
    await this.settle();
  }

  /** Tries again if it must; true once it is known. */
  async settle(): Promise<boolean> {
    if (this.#settled !== undefined) return true;
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(ATTEMPT_MAX)]);
    try {
      const { config, cluster } = this.#settings;
      const region = await regionOf(config, this.#imds, signal);
      const ec2 = this.#ec2 ?? (await this.#open(region, { keep: true }));
      const place = await findPlace(config, { ec2, imds: this.#imds, region }, signal);
      if (this.#closed.signal.aborted) return false;
      this.#settled = { ec2, place, mode: modeOf(config, { ec2, place, cluster }) };
      return true;
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  close(): void {
    this.#closed.abort();
    this.#ec2?.close();
    this.#settled = undefined;
  }

  async #open(region: string, { keep }: { readonly keep: boolean }): Promise<Ec2> {
    const { config, name } = this.#settings;
    const ec2 = await this.#parts.openEc2({
      region,
      name,
      callTimeout: config.call_timeout_ms,
      ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
    });
    if (keep) this.#ec2 = ec2;
    else ec2.close();
    return ec2;
  }
}

export function modeOf(
  config: AwsProviderConfig,
  parts: { readonly ec2: Ec2; readonly place: Place; readonly cluster: string },
): Mode {
  switch (config.mode) {
    case 'secondary-ip':
      return createSecondaryIpMode(parts);
    case 'elastic-ip':
      return createElasticIpMode(parts);
    case 'route':
      return createRouteMode({ ...parts, tables: tableChoice(config, parts.cluster) });
  }
}

export function tableChoice({ tables }: AwsProviderConfig, cluster: string): TableChoice {
  if (tables?.ids !== undefined) return { by: 'id', ids: tables.ids };
  if (tables?.subnets !== undefined) return { by: 'subnet', subnets: tables.subnets };
  return { by: 'tag', tags: tables?.tags ?? { [CLUSTER_TAG]: cluster } };
}
