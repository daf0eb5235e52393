/**
 * Loads of Google's SDK what we use: single client files, of which all share one reading of the API's description. The package as a
 * whole takes seconds and hundreds of megabytes. Its types are not used for the same reason: `sdk-shapes.ts` says what we read.
 */
import type { Channel } from './channel.ts';

/** A method of a client of the SDK: resolves with the answer first. */
export type SdkMethod = (request: object, options: object) => Promise<readonly unknown[]>;

export interface SdkClient {
  readonly initialize: () => Promise<unknown>;
  readonly close: () => Promise<void>;
  readonly [method: string]: unknown;
}

interface Grpc {
  loadProtoJSON(json: object): unknown;
}

interface Gax {
  readonly fallback: { readonly GrpcClient: new (options: object) => Grpc };
}

export const SERVICES = [
  'instances',
  'zone_operations',
  'global_operations',
  'routes',
  'addresses',
  'subnetworks',
] as const;
export type Service = (typeof SERVICES)[number];

type ClientClass = new (options: object, gax: object) => SdkClient;

const PACKAGE = '@google-cloud/compute';

/** Rejects with an Error for a person where the SDK is not installed. */
export async function loadSdk(): Promise<Loader> {
  const path: string = 'google-gax';
  try {
    await import(`${PACKAGE}/build/src/v1/instances_client.js`);
    const module = (await import(path)) as Gax & { readonly default?: Gax };
    return new Loader(module.default ?? module);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      `a provider of kind \`gcp\` needs the package ${PACKAGE}, which is not installed: run \`npm install ${PACKAGE}\` where wackamole lies`,
      { cause: error },
    );
  }
}

/** Descriptions that were read; the SDK would hash ten megabytes for each client anew. */
const READ = new WeakMap<object, unknown>();

export class Loader {
  readonly #gax: object;

  constructor(gax: Gax) {
    class GrpcClient extends gax.fallback.GrpcClient {
      override loadProtoJSON(json: object): unknown {
        const known = READ.get(json);
        if (known !== undefined) return known;
        const root = super.loadProtoJSON(partOf(json));
        READ.set(json, root);
        return root;
      }
    }
    this.#gax = { ...gax, fallback: { ...gax.fallback, GrpcClient } };
  }

  async open(service: Service, channel: Channel, endpoint: string | undefined): Promise<SdkClient> {
    const module = (await import(`${PACKAGE}/build/src/v1/${service}_client.js`)) as Record<
      string,
      ClientClass
    >;
    const name = `${typeNameOf(service)}Client`;
    const Client = module[name] ?? (module['default'] as unknown as Record<string, ClientClass>)[name]!;
    return new Client({ auth: channel, fallback: true, ...addressOf(endpoint) }, this.#gax);
  }
}

/** `zone_operations`: `ZoneOperations`. */
function typeNameOf(service: Service): string {
  return service.replaceAll(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

function addressOf(endpoint: string | undefined): object {
  if (endpoint === undefined) return {};
  const { protocol, hostname, port } = new URL(endpoint);
  const scheme = protocol.replace(':', '');
  return { apiEndpoint: hostname, protocol: scheme, port: Number(port) || (scheme === 'http' ? 80 : 443) };
}

interface Node {
  readonly nested?: Readonly<Record<string, Node>>;
  readonly fields?: Readonly<Record<string, { readonly type: string }>>;
  readonly methods?: Readonly<
    Record<string, { readonly requestType: string; readonly responseType: string }>
  >;
}

const HOME = ['google', 'cloud', 'compute', 'v1'];

/** Of the description of the whole API the services above, and what they speak of: a tenth. */
export function partOf(json: object): object {
  const all = HOME.reduce<Node | undefined>((node, name) => node?.nested?.[name], json as Node)?.nested;
  if (all === undefined) return json;
  const wanted = new Set(SERVICES.map(typeNameOf));
  for (const name of wanted) {
    const node: Node | undefined = all[name];
    for (const type of typesIn(node)) if (type in all) wanted.add(type);
  }
  const kept = Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)));
  return replaceIn(json, HOME, kept);
}

function typesIn(node: Node | undefined): readonly string[] {
  if (node === undefined) return [];
  const fields = Object.values(node.fields ?? {}).map(({ type }) => type);
  const methods = Object.values(node.methods ?? {}).flatMap((method) => [
    method.requestType,
    method.responseType,
  ]);
  const inner = Object.values(node.nested ?? {}).flatMap((each) => typesIn(each));
  return [...fields, ...methods, ...inner].map((type) => type.split('.').at(-1)!);
}

function replaceIn(node: Node, path: readonly string[], nested: Readonly<Record<string, Node>>): Node {
  const [name, ...rest] = path;
  if (name === undefined) return { ...node, nested };
  return { ...node, nested: { ...node.nested, [name]: replaceIn(node.nested?.[name] ?? {}, rest, nested) } };
}
