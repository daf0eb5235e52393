/**
 * Instance metadata service, version 2: who this host is. Asked for identity alone, never for addresses: it lags behind the API by
 * up to a minute. One token serves all questions for its whole life, since the service throttles.
 */
import type { Millis } from '../../src/model/time.ts';

const DEFAULT_ENDPOINT = 'http://169.254.169.254';
const TOKEN_TTL_S = 21_600;
/** Renewed before it is over. */
const TOKEN_LIFE: Millis = (TOKEN_TTL_S - 600) * 1000;
const TIMEOUT: Millis = 1_000;
/** An answer is a few lines; whatever speaks on that address, we read no more. */
const ANSWER_MAX = 65_536;

export interface ImdsInterface {
  readonly mac: string;
  readonly eni: string;
  readonly deviceIndex: number;
  readonly subnet: string;
  /** As the service sees them: a hint. */
  readonly addresses: readonly string[];
}

export interface ImdsIdentity {
  readonly instance: string;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string;
  readonly account: string;
}

export interface ImdsSettings {
  readonly endpoint?: string;
  readonly now: () => number;
}

export class Imds {
  readonly #settings: ImdsSettings;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(settings: ImdsSettings) {
    this.#settings = settings;
  }

  async identity(signal: AbortSignal): Promise<ImdsIdentity> {
    const text = await this.get('/latest/dynamic/instance-identity/document', signal);
    let document: Record<string, unknown>;
    try {
      document = Object(JSON.parse(text)) as Record<string, unknown>;
    } catch {
      throw new Error('the instance metadata service answers with something that is no identity document');
    }
    const field = (name: string): string => (typeof document[name] === 'string' ? document[name] : '');
    return {
      instance: field('instanceId'),
      instanceType: field('instanceType'),
      region: field('region'),
      zone: field('availabilityZone'),
      account: field('accountId'),
    };
  }

  async interfaces(signal: AbortSignal): Promise<readonly ImdsInterface[]> {
    const macs = await this.get('/latest/meta-data/network/interfaces/macs/', signal);
    const lines = macs.split('\n').map((line) => line.replace(/\/$/, '').trim());
    return Promise.all(lines.filter((line) => line !== '').map((mac) => this.#interface(mac, signal)));
  }

  async #interface(mac: string, signal: AbortSignal): Promise<ImdsInterface> {
    const of = (what: string) => this.get(`/latest/meta-data/network/interfaces/macs/${mac}/${what}`, signal);
    const [eni, index, subnet, addresses] = await Promise.all([
      of('interface-id'),
      of('device-number'),
      of('subnet-id'),
      of('local-ipv4s').catch(() => ''),
    ]);
    return {
      mac: mac.toLowerCase(),
      eni,
      deviceIndex: Number(index),
      subnet,
      addresses: addresses.split('\n').filter((line) => line !== ''),
    };
  }

  /** Rejects with an Error for a person. */
  async get(path: string, signal: AbortSignal): Promise<string> {
    const first = await this.#ask(path, await this.#validToken(signal), signal);
    if (first.status !== 401) return textOf(first, path);
    // The token is void: the instance was stopped and started, or the clock jumped.
    this.#token = undefined;
    return textOf(await this.#ask(path, await this.#validToken(signal), signal), path);
  }

  async #validToken(signal: AbortSignal): Promise<string> {
    const now = this.#settings.now();
    if (this.#token !== undefined && now < this.#token.until) return this.#token.text;
    const answer = await this.#fetch('/latest/api/token', signal, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_TTL_S) },
    });
    const text = await textOf(answer, '/latest/api/token');
    this.#token = { text, until: now + TOKEN_LIFE };
    return text;
  }

  #ask(path: string, token: string, signal: AbortSignal): Promise<Response> {
    return this.#fetch(path, signal, { headers: { 'X-aws-ec2-metadata-token': token } });
  }

  async #fetch(path: string, signal: AbortSignal, init: RequestInit): Promise<Response> {
    const endpoint = this.#settings.endpoint ?? DEFAULT_ENDPOINT;
    const timeout = AbortSignal.timeout(TIMEOUT);
    try {
      return await fetch(`${endpoint}${path}`, {
        ...init,
        redirect: 'error',
        signal: AbortSignal.any([signal, timeout]),
      });
    } catch (error) {
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      const why = timeout.aborted ? `does not answer within ${TIMEOUT} ms` : `cannot be reached (${cause})`;
      const mend =
        init.method === 'PUT' && timeout.aborted
          ? 'in a container raise the hop limit (aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)'
          : 'enable it for the instance, or write `region` and `interfaces: [eni-…]` in the configuration';
      throw new Error(`the instance metadata service at ${endpoint} ${why}: ${mend}`, { cause: error });
    }
  }
}

async function textOf(answer: Response, path: string): Promise<string> {
  const text = (await answer.text()).slice(0, ANSWER_MAX);
  if (answer.ok) return text;
  const mend =
    answer.status === 403
      ? 'it is switched off: enable it (aws ec2 modify-instance-metadata-options --http-endpoint enabled)'
      : 'look whether something else answers on its address';
  throw new Error(`the instance metadata service answers ${answer.status} to ${path}: ${mend}`);
}
