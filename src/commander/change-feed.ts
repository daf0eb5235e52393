/** Which changes of a status were not told yet. */
import type { Change, Status } from '../model/status.ts';
import { printable } from './format.ts';

export class ChangeFeed {
  #last: string | undefined;
  #started = false;

  /** True until the first call of {@link news}. */
  get first(): boolean {
    return !this.#started;
  }

  /** A line for each change since the last call. The status keeps a bounded number: what was pushed out is not told. */
  news({ changes }: Status): string[] {
    const keys = changes.map(keyOf);
    const told = this.#last === undefined ? -1 : keys.lastIndexOf(this.#last);
    const fresh = changes.slice(told + 1);
    this.#started = true;
    this.#last = keys.at(-1) ?? this.#last;
    return fresh.map(({ at, what, reason }) => `${printable(at)} ${printable(what)}: ${printable(reason)}`);
  }
}

function keyOf({ at, what, reason }: Change): string {
  return JSON.stringify([at, what, reason]);
}
