/**
 * Who and where this host is, as far as it is known: opened at start, tried again until it is known, and then kept. An API that is away
 * when a host boots keeps no agent from starting.
 */
import type { GcpProviderConfig } from '../../src/config/config.ts';
import type { Millis } from '../../src/model/time.ts';
import { AliasMode, fenceKey } from './alias.ts';
import type { Compute } from './compute.ts';
import { ExternalMode } from './external.ts';
import { Metadata } from './metadata.ts';
import { findPlace, type Place } from './place.ts';
import { RouteMode } from './route.ts';
import type { SdkSettings } from './sdk.ts';
import type { Mode } from './sight.ts';

export interface ProviderSettings {
  readonly name: string;
  readonly config: GcpProviderConfig;
  readonly cluster: string;
}

export interface Settled {
  readonly compute: Compute;
  readonly place: Place;
  readonly mode: Mode;
}

export type OpenCompute = (settings: SdkSettings) => Promise<Compute>;

/** Longest time one attempt may take. */
const ATTEMPT_MAX: Millis = 8_000;

export class Residence {
  readonly metadata: Metadata;
  readonly #settings: ProviderSettings;
  readonly #open: OpenCompute;
  readonly #closed = new AbortController();
  #compute: Compute | undefined;
  #settled: Settled | undefined;
  #trouble = 'nothing was asked of the API yet';

  constructor(settings: ProviderSettings, open: OpenCompute) {
    this.#settings = settings;
    this.#open = open;
    this.metadata = metadataOf(settings.config);
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
    this.#compute = await this.#open(sdkSettings(this.#settings.config, this.metadata));
    await this.settle();
  }

  /** Tries again if it must; true once it is known. */
  async settle(): Promise<boolean> {
    if (this.#settled !== undefined) return true;
    const compute = this.#compute;
    if (compute === undefined) return false;
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(ATTEMPT_MAX)]);
    try {
      const place = await findPlace(this.#settings.config, { compute, metadata: this.metadata }, signal);
      if (this.#closed.signal.aborted) return false;
      this.#settled = { compute, place, mode: modeOf(this.#settings, { compute, place }) };
      return true;
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  close(): void {
    this.#closed.abort();
    this.#compute?.close();
    this.#settled = undefined;
  }
}

export function metadataOf({ metadata_endpoint: endpoint }: GcpProviderConfig): Metadata {
  return new Metadata(endpoint === undefined ? {} : { endpoint });
}

export function sdkSettings(config: GcpProviderConfig, metadata: Metadata): SdkSettings {
  return {
    callTimeout: config.call_timeout_ms,
    operationTimeout: config.operation_timeout_ms,
    metadata,
    ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
  };
}

export function modeOf(
  { config, cluster }: ProviderSettings,
  { compute, place }: { readonly compute: Compute; readonly place: Place },
): Mode {
  const parts = { compute, place, cluster };
  switch (config.mode) {
    case 'alias-ip':
      return new AliasMode({ ...parts, rangeName: config.range, limit: config.alias_limit });
    case 'external-ip':
      return new ExternalMode(parts);
    case 'route':
      return new RouteMode({ ...parts, priority: config.priority });
  }
}

export function attributeKeyOf({ config, cluster }: ProviderSettings): string | undefined {
  return config.mode === 'alias-ip' ? fenceKey(cluster) : undefined;
}
