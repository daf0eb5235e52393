/**
 * A child process of the lab that speaks JSON lines: what it sees comes on its standard output, what it is asked goes to
 * its standard input. It ends when its standard input closes, so that it never outlives the lab.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface LineChildOptions {
  /** The program, a `.ts` file, and its arguments. */
  readonly argv: readonly string[];
  /** Network namespace it starts in; absent: the world's own. */
  readonly netns?: string;
  readonly onLine: (line: unknown) => void;
}

/** Asked of a child: answer `synced` once everything seen before has been told. */
export interface SyncRequest {
  readonly kind: 'sync';
  readonly number: number;
}

export class LineChild {
  readonly #options: LineChildOptions;
  #child: ChildProcess | undefined;
  #failure: Error | undefined;
  #syncs = 0;
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();

  constructor(options: LineChildOptions) {
    this.#options = options;
  }

  /** Starts the child and waits until it says that it is ready (it answers the first sync). */
  async start(): Promise<void> {
    const { argv, netns } = this.#options;
    const inside = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
    const [command, ...rest] = [...inside, process.execPath, ...argv];
    if (command === undefined) throw new Error('nothing to run');
    const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    child.once('error', (error) => this.#fail(error));
    child.once('close', (code, signal) => {
      this.#fail(new Error(`${argv[0]} ended (${code ?? signal}): ${complaint.trim() || 'it said nothing'}`));
    });
    await this.sync();
  }

  /** Resolves when everything the child had seen before this call has been told. */
  sync(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#syncs += 1;
    const number = this.#syncs;
    const request: SyncRequest = { kind: 'sync', number };
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child?.stdin?.write(`${JSON.stringify(request)}\n`);
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
    });
    child.stdin?.end();
    const giveUp = setTimeout(() => child.kill('SIGKILL'), 2000);
    await closed;
    clearTimeout(giveUp);
  }

  #take(text: string): void {
    const line = JSON.parse(text) as { readonly kind?: unknown; readonly number?: unknown };
    if (line.kind !== 'synced' || typeof line.number !== 'number') {
      this.#options.onLine(line);
      return;
    }
    this.#waiting.get(line.number)?.resolve();
    this.#waiting.delete(line.number);
  }

  #fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
