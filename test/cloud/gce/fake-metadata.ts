/** The metadata server of one instance: identity, tokens, guest attributes. Without its header it answers 403, as Google's does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FakeCompute } from './fake-compute.ts';
import type { InstanceState } from './project.ts';

export class FakeMetadata {
  /** Paths asked for. */
  readonly asked: string[] = [];
  /** `hung`: it does not answer; `no-account`: the instance has no service account; `expired`: its tokens are refused by the API. */
  state: 'well' | 'hung' | 'no-account' | 'expired' = 'well';
  scopes = ['https://www.googleapis.com/auth/cloud-platform'];
  /** It shows the aliases of so long ago; here: none at all. */
  stale = false;
  readonly #cloud: FakeCompute;
  readonly #instance: InstanceState;
  readonly #server: Server;
  #number = 0;

  constructor(cloud: FakeCompute, instance: InstanceState) {
    this.#cloud = cloud;
    this.#instance = instance;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  listen(port = 0): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, () => resolve()));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (this.state === 'hung') return;
    const path = (request.url ?? '').replace('/computeMetadata/v1/', '');
    this.asked.push(`${request.method} ${path}`);
    const [status, text] =
      request.headers['metadata-flavor'] === 'Google'
        ? this.#answer(request.method ?? '', path, body)
        : [403, ''];
    response.writeHead(status, { 'metadata-flavor': 'Google' });
    response.end(text);
  }

  #answer(method: string, path: string, body: string): readonly [number, string] {
    const { project } = this.#cloud;
    if (path === 'project/project-id') return [200, project.id];
    if (path === 'instance/?recursive=true') return [200, JSON.stringify(this.#portrait())];
    if (path === 'instance/service-accounts/default/token') {
      if (this.state === 'no-account') return [404, ''];
      this.#number += 1;
      const token = `${this.#instance.name}-${this.#number}`;
      if (this.state !== 'expired') this.#cloud.tokens.add(token);
      return [200, JSON.stringify({ access_token: token, expires_in: 3600, token_type: 'Bearer' })];
    }
    const attribute = /^instance\/guest-attributes\/([a-z]+\/[A-Za-z0-9_.-]+)$/.exec(path)?.[1];
    if (method !== 'PUT' || attribute === undefined) return [404, ''];
    if (this.#instance.metadata['enable-guest-attributes'] !== 'TRUE') return [403, ''];
    this.#instance.guestAttributes[attribute] = body;
    return [200, ''];
  }

  #portrait(): object {
    const { name, zone, nics, metadata } = this.#instance;
    return {
      name,
      zone: `projects/123456/zones/${zone}`,
      attributes: metadata,
      networkInterfaces: nics.map(({ primary, mac, aliases }) => ({
        ip: primary,
        mac,
        ipAliases: this.stale ? [] : aliases.map(({ range }) => range),
      })),
      serviceAccounts:
        this.state === 'no-account'
          ? {}
          : { default: { email: 'wackamole@proj-test.iam.gserviceaccount.com', scopes: this.scopes } },
    };
  }
}
