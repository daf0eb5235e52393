/**
 * The record of a witness as an object in a bucket of Google Cloud Storage, changed by writes that name the generation they replace
 * (JSON API, `ifGenerationMatch`). Runs in the witness's thread.
 */
import { GoogleAuth, PassThroughClient } from 'google-auth-library';
import {
  type Reading,
  recordOf,
  textOf,
  type WitnessRecord,
  type WitnessStore,
  type Writing,
} from '../store.ts';
import type { StoreSettings } from './store-settings.ts';

const STORAGE = 'https://storage.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const GENERATION = 'x-goog-generation';

export function createStore({ place, key, endpoint = STORAGE }: StoreSettings): WitnessStore {
  // An emulator is not told who we are.
  const emulated = endpoint.startsWith('http:');
  const auth = new GoogleAuth(emulated ? { authClient: new PassThroughClient() } : { scopes: [SCOPE] });
  return new GcsStore(auth, { endpoint, bucket: encodeURIComponent(place), object: encodeURIComponent(key) });
}

interface Place {
  readonly endpoint: string;
  readonly bucket: string;
  readonly object: string;
}

class GcsStore implements WitnessStore {
  readonly #auth: GoogleAuth;
  readonly #at: Place;

  constructor(auth: GoogleAuth, at: Place) {
    this.#auth = auth;
    this.#at = at;
  }

  async read(signal: AbortSignal): Promise<Reading> {
    const { endpoint, bucket, object } = this.#at;
    const url = `${endpoint}/storage/v1/b/${bucket}/o/${object}?alt=media`;
    const { status, headers, data } = await this.#ask({ url, method: 'GET', signal });
    if (status === 404) return { kind: 'absent' };
    if (status !== 200) throw refusal(status, data);
    const version = headers.get(GENERATION);
    if (version === null) throw new Error(`an answer without ${GENERATION}`);
    return { kind: 'record', version, record: recordOf(data) };
  }

  async write(record: WitnessRecord, version: string | undefined, signal: AbortSignal): Promise<Writing> {
    const { endpoint, bucket, object } = this.#at;
    const query = `uploadType=media&name=${object}&ifGenerationMatch=${version ?? '0'}`;
    const { status, data } = await this.#ask({
      url: `${endpoint}/upload/storage/v1/b/${bucket}/o?${query}`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: textOf(record),
      signal,
    });
    if (status === 412) return { kind: 'conflict' };
    if (status !== 200) throw refusal(status, data);
    return { kind: 'written', version: generationIn(data) };
  }

  close(): void {}

  async #ask(request: {
    readonly url: string;
    readonly method: 'GET' | 'POST';
    readonly headers?: Record<string, string>;
    readonly body?: string;
    readonly signal: AbortSignal;
  }): Promise<{ status: number; headers: Headers; data: string }> {
    const response = await this.#auth.request<string>({
      ...request,
      responseType: 'text',
      // What is tried again is decided by the lease, which knows what a lost answer means.
      retry: false,
      validateStatus: () => true,
    });
    return { status: response.status, headers: response.headers, data: response.data };
  }
}

function generationIn(text: string): string {
  const { generation } = JSON.parse(text) as { generation?: unknown };
  if (typeof generation !== 'string') throw new Error('an answer without a generation');
  return generation;
}

function refusal(status: number, text: string): Error {
  const said = /"message":\s*"([^"]{1,200})"/.exec(text)?.[1];
  return new Error(`HTTP ${status}${said === undefined ? '' : `: ${said}`}`);
}
