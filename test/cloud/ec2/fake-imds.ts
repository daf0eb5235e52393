/** An instance metadata service, version 2 alone: without a valid token it answers 401, as AWS does where version 1 is switched off. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EniState, Region } from './region.ts';

export class FakeImds {
  readonly tokens = new Set<string>();
  /** Paths asked for, tokens left out. */
  readonly asked: string[] = [];
  tokensGiven = 0;
  /** `hung`: a container behind one hop too many; `off`: the service is disabled. */
  state: 'well' | 'hung' | 'off' = 'well';
  readonly #region: Region;
  readonly #enis: readonly EniState[];
  readonly #server: Server;

  constructor(region: Region, enis: readonly EniState[]) {
    this.#region = region;
    this.#enis = enis;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, () => resolve()));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    if (this.state === 'hung') return;
    if (this.state === 'off') return answer(response, 403, '');
    if (path === '/latest/api/token') return this.#token(request, response);
    this.asked.push(path);
    const token = String(request.headers['x-aws-ec2-metadata-token'] ?? '');
    if (!this.tokens.has(token)) return answer(response, 401, '');
    const text = this.#document(path);
    answer(response, text === undefined ? 404 : 200, text ?? '');
  }

  #token(request: IncomingMessage, response: ServerResponse): void {
    const ttl = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']);
    if (request.method !== 'PUT' || !(ttl >= 1 && ttl <= 21_600)) return answer(response, 400, '');
    const token = randomBytes(16).toString('hex');
    this.tokens.add(token);
    this.tokensGiven += 1;
    answer(response, 200, token);
  }

  #document(path: string): string | undefined {
    const [first] = this.#enis;
    const zone = this.#region.state.subnets.get(first?.subnet ?? '')?.zone;
    if (path === '/latest/dynamic/instance-identity/document') {
      return JSON.stringify({
        instanceId: first?.instance,
        instanceType: this.#region.instanceType,
        region: this.#region.name,
        availabilityZone: zone,
        accountId: this.#region.account,
      });
    }
    const macs = '/latest/meta-data/network/interfaces/macs/';
    if (path === macs) return this.#enis.map(({ mac }) => `${mac}/`).join('\n');
    const [, mac, field] = /^\/latest\/meta-data\/network\/interfaces\/macs\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const eni = this.#enis.find((each) => each.mac === mac);
    if (eni === undefined) return undefined;
    switch (field) {
      case 'interface-id':
        return eni.id;
      case 'device-number':
        return String(eni.deviceIndex);
      case 'subnet-id':
        return eni.subnet;
      case 'local-ipv4s':
        return [eni.primary, ...eni.secondaries].join('\n');
      default:
        return undefined;
    }
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(text);
}
