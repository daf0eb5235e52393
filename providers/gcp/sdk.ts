/**
 * Implements the border (`compute.ts`) with Google's SDK. The SDK retries nothing by itself here: each request carries a deadline of
 * ours (`channel.ts`), and an operation is waited for until it is done or the time for it is over.
 */
import { randomUUID } from 'node:crypto';
import type { Millis } from '../../src/model/time.ts';
import { Pages } from './answer.ts';
import { type CallContext, Channel } from './channel.ts';
import {
  type Address,
  type CallOptions,
  type Change,
  type Compute,
  type Identity,
  type Instance,
  type InstanceRef,
  methodOf,
  type Resource,
  type Route,
  type Subnet,
} from './compute.ts';
import { GcpFailure, isPassing } from './failures.ts';
import { attributePath, Metadata } from './metadata.ts';
import { type Operation, operationOf } from './operation.ts';
import { type PlannedRequest, requestOf } from './sdk-changes.ts';
import { type Loader, loadSdk, type SdkClient, type SdkMethod, SERVICES, type Service } from './sdk-load.ts';
import {
  addressFrom,
  instanceFrom,
  list,
  type Raw,
  record,
  routeFrom,
  subnetFrom,
  text,
} from './sdk-shapes.ts';
import { type TokenSource, tokensOf } from './token.ts';

export interface SdkSettings {
  /** Instead of Google's. */
  readonly endpoint?: string;
  readonly callTimeout: Millis;
  /** Longest wait for an operation. */
  readonly operationTimeout: Millis;
  readonly metadata: Metadata;
}

/** Rejects with an Error for a person where the SDK is not installed. */
export async function openSdk(settings: SdkSettings): Promise<Compute> {
  const tokens = tokensOf(settings.metadata, Date.now);
  const channel = new Channel({ tokens, timeout: settings.callTimeout, wall: Date.now });
  const compute = new SdkCompute(settings, await loadSdk(), { tokens, channel });
  await compute.warm();
  return compute;
}

interface SdkParts {
  readonly tokens: TokenSource;
  readonly channel: Channel;
}

interface Asked {
  readonly request: object;
  readonly signal: AbortSignal;
}

interface Named extends Asked, Omit<CallContext, 'method'> {
  /** For people. */
  readonly name: string;
}

/** The SDK without a network: what would be sent is answered by `answer`, as JSON. Rejects as `openSdk` does. */
export async function openUnplugged(
  answer: (url: URL, method: string, body: string) => object,
): Promise<Compute> {
  const tokens = { token: async () => '', forget: () => undefined, origin: 'nowhere' };
  const timeout = 1_000;
  const settings = { callTimeout: timeout, operationTimeout: timeout, metadata: new Metadata() };
  const unplugged: typeof fetch = async (url, { method = 'GET', body } = {}) => {
    const text = typeof body === 'string' ? body : '';
    const told = answer(new URL(url instanceof Request ? url.url : url), method, text);
    return new Response(JSON.stringify(told), { headers: { 'content-type': 'application/json' } });
  };
  const channel = new Channel({ tokens, timeout, wall: Date.now, fetch: unplugged });
  return new SdkCompute(settings, await loadSdk(), { tokens, channel });
}

const NEVER = new AbortController().signal;
const PERMISSIONS_HOST = 'https://cloudresourcemanager.googleapis.com';
const TOKEN_INFO = 'https://oauth2.googleapis.com/tokeninfo';
/** Between two questions for an operation that the server answered early. */
const OPERATION_PAUSE: Millis = 250;

class SdkCompute implements Compute {
  readonly #settings: SdkSettings;
  readonly #loader: Loader;
  readonly #tokens: TokenSource;
  readonly #channel: Channel;
  readonly #clients = new Map<Service, Promise<SdkClient>>();
  #closed = false;

  constructor(settings: SdkSettings, loader: Loader, { tokens, channel }: SdkParts) {
    this.#settings = settings;
    this.#loader = loader;
    this.#tokens = tokens;
    this.#channel = channel;
  }

