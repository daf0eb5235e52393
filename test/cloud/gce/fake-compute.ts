/**
 * A Compute Engine end point over HTTP for the real SDK. Every request is recorded and checked against Google's own description, and so
 * is every answer; `faults` says what goes wrong. Listens where it is told; in whose network that is, is the caller's business.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Fate, Faults } from '../faults.ts';
import { CHANGES } from './changes.ts';
import { complaintsAbout, complaintsIn, type Found, methodFor } from './description.ts';
import { Operations } from './operations.ts';
import type { Project } from './project.ts';
import { READS } from './reads.ts';
import { Refused } from './refused.ts';

export interface Recorded {
  readonly at: number;
  /** As `Instances.UpdateNetworkInterface`. */
  readonly action: string;
  readonly client: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly mutating: boolean;
  readonly fate: Fate['kind'];
  /** Of the refusal it was answered with; undefined: done. */
  reason?: string;
  /** When the answer was written; `at` is when the request had been read. */
  answered?: number;
}

const BODY_MAX = 1_000_000;
/** Permissions that the calls need (IAM permissions reference, Compute Engine). */
const NEEDED: Readonly<Record<string, string>> = {
  'Instances.Get': 'compute.instances.get',
  'Instances.AggregatedList': 'compute.instances.list',
  'Instances.GetGuestAttributes': 'compute.instances.getGuestAttributes',
  'Instances.UpdateNetworkInterface': 'compute.instances.updateNetworkInterface',
  'Instances.AddAccessConfig': 'compute.instances.addAccessConfig',
  'Instances.DeleteAccessConfig': 'compute.instances.deleteAccessConfig',
  'Routes.List': 'compute.routes.list',
  'Routes.Insert': 'compute.routes.create',
  'Routes.Delete': 'compute.routes.delete',
  'Addresses.List': 'compute.addresses.list',
  'Subnetworks.Get': 'compute.subnetworks.get',
  'ZoneOperations.Wait': 'compute.zoneOperations.get',
  'ZoneOperations.Get': 'compute.zoneOperations.get',
  'GlobalOperations.Wait': 'compute.globalOperations.get',
  'GlobalOperations.Get': 'compute.globalOperations.get',
};

