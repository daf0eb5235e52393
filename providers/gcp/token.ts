/** Tokens for the API: of the file that GOOGLE_APPLICATION_CREDENTIALS names, or of the metadata server. Renewed before they end. */
import type { Millis } from '../../src/model/time.ts';
import { GcpFailure } from './failures.ts';
import type { Metadata } from './metadata.ts';

export interface TokenSource {
  /** Rejects with a failure of kind `credentials`. */
  token(signal: AbortSignal): Promise<string>;
  /** The last one was refused. */
  forget(): void;
  /** For people: where they come from. */
  readonly origin: string;
}

/** Before the end it is renewed, beside the call that noticed; the metadata server gives a new one within its last minutes. */
const EARLY: Millis = 240_000;
/** So near to the end it is not used any more. */
const LATE: Millis = 30_000;
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

export function tokensOf(metadata: Metadata, wall: () => number): TokenSource {
  const file = process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  return file === undefined || file === '' ? new MetadataTokens(metadata, wall) : new FileTokens(file);
}

interface Known {
  readonly token: string;
  readonly renewAt: number;
  readonly until: number;
}

class MetadataTokens implements TokenSource {
  readonly #metadata: Metadata;
  readonly #wall: () => number;
  #known: Known | undefined;
  #asked: Promise<Known> | undefined;

  constructor(metadata: Metadata, wall: () => number) {
    this.#metadata = metadata;
    this.#wall = wall;
  }

  get origin(): string {
    return `metadata server ${this.#metadata.endpoint}`;
  }

  async token(signal: AbortSignal): Promise<string> {
    const [known, now] = [this.#known, this.#wall()];
    if (known === undefined || now >= known.until) return (await this.#renewed(signal)).token;
    // One that is still good is used while its successor is fetched; should that fail, the next call tries again.
    if (now >= known.renewAt) this.#renewed(AbortSignal.timeout(RENEWAL_MAX)).catch(() => undefined);
    return known.token;
  }

  forget(): void {
    this.#known = undefined;
  }

  async #renewed(signal: AbortSignal): Promise<Known> {
    try {
      // The question of another call will do, unless it fails for reasons of its own.
      const asked = await this.#asked;
      if (asked !== undefined && this.#wall() < asked.renewAt && asked === this.#known) return asked;
    } catch {
      // Ask ourselves.
    }
    const asked = this.#ask(signal);
    this.#asked = asked;
    this.#known = await asked;
    return asked;
  }

  async #ask(signal: AbortSignal): Promise<Known> {
    try {
      const { token, lifetime } = await this.#metadata.token(signal);
      const now = this.#wall();
      const rest = (early: Millis) => now + Math.max(0, lifetime - early);
      return { token, renewAt: rest(EARLY), until: rest(LATE) };
    } catch (error) {
      throw failureOf(error);
    }
  }
}

const RENEWAL_MAX: Millis = 5_000;

interface AuthLibrary {
  readonly GoogleAuth: new (options: {
    readonly keyFile: string;
    readonly scopes: string;
  }) => { getAccessToken(): Promise<string | null | undefined> };
}

/** Google's own library reads the file, whichever of its kinds it is. */
class FileTokens implements TokenSource {
  readonly #file: string;
  #auth: Promise<InstanceType<AuthLibrary['GoogleAuth']>> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  get origin(): string {
    return `file ${this.#file}`;
  }

  async token(signal: AbortSignal): Promise<string> {
    try {
      this.#auth ??= this.#open();
      const token = await unlessAborted((await this.#auth).getAccessToken(), signal);
      if (typeof token === 'string' && token !== '') return token;
      throw new Error(`${this.#file} gives no token`);
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** It forgets by itself. */
  forget(): void {}

  async #open(): Promise<InstanceType<AuthLibrary['GoogleAuth']>> {
    // Its types would cost the compiler more than they are worth for one call.
    const path: string = 'google-auth-library';
    const { GoogleAuth } = (await import(path)) as AuthLibrary;
    return new GoogleAuth({ keyFile: this.#file, scopes: SCOPE });
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      const give = () => reject(new Error('not in time'));
      if (signal.aborted) give();
      else signal.addEventListener('abort', give, { once: true });
    }),
  ]);
}

function failureOf(error: unknown): GcpFailure {
  const said = error instanceof Error ? error.message : String(error);
  return new GcpFailure('credentials', { method: 'token', reason: 'no credentials', said });
}
