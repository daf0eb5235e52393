/** Sees every address change on every host of the lab from outside, whatever the agents there believe. */
import { scriptPath } from '../platform/layout.ts';
import type { AddressChange } from './custody.ts';
import { LineChild } from './line-child.ts';

const PROGRAM = scriptPath('lab/watcher-process.ts');

type WatcherLine =
  | ({ readonly kind: 'change' } & AddressChange)
  | { readonly kind: 'overflow'; readonly host: string; readonly at: number };

export class Watcher {
  readonly #child: LineChild;
  readonly #changes: AddressChange[] = [];
  #overflows = 0;
  /** Called at each change, some milliseconds after it. */
  onChange: (change: AddressChange) => void = () => undefined;

  constructor(hosts: readonly string[]) {
    this.#child = new LineChild({
      argv: [PROGRAM, JSON.stringify({ hosts })],
      onLine: (line) => this.#take(line as WatcherLine),
    });
  }

  async start(): Promise<void> {
    await this.#child.start();
  }

  /** All changes up to now, in order of time. Throws when the kernel dropped some: then nothing can be said. */
  async changes(): Promise<readonly AddressChange[]> {
    await this.#child.sync();
    if (this.#overflows > 0)
      throw new Error('the watcher lost address changes: its receive buffer overflowed');
    return this.#changes;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  #take(line: WatcherLine): void {
    if (line.kind === 'overflow') {
      this.#overflows += 1;
      return;
    }
    this.#changes.push(line);
    this.onChange(line);
  }
}
