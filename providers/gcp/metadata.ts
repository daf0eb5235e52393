/**
 * The metadata server: who this host is, its token, and the guest attributes by which it shows its fence. Never asked for addresses
 * to decide by: it lags behind the API.
 */
import type { Millis } from '../../src/model/time.ts';

const DEFAULT_ENDPOINT = 'http://169.254.169.254';
/** It is next door; what takes longer is not there. Long enough for a host that boots. */
const TIMEOUT: Millis = 4_000;
const ANSWER_MAX = 1_000_000;
const NAMESPACE = 'wackamole';

export interface SelfPortrait {
  readonly project: string;
  readonly zone: string;
  readonly instance: string;
  readonly nics: readonly {
    readonly mac: string;
    readonly address: string;
    readonly aliases: readonly string[];
  }[];
  readonly account: string | undefined;
  readonly scopes: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
}

export class Metadata {
  readonly endpoint: string;

  constructor({ endpoint = DEFAULT_ENDPOINT }: { readonly endpoint?: string } = {}) {
    this.endpoint = endpoint;
  }

  /** Rejects with an Error for a person. */
  async self(signal: AbortSignal): Promise<SelfPortrait> {
    const [text, project] = await Promise.all([
      this.#get('instance/?recursive=true', signal),
      this.#get('project/project-id', signal),
    ]);
    let told: Record<string, unknown>;
    try {
      told = Object(JSON.parse(text)) as Record<string, unknown>;
    } catch {
      throw new Error(`the metadata server at ${this.endpoint} answers with something that is not JSON`);
    }
    return portraitOf(told, project.trim());
  }

  /** Rejects with an Error for a person. */
  async token(signal: AbortSignal): Promise<{ readonly token: string; readonly lifetime: Millis }> {
    const text = await this.#get('instance/service-accounts/default/token', signal);
    const told = Object(parse(text)) as Record<string, unknown>;
    const { access_token: token, expires_in: seconds } = told;
    if (typeof token !== 'string' || typeof seconds !== 'number')
      throw new Error(`the metadata server at ${this.endpoint} gives no token`);
    return { token, lifetime: seconds * 1000 };
  }

  /** Writes what others may read of us by the API. Rejects with an Error for a person. */
  async show(key: string, value: string, signal: AbortSignal): Promise<void> {
    await this.#ask(`instance/guest-attributes/${NAMESPACE}/${key}`, signal, { method: 'PUT', body: value });
  }

  #get(path: string, signal: AbortSignal): Promise<string> {
    return this.#ask(path, signal, { method: 'GET' });
  }

  async #ask(path: string, signal: AbortSignal, init: { method: string; body?: string }): Promise<string> {
    const timeout = AbortSignal.timeout(TIMEOUT);
    try {
      const answer = await fetch(`${this.endpoint}/computeMetadata/v1/${path}`, {
        ...init,
        headers: { 'Metadata-Flavor': 'Google' },
        redirect: 'error',
        signal: AbortSignal.any([signal, timeout]),
      });
      const text = (await answer.text()).slice(0, ANSWER_MAX);
      if (answer.ok) return text;
      throw new Refusal(`the metadata server answers ${answer.status} to ${path}: ${mendOf(path)}`);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      const why = timeout.aborted
        ? `does not answer within ${TIMEOUT} ms`
        : `cannot be reached (${causeOf(error)})`;
      const mend =
        'is this host an instance of Compute Engine? Elsewhere write project, zone and instance, and set GOOGLE_APPLICATION_CREDENTIALS';
      throw new Error(`the metadata server at ${this.endpoint} ${why}: ${mend}`, { cause: error });
    }
  }
}

class Refusal extends Error {}

/** Under which guests write, as the API names it. */
export function attributePath(key: string): string {
  return `${NAMESPACE}/${key}`;
}

function mendOf(path: string): string {
  if (path.includes('guest-attributes'))
    return 'set the metadata enable-guest-attributes=TRUE on the instance';
  if (path.includes('token')) return 'attach a service account to the instance';
  return 'look whether something else answers on its address';
}

function causeOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function portraitOf(told: Record<string, unknown>, project: string): SelfPortrait {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const record = (value: unknown): Record<string, unknown> => Object(value) as Record<string, unknown>;
  const account = record(record(told['serviceAccounts'])['default']);
  const zone = text(told['zone']);
  return {
    project,
    zone: zone.slice(zone.lastIndexOf('/') + 1),
    instance: text(told['name']),
    nics: list(told['networkInterfaces']).map((each) => ({
      mac: text(record(each)['mac']).toLowerCase(),
      address: text(record(each)['ip']),
      aliases: list(record(each)['ipAliases']).map(text),
    })),
    account: typeof account['email'] === 'string' ? account['email'] : undefined,
    scopes: list(account['scopes']).map(text),
    attributes: Object.fromEntries(
      Object.entries(record(told['attributes'])).map(([key, value]) => [key, text(value)]),
    ),
  };
}
