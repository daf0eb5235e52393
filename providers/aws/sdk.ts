/**
 * Implements the border (`ec2.ts`) with Amazon's SDK. The SDK retries nothing and waits for nothing by itself here: each call
 * is one request with one timeout of ours, and what comes of it is classified. Loaded only where a provider `aws` is configured.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Millis } from '../../src/model/time.ts';
import type { CallOptions, Change, Ec2, Eni, Filter, Identity, InstanceLimits, Subnet, Tag } from './ec2.ts';
import { classify, Ec2Failure } from './failures.ts';
import { changeCommand } from './sdk-changes.ts';
import { elasticIpOf, eniOf, routeTableOf, subnetOf } from './sdk-shapes.ts';

type Sdk = typeof import('@aws-sdk/client-ec2');

export interface SdkSettings {
  readonly region: string;
  /** Instead of Amazon's. */
  readonly endpoint?: string;
  readonly callTimeout: Millis;
  /** What asks: part of the user agent. */
  readonly name: string;
}

/** Rejects with an Error for a person where the SDK is not installed. */
export async function openSdk(settings: SdkSettings): Promise<Ec2> {
  return new SdkEc2(settings, clientOf(settings, await loadSdk(), {}));
}

/** The SDK without a network: what would be sent is answered by `answer`. Rejects as `openSdk` does. */
export async function openUnplugged(answer: (body: string) => string): Promise<Ec2> {
  const settings = { region: 'us-east-1', callTimeout: 3_000, name: 'aws' };
  const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'none' };
  const requestHandler = {
    async handle({ body }: { readonly body?: unknown }) {
      const headers = { 'content-type': 'text/xml', date: new Date().toUTCString() };
      return { response: { statusCode: 200, headers, body: Buffer.from(answer(String(body))) } };
    },
  };
  return new SdkEc2(settings, clientOf(settings, await loadSdk(), { credentials, requestHandler }));
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-ec2');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'a provider of kind `aws` needs the package @aws-sdk/client-ec2, which is not installed: run `npm install @aws-sdk/client-ec2` where wackamole lies',
      { cause: error },
    );
  }
}

interface Opened {
  readonly sdk: Sdk;
  readonly client: EC2Client;
}

function clientOf(
  { region, endpoint, callTimeout, name }: SdkSettings,
  sdk: Sdk,
  instead: { readonly credentials?: object; readonly requestHandler?: object },
): Opened {
  const client = new sdk.EC2Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    // Our own loop knows the deadline and reads before it tries again.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: callTimeout },
    customUserAgent: [['wackamole', name]],
    ...(instead as object),
  });
  return { sdk, client };
}

/** Pages of one listing; Amazon's answers are finite, an end point gone mad must not keep us for ever. */
const PAGES_MAX = 50;

class SdkEc2 implements Ec2 {
  readonly #settings: SdkSettings;
  readonly #sdk: Sdk;
  readonly #client: EC2Client;
  #clockAhead: number | undefined;

