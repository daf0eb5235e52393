/**
 * Events and log lines on their way to the main thread: sent together once a turn, since each parcel costs both threads
 * more than what is in it, and bounded, for a main thread may hang.
 */
import type { GroupEvent } from './group.ts';
import type { LogLine } from './journal.ts';
import { type Parcel, WAITING_BYTES_MAX, WAITING_EVENTS_MAX } from './worker-messages.ts';

export class Outbound {
  readonly #post: (parcel: Parcel, transfer: readonly ArrayBuffer[]) => void;
  #events: GroupEvent[] = [];
  #lines: LogLine[] = [];
  #transfer: ArrayBuffer[] = [];
  /** Sizes of events sent and not yet taken, oldest first. */
  #waiting: number[] = [];
  #waitingBytes = 0;
  #taken = 0;
  #scheduled = false;

  constructor(post: (parcel: Parcel, transfer: readonly ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** Queues one; a text when the main thread takes too long and too much waits. */
  add(event: GroupEvent): string | undefined {
    const size = event.kind === 'message' ? event.bytes.length : 0;
    this.#events.push(event.kind === 'message' ? this.#movable(event) : event);
    this.#waiting.push(size);
    this.#waitingBytes += size;
    this.#schedule();
    if (this.#waiting.length <= WAITING_EVENTS_MAX && this.#waitingBytes <= WAITING_BYTES_MAX)
      return undefined;
    return `the agent does not take its events: ${this.#waiting.length} wait, ${this.#waitingBytes} bytes`;
  }

  /** Travels with the next events, and is written after they were acted on: who waits for a VIP does not wait for a log. */
  note(line: LogLine): void {
    this.#lines.push(line);
    this.#schedule();
  }

  /** The main thread has taken so many events in all, counted in 32 bits that wrap around. */
  taken(count: number): void {
    const fresh = this.#waiting.splice(0, Math.max(0, (count - this.#taken) | 0));
    this.#taken = (this.#taken + fresh.length) | 0;
    for (const size of fresh) this.#waitingBytes -= size;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#events.length === 0 && this.#lines.length === 0) return;
    const parcel = { events: this.#events, lines: this.#lines };
    const transfer = this.#transfer;
    this.#events = [];
    this.#lines = [];
    this.#transfer = [];
    this.#post(parcel, transfer);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.flush());
  }

  /** A copy of its own: received bytes are a part of a larger buffer, which would be sent along whole. */
  #movable(event: GroupEvent & { kind: 'message' }): GroupEvent {
    const bytes = new Uint8Array(event.bytes);
    this.#transfer.push(bytes.buffer);
    return { ...event, bytes };
  }
}
