/**
 * Our own multicasts until they come back in the agreed order. What was handed to a representative that went away is
 * handed to the next one; the representative drops what it has already put into the sequence of the view.
 */
export const OUTBOX_MESSAGES_MAX = 4_096;
export const OUTBOX_BYTES_MAX = 16 * 1024 * 1024;

export interface Outgoing {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class Outbox {
  private waiting: Outgoing[] = [];
  private bytes = 0;
  private handedOver = 0;
  private lastNumber = 0;

  get empty(): boolean {
    return this.waiting.length === 0;
  }

  /** Returns false if a bound would be passed; then nothing was added. */
  push(bytes: Uint8Array): boolean {
    if (this.waiting.length >= OUTBOX_MESSAGES_MAX || this.bytes + bytes.length > OUTBOX_BYTES_MAX)
      return false;
    this.waiting.push({ number: ++this.lastNumber, bytes });
    this.bytes += bytes.length;
    return true;
  }

  /** The next one nobody was given yet in this view, marked as given. */
  next(): Outgoing | undefined {
    const message = this.waiting[this.handedOver];
    if (message) this.handedOver++;
    return message;
  }

  /** A new view: everything that has not come back is to be given again. */
  rewind(): void {
    this.handedOver = 0;
  }

  /** It came back in order. */
  settle(number: number): void {
    while (this.waiting.length > 0 && this.waiting[0]!.number <= number) {
      this.bytes -= this.waiting.shift()!.bytes.length;
      this.handedOver = Math.max(0, this.handedOver - 1);
    }
  }
}
