/** One operator's connection: answers requests in their order, one at a time, and feeds a watcher. */
import type { Socket } from 'node:net';
import type { Millis } from '../model/time.ts';
import { decodeRequest, encodeLine } from './codec.ts';
import { LineSplitter } from './lines.ts';
import { type ControlRequest, type ControlResponse, REQUEST_BYTES_MAX } from './messages.ts';
import type { ControlHandler } from './server.ts';

const LOOKING: ReadonlySet<ControlRequest['kind']> = new Set(['status', 'watch']);
const LOOK_ONLY =
  'at this socket one may look (status, watch) and change nothing; ask at the one that control.socket names';

export interface ConnectionCollaborators {
  readonly handler: ControlHandler;
  /** Whoever comes here may look and change nothing. */
  readonly readOnly: boolean;
  readonly limits: { readonly idleTimeout: Millis; readonly watchInterval: Millis };
  closed(): void;
}

export class ControlConnection {
  readonly #socket: Socket;
  readonly #collaborators: ConnectionCollaborators;
  readonly #lines = new LineSplitter(REQUEST_BYTES_MAX);
  #waiting: Uint8Array[] = [];
  #busy = false;
  #ended = false;
  #stopWatching: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(socket: Socket, collaborators: ConnectionCollaborators) {
    this.#socket = socket;
    this.#collaborators = collaborators;
  }

  start(): void {
    this.#socket.on('error', () => this.close());
    this.#socket.on('close', () => this.close());
    this.#socket.on('end', () => {
      this.#ended = true;
      if (!this.#busy) this.close();
    });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#waitForRequest();
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#socket.destroy();
    this.#collaborators.closed();
  }

  #receive(chunk: Uint8Array): void {
    const lines = this.#lines.push(chunk);
    if (lines === 'overflow') {
      this.#socket.pause();
      const message = `a request of more than ${REQUEST_BYTES_MAX} bytes; send one JSON object a line`;
      this.#socket.end(encodeLine({ ok: false, code: 'bad-request', message }), () => this.close());
      return;
    }
    this.#waiting.push(...lines);
    // A client that sends faster than it is answered waits in its own kernel, not in our memory.
    if (this.#waiting.length > 0) this.#socket.pause();
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    clearTimeout(this.#idle);
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      const written = await this.#answer(line);
      if (!written) return this.close();
    }
    this.#busy = false;
    if (this.#ended) return this.close();
    this.#socket.resume();
    this.#waitForRequest();
  }

  async #answer(line: Uint8Array): Promise<boolean> {
    const decoded = decodeRequest(line);
    if (!decoded.ok)
      return this.#write(encodeLine({ ok: false, code: 'bad-request', message: decoded.message }));
    if (this.#collaborators.readOnly && !LOOKING.has(decoded.request.kind)) {
      return this.#write(encodeLine({ ok: false, code: 'not-allowed', message: LOOK_ONLY }));
    }
    if (decoded.request.kind === 'watch') return this.#watch();
    return this.#write(encodeLine(await this.#perform(decoded.request)));
  }

  async #perform(request: ControlRequest): Promise<ControlResponse> {
    const { handler } = this.#collaborators;
    try {
      switch (request.kind) {
        case 'status':
        case 'watch':
          return { ok: true, status: await handler.status() };
        case 'reload':
          return await handler.reload();
        case 'command':
          return await handler.command(request.command);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return {
        ok: false,
        code: 'internal',
        message: `the agent failed to answer: ${reason}; look at its log`,
      };
    }
  }

  /** Whether the kernel has taken it, or the client has read so much that it may, within the idle timeout. */
  #write(text: string): Promise<boolean> {
    if (this.#socket.destroyed) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (written: boolean) => {
        clearTimeout(timer);
        this.#socket.off('close', broken);
        resolve(written);
      };
      const broken = () => done(false);
      const timer = setTimeout(broken, this.#collaborators.limits.idleTimeout);
      this.#socket.once('close', broken);
      this.#socket.write(text, (error) => done(error === undefined || error === null));
    });
  }

  /**
   * Answers with the status, then tells of changes: several within an interval together, the next not before the last
   * was read. Who does not read for the idle timeout is dropped. Listens before it asks, so that no change is missed.
   */
  async #watch(): Promise<boolean> {
    const { handler, limits } = this.#collaborators;
    const tellStatus = async () => this.#write(encodeLine(await this.#perform({ kind: 'watch' })));
    if (this.#stopWatching !== undefined) return tellStatus();
    let [changed, telling] = [false, true];
    const tellChanges = async (): Promise<void> => {
      telling = true;
      while (changed && !this.#socket.destroyed) {
        await new Promise((resolve) => setTimeout(resolve, limits.watchInterval));
        changed = false;
        if (!(await tellStatus())) return this.close();
      }
      telling = false;
    };
    this.#stopWatching = handler.onChange(() => {
      changed = true;
      if (!telling) void tellChanges();
    });
    const written = await tellStatus();
    if (written) void tellChanges();
    return written;
  }

  #waitForRequest(): void {
    clearTimeout(this.#idle);
    if (this.#stopWatching !== undefined || this.#socket.destroyed) return;
    this.#idle = setTimeout(() => this.close(), this.#collaborators.limits.idleTimeout);
    this.#idle.unref();
  }
}