  /** Opens what every mode may need now, which takes a while, and not within the time that a call has. */
  async warm(): Promise<void> {
    for (const service of SERVICES) await (await this.#client(service)).initialize();
  }

  get clockAhead(): number | undefined {
    return this.#channel.clockAhead;
  }

  async instance(ref: InstanceRef, { signal }: CallOptions): Promise<Instance> {
    const raw = await this.#one('instances', 'get', { request: { ...ref }, signal });
    return instanceFrom(raw, ref.project);
  }

  async instances(
    { project, label }: Parameters<Compute['instances']>[0],
    { signal }: CallOptions,
  ): Promise<readonly Instance[]> {
    const client = await this.#client('instances');
    const filter = label === undefined ? {} : { filter: `labels.${label.key} = "${label.value}"` };
    const request = { project, returnPartialSuccess: true, ...filter };
    const pages = new Pages();
    const context = { method: 'instances.aggregatedList', signal, read: pages.readScopes('instances') };
    return this.#channel.within(context, async () => {
      const zones = client['aggregatedListAsync'] as (
        request: object,
        options: object,
      ) => AsyncIterable<unknown>;
      // It asks for page after page; what is in them is read as they come.
      for await (const _ of zones.call(client, request, { ...this.#options(), autoPaginate: false }));
      return pages.items.map((raw) => instanceFrom(raw, project));
    });
  }

  async routes(
    { project, destinations }: Parameters<Compute['routes']>[0],
    { signal }: CallOptions,
  ): Promise<readonly Route[]> {
    const filter = destinations.map((each) => `(destRange = "${each}")`).join(' OR ');
    const answers = await this.#many('routes', 'list', { request: { project, filter }, signal });
    return answers.map(routeFrom);
  }

  async addresses(
    { project, region, addresses }: Parameters<Compute['addresses']>[0],
    { signal }: CallOptions,
  ): Promise<readonly Address[]> {
    const filter = addresses.map((each) => `(address = "${each}")`).join(' OR ');
    const answers = await this.#many('addresses', 'list', { request: { project, region, filter }, signal });
    return answers.map(addressFrom);
  }

  async subnet(
    { project, region, name }: Parameters<Compute['subnet']>[0],
    { signal }: CallOptions,
  ): Promise<Subnet> {
    return subnetFrom(
      await this.#one('subnetworks', 'get', { request: { project, region, subnetwork: name }, signal }),
    );
  }

  async guestAttribute(ref: InstanceRef, key: string, { signal }: CallOptions): Promise<string | undefined> {
    const queryPath = attributePath(key);
    const raw = await this.#one('instances', 'getGuestAttributes', {
      request: { ...ref, queryPath },
      signal,
    });
    const items = list(record(raw['queryValue'])['items']);
    const found = items.find((item) => item['key'] === key);
    return found === undefined ? undefined : text(found['value']);
  }

  async granted(
    resource: Resource,
    permissions: readonly string[],
    { signal }: CallOptions,
  ): Promise<readonly string[]> {
    if (resource.kind === 'project') return this.#grantedOnProject(resource.project, permissions, signal);
    const body = { testPermissionsRequestResource: { permissions } };
    const { project } = resource;
    if (resource.kind === 'instance') {
      const request = { project, zone: resource.zone, resource: resource.instance, ...body };
      return this.#granted('instances', { request, signal });
    }
    const service = resource.kind === 'address' ? 'addresses' : 'subnetworks';
    const request = { project, region: resource.region, resource: resource.name, ...body };
    return this.#granted(service, { request, signal });
  }

  /** A call whose answer was lost is asked again under the same number, which Google does once (AIP-155, `requestId`). */
  async change(change: Change): Promise<void> {
    const method = methodOf(change);
    const planned = requestOf(change, randomUUID());
    const until = performance.now() + this.#settings.operationTimeout;
    let operation: Operation;
    try {
      operation = await this.#begin(planned, method);
    } catch (error) {
      if (!(error instanceof GcpFailure) || error.kind !== 'unknown') throw error;
      operation = await this.#begin(planned, method);
    }
    while (!operation.done) {
      const left = until - performance.now();
      if (left <= 0) throw slow(method, this.#settings.operationTimeout);
      operation = (await this.#watch(operation, planned, { method, left })) ?? operation;
    }
    if (operation.failure !== undefined) throw operation.failure;
  }

  async identity({ signal }: CallOptions): Promise<Identity> {
    const token = await this.#tokens.token(signal);
    try {
      const { account, scopes } = await this.#settings.metadata.self(signal);
      if (this.#tokens.origin.startsWith('metadata') && account !== undefined)
        return { who: account, scopes };
    } catch {
      // Not on an instance: Google itself says who it is.
    }
    const url = `${this.#settings.endpoint ?? TOKEN_INFO}?access_token=${encodeURIComponent(token)}`;
    const told = await this.#json({ method: 'tokeninfo', signal }, url, {});
    const scopes = text(told['scope']).split(' ').filter(Boolean);
    return { who: text(told['email']) || `by ${this.#tokens.origin}`, scopes };
  }

  close(): void {
    this.#closed = true;
    for (const client of this.#clients.values())
      void client.then((each) => each.close()).catch(() => undefined);
    this.#clients.clear();
  }

  async #begin({ service, method, request, patch }: PlannedRequest, name: string): Promise<Operation> {
    const asked = { request, signal: NEVER, name, ...(patch !== undefined && { patch }) };
    return operationOf(await this.#told(service, method, asked), name);
  }

  /** Undefined: nothing new is known. */
  async #watch(
    { name }: Operation,
    { operationOf: scope }: PlannedRequest,
    { method, left }: { readonly method: string; readonly left: Millis },
  ): Promise<Operation | undefined> {
    const service = 'zone' in scope ? 'zone_operations' : 'global_operations';
    const began = performance.now();
    // `wait` answers when the operation is done, or after two minutes at the latest; our own deadline of a request is shorter.
    const verb = left > this.#settings.callTimeout ? 'wait' : 'get';
    let seen: Operation | undefined;
    try {
      const raw = await this.#told(service, verb, {
        request: { ...scope, operation: name },
        signal: NEVER,
        name: `${service === 'zone_operations' ? 'zoneOperations' : 'globalOperations'}.${verb}`,
      });
      seen = operationOf(raw, method);
    } catch (error) {
      if (!(error instanceof GcpFailure) || !isPassing(error)) throw error;
    }
    if (seen?.done !== true) await pause(Math.min(left, OPERATION_PAUSE - (performance.now() - began)));
    return seen;
  }

  #one(service: Service, method: string, asked: Asked): Promise<Raw> {
    return this.#told(service, method, { ...asked, name: nameOf(service, method) });
  }