export class FakeCompute {
  readonly project: Project;
  readonly faults: Faults;
  readonly operations: Operations;
  readonly requests: Recorded[] = [];
  /** Permissions nobody has. */
  readonly denied = new Set<string>();
  /** Tokens that are accepted. */
  readonly tokens = new Set<string>();
  /** The clock of the cloud is ahead, ms. */
  clockAhead = 0;
  /** Entries of one page of a listing; of one over all zones, zones. */
  pageSize = Number.POSITIVE_INFINITY;
  /** Happens right before the next request of that action is answered, once. */
  readonly meanwhile = new Map<string, () => void>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(project: Project, faults: Faults = new Faults()) {
    this.project = project;
    this.faults = faults;
    this.operations = new Operations(project);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Begins to listen at once, in the network namespace the caller is in. */
  listen(port = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, () => resolve());
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests that changed something or tried to. */
  get mutations(): readonly Recorded[] {
    return this.requests.filter(({ mutating }) => mutating);
  }

  /** Every connection ends, as those that were idle for long do. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      // A bug of the fake: loud, and no answer that a test could take for one of Google.
      process.exitCode = 1;
      console.error('fake Compute Engine:', error);
      response.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await bodyOf(request);
    const url = new URL(request.url ?? '/', 'http://fake');
    const found = methodFor(request.method ?? '', url);
    const action =
      found?.method.name ??
      (url.pathname.endsWith(':testIamPermissions') ? 'Projects.TestIamPermissions' : url.pathname);
    const client = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    // The SDK sends an empty text where a POST has no body.
    const body = text === '' || text === '""' ? undefined : (JSON.parse(text) as Recorded['body']);
    const mutating = CHANGES[action] !== undefined;
    const fate = this.faults.fateOf({ action, client, mutating });
    const parameters = found?.parameters ?? {};
    const recorded: Recorded = {
      at: performance.now(),
      action,
      client,
      parameters,
      body,
      mutating,
      fate: fate.kind,
    };
    this.requests.push(recorded);
    if (this.faults.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.faults.delay));
    if (fate.kind === 'hung') return;
    if (fate.kind === 'cut') return void response.destroy();
    if (fate.kind === 'garbage') return this.#send(response, 200, fate.body);
    const result = await this.#result(found, {
      action,
      fate,
      body,
      authorization: request.headers.authorization ?? '',
    });
    if (result.reason !== undefined) recorded.reason = result.reason;
    if (fate.kind === 'lost-answer') return void response.destroy();
    this.#send(response, result.status, JSON.stringify(result.body));
    recorded.answered = performance.now();
  }

  async #result(
    found: Found | undefined,
    how: { action: string; fate: Fate; body: Recorded['body']; authorization: string },
  ): Promise<{ status: number; body: object; reason?: string }> {
    try {
      const { fate, action } = how;
      if (fate.kind === 'throttled')
        throw new Refused(
          403,
          'rateLimitExceeded',
          `Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'compute.googleapis.com'`,
        );
      if (fate.kind === 'server-error')
        throw new Refused(503, 'backendError', 'Internal error. Please try again or contact Google Support.');
      const permission = NEEDED[action];
      if (fate.kind === 'denied' || (permission !== undefined && this.denied.has(permission)))
        throw new Refused(
          403,
          'forbidden',
          `Required '${permission}' permission for 'projects/${this.project.id}'`,
        );
      return { status: 200, body: await this.#perform(found, how) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { status, reason, message } = error;
      return {
        status,
        reason,
        body: { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } },
      };
    }
  }

  async #perform(
    found: Found | undefined,
    { action, body, authorization }: { action: string; body: Recorded['body']; authorization: string },
  ): Promise<object> {
    if (!this.tokens.has(authorization.replace('Bearer ', '')))
      throw new Refused(401, 'authError', 'Request had invalid authentication credentials.');
    if (action === 'Projects.TestIamPermissions')
      return { permissions: this.#granted(body?.['permissions']) };
    if (found === undefined) throw new Refused(404, 'notFound', 'no such method');
    if (found.parameters['project'] !== this.project.id)
      throw new Refused(
        404,
        'notFound',
        `The resource 'projects/${found.parameters['project']}' was not found`,
      );
    const complaints = complaintsAbout(found, body);
    if (complaints.length > 0) throw new Refused(400, 'invalid', complaints.join(' '));
    const answer = await this.#do(found, body ?? {});
    const invented = complaintsIn(answer, found.method.responseType, 'answer');
    if (invented.length > 0) throw new Error(invented.join(' '));
    return answer;
  }

  async #do({ method, parameters }: Found, body: Readonly<Record<string, unknown>>): Promise<object> {
    const { name } = method;
    const meddle = this.meanwhile.get(name);
    this.meanwhile.delete(name);
    meddle?.();
    if (name.endsWith('.TestIamPermissions')) return { permissions: this.#granted(body['permissions']) };
    const operation = /^(Zone|Global)Operations\.(Get|Wait)$/.exec(name);
    if (operation !== null)
      return this.operations.read(parameters['operation']!, { wait: operation[2] === 'Wait' });
    const [read, change] = [READS[name], CHANGES[name]];
    if (read !== undefined)
      return this.#page(read(this.project, parameters, this.project.shown), parameters['pageToken']);
    if (change === undefined) throw new Error(`the fake knows no ${name}`);
    const scope = parameters['zone'] === undefined ? {} : { zone: parameters['zone'] };
    return this.operations.begin(name, {
      scope,
      requestId: parameters['requestId'],
      perform: () => change(this.project, parameters, body),
    });
  }

  /** `nextPageToken` is absent on the last one. */
  #page(answer: object, token = '0'): object {
    const { items } = answer as { items?: readonly unknown[] | Readonly<Record<string, unknown>> };
    if (items === undefined || this.pageSize === Number.POSITIVE_INFINITY) return answer;
    const [from, to] = [Number(token), Number(token) + this.pageSize];
    const entries = Object.entries(items);
    const some = entries.slice(from, to);
    return {
      ...answer,
      items: Array.isArray(items) ? some.map(([, item]) => item) : Object.fromEntries(some),
      ...(to < entries.length && { nextPageToken: String(to) }),
    };
  }

  #granted(permissions: unknown): readonly string[] {
    return (permissions as string[]).filter((each) => !this.denied.has(each));
  }

  #send(response: ServerResponse, status: number, body: string): void {
    if (response.destroyed) return;
    response.writeHead(status, {
      'content-type': 'application/json; charset=UTF-8',
      date: new Date(Date.now() + this.clockAhead).toUTCString(),
    });
    response.end(body);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > BODY_MAX) throw new Error('a request longer than any of ours');
  }
  return body;
}
