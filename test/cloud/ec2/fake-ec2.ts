/**
 * An EC2 end point (and the one call of STS we need) over HTTP for the real SDK. Every request is recorded and checked against the SDK's
 * schemas; `faults` says what goes wrong. Listens where it is told; in whose network that is, is the caller's business.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Fate, Faults } from '../faults.ts';
import { CHANGES } from './changes.ts';
import { escapeXml, operationOf, readRequest, writeAnswer } from './query-codec.ts';
import { READS } from './reads.ts';
import { Refused } from './refused.ts';
import { Region } from './region.ts';

export interface Recorded {
  readonly at: number;
  readonly action: string;
  readonly client: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Would change something, dry runs left out. */
  readonly mutating: boolean;
  readonly fate: Fate['kind'];
  /** Code of the error it was answered with; undefined: done. */
  code?: string;
  /** When the answer was written; `at` is when the request had been read. */
  answered?: number;
}

export interface FakeEc2Options {
  /** Access keys that are denied an action; the value is the set of actions. */
  readonly denied?: ReadonlyMap<string, ReadonlySet<string>>;
  /** How far the clock of the cloud is ahead, ms. */
  readonly clockAhead?: number;
}

const BODY_MAX = 1_000_000;

export class FakeEc2 {
  readonly region: Region;
  readonly faults: Faults;
  readonly requests: Recorded[] = [];
  /** Actions nobody may do. */
  readonly deny = new Set<string>();
  /** Every request is answered as if its credentials were over. */
  expired = false;
  /** Whether a dry run is judged for sense before it is judged for permission: which Amazon does is not documented. */
  dryRunLooksFirst = false;
  clockAhead: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(region: Region, faults: Faults = new Faults(), options: FakeEc2Options = {}) {
    this.region = region;
    this.faults = faults;
    this.clockAhead = options.clockAhead ?? 0;
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
    const client = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    try {
      const parameters = new URLSearchParams(await bodyOf(request));
      await this.#answer(parameters, { client, request, response });
    } catch (error) {
      // A bug of the fake: loud, and no answer that a test could take for one of EC2.
      process.exitCode = 1;
      console.error('fake EC2:', error);
      response.destroy();
    }
  }

  async #answer(
    parameters: URLSearchParams,
    { client, request, response }: { client: string; request: IncomingMessage; response: ServerResponse },
  ): Promise<void> {
    const action = parameters.get('Action') ?? '';
    const change = CHANGES[action] !== undefined && parameters.get('DryRun') !== 'true';
    const fate = this.faults.fateOf({ action, client, mutating: change });
    const recorded: Recorded = {
      at: performance.now(),
      action,
      client,
      input: Object.fromEntries(parameters),
      mutating: change,
      fate: fate.kind,
    };
    this.requests.push(recorded);
    if (this.faults.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.faults.delay));
    if (fate.kind === 'hung') return;
    if (fate.kind === 'cut') return void response.destroy();
    if (fate.kind === 'garbage') return this.#send(response, 200, fate.body);
    const { status, body, code } = this.#result(parameters, { action, fate, request });
    if (code !== undefined) recorded.code = code;
    if (fate.kind === 'lost-answer') return void response.destroy();
    this.#send(response, status, body);
    recorded.answered = performance.now();
  }

  #result(
    parameters: URLSearchParams,
    { action, fate, request }: { action: string; fate: Fate; request: IncomingMessage },
  ): { status: number; body: string; code?: string } {
    try {
      if (fate.kind === 'throttled')
        throw new Refused('RequestLimitExceeded', 'Request limit exceeded.', 503);
      if (fate.kind === 'server-error')
        throw new Refused('InternalError', 'An internal error has occurred', 500);
      if (fate.kind === 'denied' || this.deny.has(action)) throw denied(action);
      return { status: 200, body: this.#perform(parameters, action, request) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: errorBody(error), code: error.code };
    }
  }

  #perform(parameters: URLSearchParams, action: string, request: IncomingMessage): string {
    this.#checkSignature(request);
    if (action === 'GetCallerIdentity') return this.#identity();
    const operation = operationOf(action);
    if (operation === undefined || parameters.get('Version') !== '2016-11-15')
      throw new Refused('InvalidAction', `The action ${action} is not valid for this web service.`);
    const input = readRequest(operation, parameters);
    const [change, read] = [CHANGES[action], READS[action]];
    // Permission is asked before anything else, and answered by an error either way.
    if (input['DryRun'] === true && this.dryRunLooksFirst) rehearsed(this.region, action, input);
    if (input['DryRun'] === true)
      throw new Refused('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    if (read !== undefined) return writeAnswer(operation, read(this.region, input));
    if (change === undefined) throw new Error(`the fake knows no ${action}`);
    this.region.remember();
    return writeAnswer(operation, change(this.region, input));
  }

  /** Signature version 4 is not verified, but who does not sign, or signs with a clock far off, is refused. */
  #checkSignature({ headers }: IncomingMessage): void {
    const { authorization = '', 'x-amz-date': date = '' } = headers as Record<string, string | undefined>;
    const region = `/${this.region.name}/`;
    if (!authorization.startsWith('AWS4-HMAC-SHA256 '))
      throw new Refused('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
    if (!authorization.includes(region))
      throw new Refused('AuthFailure', 'Credential should be scoped to a valid region.', 401);
    if (this.expired)
      throw new Refused('ExpiredToken', 'The security token included in the request is expired');
    const [, year, month, day, hour, minute, second] =
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
    const signed = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    if (Math.abs(signed - (Date.now() + this.clockAhead)) > 5 * 60_000)
      throw new Refused('RequestExpired', `Request has expired. Timestamp date is ${date}.`);
  }

  #identity(): string {
    const { account } = this.region;
    return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:sts::${account}:assumed-role/wackamole/test</Arn><UserId>AROA:test</UserId><Account>${account}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>fake</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;
  }

  #send(response: ServerResponse, status: number, body: string): void {
    if (response.destroyed) return;
    response.writeHead(status, {
      'content-type': 'text/xml;charset=UTF-8',
      date: new Date(Date.now() + this.clockAhead).toUTCString(),
    });
    response.end(body);
  }
}

/** Refused as the change itself would be, of which nothing stays. */
function rehearsed({ state }: Region, action: string, input: Readonly<Record<string, unknown>>): void {
  CHANGES[action]?.(Object.assign(new Region(), { state: structuredClone(state) }), input);
}

function denied(action: string): Refused {
  return new Refused(
    'UnauthorizedOperation',
    `You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/wackamole/test is not authorized to perform: ec2:${action}`,
    403,
  );
}

function errorBody({ code, message }: Refused): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error></Errors><RequestID>fake-request</RequestID></Response>`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > BODY_MAX) throw new Error('a request longer than any of ours');
  }
  return body;
}