  async #many(service: Service, method: string, asked: Asked): Promise<readonly Raw[]> {
    const pages = new Pages();
    await this.#call(service, method, { ...asked, name: nameOf(service, method), read: pages.read });
    return pages.items;
  }

  /** What the API itself says. */
  async #told(service: Service, method: string, asked: Named): Promise<Raw> {
    let told: Raw = {};
    const read = (answer: Raw): void => {
      told = answer;
    };
    await this.#call(service, method, { ...asked, read });
    return told;
  }

  async #call(service: Service, method: string, { request, ...rest }: Named): Promise<unknown> {
    const client = await this.#client(service);
    const { name, ...context } = rest;
    const [answer] = await this.#channel.within({ ...context, method: name }, () =>
      (client[method] as SdkMethod).call(client, request, this.#options()),
    );
    return answer;
  }

  /** Its own deadline lies behind ours, so that ours says what went wrong. */
  #options(): object {
    return { timeout: this.#settings.callTimeout * 2, retry: { retryCodes: [] } };
  }

  async #client(service: Service): Promise<SdkClient> {
    // The SDK would reject beside the call as well, where nobody can catch it.
    if (this.#closed)
      throw new GcpFailure('aborted', { method: service, reason: 'AbortError', said: 'closed' });
    const known = this.#clients.get(service);
    if (known !== undefined) return known;
    const opened = this.#loader.open(service, this.#channel, this.#settings.endpoint);
    this.#clients.set(service, opened);
    return opened;
  }

  /** The one answer that does not say what it is: the SDK reads it. */
  async #granted(service: Service, asked: Asked): Promise<readonly string[]> {
    const method = 'testIamPermissions';
    return permissionsIn(
      record(await this.#call(service, method, { ...asked, name: nameOf(service, method) })),
    );
  }

  async #grantedOnProject(
    project: string,
    permissions: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const host = this.#settings.endpoint ?? PERMISSIONS_HOST;
    const url = `${host}/v1/projects/${encodeURIComponent(project)}:testIamPermissions`;
    const init = {
      method: 'POST',
      body: JSON.stringify({ permissions }),
      headers: { 'content-type': 'application/json' },
    };
    return permissionsIn(await this.#json({ method: 'projects.testIamPermissions', signal }, url, init));
  }

  #json(
    context: { readonly method: string; readonly signal: AbortSignal },
    url: string,
    init: RequestInit,
  ): Promise<Raw> {
    return this.#channel.within(context, async () =>
      record(await (await this.#channel.fetch(url, init)).json()),
    );
  }
}

function permissionsIn(raw: Raw): readonly string[] {
  return Array.isArray(raw['permissions']) ? raw['permissions'].map(text) : [];
}

function nameOf(service: Service, method: string): string {
  return `${service}.${method}`;
}

function slow(method: string, after: Millis): GcpFailure {
  const said = `not done ${Math.round(after / 1000)} s after it was accepted`;
  return new GcpFailure('unknown', { method, reason: 'slow operation', said });
}

async function pause(length: Millis): Promise<void> {
  if (length > 0) await new Promise((resolve) => setTimeout(resolve, length));
}
