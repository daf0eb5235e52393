/**
 * What the SDK speaks through: our own `fetch` with a token, a deadline for every request, and the raw errors kept, since the SDK loses
 * their reasons. It also mends what the SDK drops, an empty list of alias ranges, and reads answers itself (docs/gcp.md, "What is worked
 * around").
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Millis } from '../../src/model/time.ts';
import { answerIn, type Reader, restOf } from './answer.ts';
import { classify, GcpFailure } from './failures.ts';
import type { TokenSource } from './token.ts';

/** What is known of the call around a request. */
export interface CallContext {
  readonly method: string;
  readonly signal: AbortSignal;
  /** Set on the body of the request where the SDK left it out. */
  readonly patch?: Readonly<Record<string, unknown>>;
  /** Gets the answer; the SDK, which asked, hears only whether there is more of it. Absent: the SDK reads it. */
  readonly read?: Reader;
}

/** The answer of an API that is no answer of one: a few kilobytes tell. */
const ANSWER_MAX = 16 * 1024 * 1024;
const DEFAULT_DOMAIN = 'googleapis.com';

export class Channel {
  readonly #tokens: TokenSource;
  readonly #timeout: Millis;
  readonly #wall: () => number;
  readonly #fetch: typeof fetch;
  readonly #context = new AsyncLocalStorage<CallContext>();
  /** By the last answer. */
  clockAhead: number | undefined;
  /** Fields that the SDK sets and reads. */
  readonly universeDomain = DEFAULT_DOMAIN;
  defaultServicePath = '';
  defaultScopes: readonly string[] = [];

  constructor(parts: {
    readonly tokens: TokenSource;
    readonly timeout: Millis;
    readonly wall: () => number;
    /** Instead of the network. */
    readonly fetch?: typeof fetch;
  }) {
    this.#tokens = parts.tokens;
    this.#timeout = parts.timeout;
    this.#wall = parts.wall;
    this.#fetch = parts.fetch ?? fetch;
  }

  /** Runs one call; whatever it rejects with, it is a `GcpFailure`. */
  async within<T>(context: CallContext, call: () => Promise<T>): Promise<T> {
    try {
      return await this.#context.run(context, call);
    } catch (error) {
      throw failureIn(error, context);
    }
  }

  /** For the SDK, which wants to see a client before it sends anything. */
  async getClient(): Promise<{ readonly universeDomain: string }> {
    return { universeDomain: DEFAULT_DOMAIN };
  }

  async fetch(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const context = this.#context.getStore();
    const method = context?.method ?? 'request';
    const timeout = AbortSignal.timeout(this.#timeout);
    const signals = [timeout, context?.signal, init.signal].filter((each) => each instanceof AbortSignal);
    const signal = AbortSignal.any(signals);
    try {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${await this.#tokens.token(signal)}`);
      const body = patched(init.body, context?.patch);
      const sent = { method: init.method ?? 'GET', headers, redirect: 'error' as const, signal };
      const answer = await this.#fetch(url, { ...sent, ...(body !== undefined && { body }) });
      this.#readClock(answer);
      const text = await textOf(answer);
      if (answer.ok) return told(answer, text, context?.read);
      if (answer.status === 401) this.#tokens.forget();
      throw refusalOf(answer.status, text, method);
    } catch (error) {
      if (error instanceof GcpFailure) throw error;
      const given = context?.signal.aborted === true;
      const reason = given ? 'AbortError' : timeout.aborted ? 'ETIMEDOUT' : socketCode(error);
      const said = timeout.aborted ? `no answer within ${this.#timeout} ms` : messageOf(error);
      throw classify({ method, reason, said, httpStatus: undefined });
    }
  }

  #readClock({ headers }: Response): void {
    const theirs = Date.parse(headers.get('date') ?? '');
    if (!Number.isNaN(theirs)) this.clockAhead = this.#wall() - theirs;
  }
}

function told({ status, headers }: Response, text: string, read: Reader | undefined): Response {
  if (read === undefined) return new Response(text, { status, headers });
  const answer = answerIn(text);
  read(answer);
  return new Response(restOf(answer));
}

async function textOf(answer: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_MAX) throw new Error('an answer without end');
  }
  return text + decoder.decode();
}

/** The SDK's encoder leaves empty lists out, and to a PATCH what is left out stays as it was. */
function patched(body: unknown, patch: CallContext['patch']): string | undefined {
  if (body === undefined || body === null) return undefined;
  const text = typeof body === 'string' ? body : Buffer.from(body as Uint8Array).toString('utf8');
  if (patch === undefined) return text;
  return JSON.stringify({ ...patch, ...(JSON.parse(text) as Record<string, unknown>) });
}

interface ErrorBody {
  readonly error?: {
    readonly message?: unknown;
    readonly errors?: readonly { readonly reason?: unknown }[];
    readonly details?: readonly { readonly reason?: unknown }[];
    readonly status?: unknown;
  };
}

/** From the body of an answer that is no success. */
export function refusalOf(httpStatus: number, text: string, method: string): GcpFailure {
  let body: ErrorBody = {};
  try {
    body = Object(JSON.parse(text)) as ErrorBody;
  } catch {
    // A page of some proxy: its text will do.
  }
  const { error } = body;
  const reasons = Array.isArray(error?.errors) ? error.errors : [];
  const details = Array.isArray(error?.details) ? error.details : [];
  const [reason] = [...reasons, ...details, { reason: error?.status }]
    .map((each) => (Object(each) as { reason?: unknown }).reason)
    .filter((each) => typeof each === 'string');
  const said = typeof error?.message === 'string' ? error.message : text.slice(0, 200);
  return classify({ method, reason: reason ?? `HTTP ${httpStatus}`, said, httpStatus });
}

/** The SDK wraps what our `fetch` rejected with. */
function failureIn(error: unknown, { method, signal }: CallContext): GcpFailure {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth++)
    if (at instanceof GcpFailure) return at;
  const reason = signal.aborted ? 'AbortError' : 'no sense';
  // What it could not read is no answer of the API.
  return classify({ method, reason, said: messageOf(error), httpStatus: undefined });
}

function socketCode(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code ?? (error instanceof Error ? error.name : 'error');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
