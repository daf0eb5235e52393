/**
 * Google's own description of the API, as the SDK brings it along (`protos.json`): finds the method of a request by its path and says
 * what in it, or in an answer, Google does not know. Independent of our code.
 */
import { createRequire } from 'node:module';

interface Field {
  readonly type: string;
  readonly rule?: string;
  readonly keyType?: string;
}

interface Message {
  readonly fields?: Readonly<Record<string, Field>>;
  readonly values?: Readonly<Record<string, number>>;
  readonly nested?: Readonly<Record<string, Message>>;
}

interface Method {
  readonly requestType: string;
  readonly responseType: string;
  readonly options: Readonly<Record<string, string>>;
}

type Package = Readonly<Record<string, Message & { readonly methods?: Readonly<Record<string, Method>> }>>;

const protos = createRequire(import.meta.url)('@google-cloud/compute/build/protos/protos.json') as {
  readonly nested: {
    google: { nested: { cloud: { nested: { compute: { nested: { v1: { nested: Package } } } } } } };
  };
};
const TYPES = protos.nested.google.nested.cloud.nested.compute.nested.v1.nested;
const SERVICES = ['Instances', 'ZoneOperations', 'GlobalOperations', 'Routes', 'Addresses', 'Subnetworks'];
const VERBS = ['get', 'post', 'patch', 'delete', 'put'];
const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'string',
  uint64: 'string',
  double: 'number',
  float: 'number',
};

export interface KnownMethod {
  /** As `Instances.Get`. */
  readonly name: string;
  readonly verb: string;
  readonly pattern: RegExp;
  /** Names of the parts of the path. */
  readonly names: readonly string[];
  readonly request: Readonly<Record<string, Field>>;
  /** Field of the request that the body is. */
  readonly body: string | undefined;
  readonly responseType: string;
}

const METHODS: readonly KnownMethod[] = SERVICES.flatMap((service) =>
  Object.entries(TYPES[service]!.methods!).map(([name, method]) => knownMethod(`${service}.${name}`, method)),
);

function knownMethod(name: string, { requestType, responseType, options }: Method): KnownMethod {
  const verb = VERBS.find((each) => options[`(google.api.http).${each}`] !== undefined) ?? 'get';
  const template = options[`(google.api.http).${verb}`] ?? '';
  const body = options['(google.api.http).body'];
  return {
    name,
    verb: verb.toUpperCase(),
    pattern: new RegExp(`^${template.replaceAll(/\{[a-z_]+\}/g, '([^/]+)')}$`),
    names: [...template.matchAll(/\{([a-z_]+)\}/g)].map(([, part]) => camel(part!)),
    request: TYPES[requestType]!.fields ?? {},
    body: body === undefined ? undefined : camel(body),
    responseType,
  };
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export interface Found {
  readonly method: KnownMethod;
  /** Parts of the path and of the query. */
  readonly parameters: Readonly<Record<string, string>>;
}

export function methodFor(verb: string, url: URL): Found | undefined {
  for (const method of METHODS) {
    const match = method.verb === verb ? method.pattern.exec(url.pathname) : null;
    if (match === null) continue;
    const path = method.names.map((name, at) => [name, decodeURIComponent(match[at + 1]!)] as const);
    return { method, parameters: { ...Object.fromEntries(path), ...Object.fromEntries(url.searchParams) } };
  }
  return undefined;
}

/** What of the request Google does not know; empty: all is known. */
export function complaintsAbout({ method, parameters }: Found, body: unknown): readonly string[] {
  const unknown = Object.keys(parameters).filter((name) => method.request[name] === undefined);
  const found = unknown.map((name) => `Unknown name "${name}": Cannot bind query parameter.`);
  if (method.body === undefined) return body === undefined ? found : [...found, 'a body where none belongs'];
  return [...found, ...complaintsIn(body, method.request[method.body]!.type, method.body)];
}

/** Also for answers: a fake that invents fields would prove nothing. */
export function complaintsIn(value: unknown, type: string, path: string): readonly string[] {
  const message = typeNamed(type);
  if (message?.values !== undefined) return [];
  if (message === undefined) {
    const expected = SCALARS[type];
    const fits =
      expected === undefined ||
      typeof value === expected ||
      (expected === 'string' && typeof value === 'number');
    return fits ? [] : [`Invalid value at '${path}' (${type})`];
  }
  if (typeof value !== 'object' || value === null) return [`Invalid value at '${path}' (${type})`];
  return Object.entries(value).flatMap(([key, inner]) => {
    const field = message.fields?.[key];
    if (field === undefined) return [`Unknown name "${key}" at '${path}': Cannot find field.`];
    return fieldComplaints(inner, field, { path: `${path}.${key}`, type });
  });
}

function fieldComplaints(
  value: unknown,
  field: Field,
  { path, type }: { readonly path: string; readonly type: string },
): readonly string[] {
  // Types nested in a message are named without it, and hide others of that name.
  const inner = TYPES[type]?.nested?.[field.type] === undefined ? field.type : `${type}.${field.type}`;
  if (field.keyType !== undefined)
    return Object.entries(value as object).flatMap(([key, each]) =>
      complaintsIn(each, inner, `${path}.${key}`),
    );
  if (field.rule !== 'repeated') return complaintsIn(value, inner, path);
  if (!Array.isArray(value)) return [`Invalid value at '${path}' (not a list)`];
  return value.flatMap((each, at) => complaintsIn(each, inner, `${path}[${at}]`));
}

function typeNamed(type: string): Message | undefined {
  const [outer = '', inner] = type.split('.');
  return inner === undefined ? TYPES[outer] : TYPES[outer]?.nested?.[inner];
}
