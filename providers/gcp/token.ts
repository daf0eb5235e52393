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

/** Before the end; the metadata server gives a new one within its last minutes. */
const EARLY: Millis = 120_000;
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

export function tokensOf(metadata: Metadata, wall: () => number): TokenSource {
  const file = process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  return file === undefined || file === '' ? new MetadataTokens(metadata, wall) : new FileTokens(file);
}

class MetadataTokens implements TokenSource {
  readonly #metadata: Metadata;
  readonly #wall: () => number;
  #asked: Promise<{ readonly token: string; readonly until: number }> | undefined;

  constructor(metadata: Metadata, wall: () => number) {
    this.#metadata = metadata;
    this.#wall = wall;
  }

  get origin(): string {
    return `metadata server ${this.#metadata.endpoint}`;
  }

  async token(signal: AbortSignal): Promise<string> {
    try {
      const known = await this.#asked;
      if (known !== undefined && this.#wall() < known.until) return known.token;
    } catch {
      // The question of another call failed: ask ourselves.
    }
    this.#asked = this.#ask(signal);
    return (await this.#asked).token;
  }

  forget(): void {
    this.#asked = undefined;
  }

  async #ask(signal: AbortSignal): Promise<{ readonly token: string; readonly until: number }> {
    try {
      const { token, lifetime } = await this.#metadata.token(signal);
      return { token, until: this.#wall() + Math.max(0, lifetime - EARLY) };
    } catch (error) {
      throw failureOf(error);
    }
  }
}

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