  constructor(settings: SdkSettings, { sdk, client }: Opened) {
    this.#settings = settings;
    this.#sdk = sdk;
    this.#client = client;
    this.#client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        this.#readClock(result.response);
        return result;
      },
      { step: 'deserialize', name: 'wackamoleClock', priority: 'low' },
    );
  }

  get clockAhead(): number | undefined {
    return this.#clockAhead;
  }

  async enis(filters: readonly Filter[], options: CallOptions): Promise<readonly Eni[]> {
    const pages = await this.#pages(
      'DescribeNetworkInterfaces',
      options,
      (page) => new this.#sdk.DescribeNetworkInterfacesCommand({ ...page, Filters: filtersOf(filters) }),
    );
    return pages.flatMap(({ NetworkInterfaces }) =>
      listed('DescribeNetworkInterfaces', NetworkInterfaces).map(eniOf),
    );
  }

  async elasticIps(filters: readonly Filter[], options: CallOptions) {
    const { DescribeAddressesCommand } = this.#sdk;
    const command = new DescribeAddressesCommand({ Filters: filtersOf(filters), ...dry(options) });
    const answer = await this.#send('DescribeAddresses', options, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    return listed('DescribeAddresses', answer.Addresses).map(elasticIpOf);
  }

  async routeTables(filters: readonly Filter[], options: CallOptions) {
    const pages = await this.#pages(
      'DescribeRouteTables',
      options,
      (page) => new this.#sdk.DescribeRouteTablesCommand({ ...page, Filters: filtersOf(filters) }),
    );
    return pages.flatMap(({ RouteTables }) => listed('DescribeRouteTables', RouteTables).map(routeTableOf));
  }

  async subnets(filters: readonly Filter[], options: CallOptions): Promise<readonly Subnet[]> {
    const pages = await this.#pages(
      'DescribeSubnets',
      options,
      (page) => new this.#sdk.DescribeSubnetsCommand({ ...page, Filters: filtersOf(filters) }),
    );
    return pages.flatMap(({ Subnets }) => listed('DescribeSubnets', Subnets).map(subnetOf));
  }

  async tags(filters: readonly Filter[], options: CallOptions) {
    const pages = await this.#pages(
      'DescribeTags',
      options,
      (page) => new this.#sdk.DescribeTagsCommand({ ...page, Filters: filtersOf(filters) }),
    );
    return pages.flatMap(({ Tags }) =>
      listed('DescribeTags', Tags).map(({ ResourceId = '', Key = '', Value = '' }) => ({
        resource: ResourceId,
        tag: { key: Key, value: Value } satisfies Tag,
      })),
    );
  }

  async instanceLimits(type: string, options: CallOptions): Promise<InstanceLimits | undefined> {
    const command = new this.#sdk.DescribeInstanceTypesCommand({
      InstanceTypes: [type as never],
      ...dry(options),
    });
    const answer = await this.#send('DescribeInstanceTypes', options, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    const info = answer.InstanceTypes?.[0]?.NetworkInfo;
    if (info === undefined) return undefined;
    return {
      ipv4PerInterface: info.Ipv4AddressesPerInterface ?? 0,
      ipv6PerInterface: info.Ipv6AddressesPerInterface ?? 0,
    };
  }

  async change(call: Change, options: CallOptions): Promise<void> {
    const prepared = changeCommand(this.#sdk, call, { dryRun: options.dryRun === true });
    const answer = await this.#send(prepared.action, options, (abortSignal) =>
      prepared.send(this.#client, abortSignal),
    );
    // What is granted is named in the answer; an empty one is of something else that speaks HTTP.
    const silent = call.kind === 'unassign' || call.kind === 'disassociate' || call.kind === 'tag';
    if (!silent && isEmpty(answer) && call.kind !== 'route') throw noAnswer(prepared.action);
  }

  async credentials(signal: AbortSignal): Promise<void> {
    await this.#send('credentials', { signal }, () => this.#client.config.credentials());
  }

  async identity(options: CallOptions): Promise<Identity> {
    const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    const { region, endpoint } = this.#settings;
    const client = new STSClient({ region, maxAttempts: 1, ...(endpoint !== undefined && { endpoint }) });
    try {
      const { Account = '', Arn = '' } = await this.#send('GetCallerIdentity', options, (abortSignal) =>
        client.send(new GetCallerIdentityCommand({}), { abortSignal }),
      );
      return { account: Account, arn: Arn };
    } finally {
      client.destroy();
    }
  }

  close(): void {
    this.#client.destroy();
  }

  async #pages<Output extends Page>(
    action: string,
    options: CallOptions,
    command: (page: { NextToken?: string; DryRun?: boolean }) => unknown,
  ): Promise<readonly Output[]> {
    const pages: Output[] = [];
    let token: string | undefined;
    do {
      const next = command({ ...(token !== undefined && { NextToken: token }), ...dry(options) });
      const page = await this.#send(
        action,
        options,
        (abortSignal) => this.#client.send(next as never, { abortSignal }) as Promise<unknown>,
      );
      pages.push(page as Output);
      token = (page as Output).NextToken;
    } while (token !== undefined && token !== '' && pages.length < PAGES_MAX);
    return pages;
  }

  /** One request. The SDK notices an abort, but not everything it waits for does: so we race it as well. */
  async #send<T>(
    action: string,
    { signal }: CallOptions,
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(this.#settings.callTimeout);
    const either = AbortSignal.any([signal, timeout]);
    try {
      return await raced(send(either), either);
    } catch (error) {
      if (signal.aborted) throw classify({ action, code: 'AbortError', said: '', httpStatus: undefined });
      if (timeout.aborted) {
        const said = `no answer within ${this.#settings.callTimeout} ms`;
        throw classify({ action, code: 'Timeout', said, httpStatus: undefined });
      }
      throw failureOf(action, error);
    }
  }

  #readClock(response: unknown): void {
    const headers = (response as { headers?: Record<string, string> } | undefined)?.headers;
    const date = Date.parse(headers?.['date'] ?? '');
    // The header counts whole seconds.
    if (!Number.isNaN(date)) this.#clockAhead = Date.now() - (date + 500);
  }
}

interface Page {
  readonly NextToken?: string;
  readonly NetworkInterfaces?: readonly import('@aws-sdk/client-ec2').NetworkInterface[];
  readonly RouteTables?: readonly import('@aws-sdk/client-ec2').RouteTable[];
  readonly Subnets?: readonly import('@aws-sdk/client-ec2').Subnet[];
  readonly Tags?: readonly import('@aws-sdk/client-ec2').TagDescription[];
}

/** EC2 names the list also where it is empty. */
function listed<T>(action: string, items: readonly T[] | undefined): readonly T[] {
  if (items === undefined) throw noAnswer(action);
  return items;
}

function isEmpty(answer: unknown): boolean {
  return Object.keys(Object(answer)).every((key) => key === '$metadata');
}

function noAnswer(action: string): Ec2Failure {
  const said = 'an answer that says nothing: check `endpoint` and whatever proxy lies between';
  return classify({ action, code: 'NoAnswer', said, httpStatus: undefined });
}

function dry({ dryRun }: CallOptions): { DryRun?: boolean } {
  return dryRun === true ? { DryRun: true } : {};
}

function filtersOf(filters: readonly Filter[]): { Name: string; Values: string[] }[] {
  return filters.map(({ name, values }) => ({ Name: name, Values: [...values] }));
}

function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(new Error('aborted'));
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Of whatever was thrown; never throws. */
function failureOf(action: string, error: unknown): Ec2Failure {
  if (error instanceof Ec2Failure) return error;
  const { name, code, message, Code, $metadata } = Object(error) as {
    name?: unknown;
    code?: unknown;
    Code?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const texts = [Code, code, name].filter((text): text is string => typeof text === 'string' && text !== '');
  const said = typeof message === 'string' ? message : '';
  const plain = texts.find((text) => text !== 'Error') ?? 'Unknown';
  return classify({ action, code: plain, said, httpStatus: $metadata?.httpStatusCode });
}
