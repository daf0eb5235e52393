/**
 * The messages of one view in their one order, kept from receipt until every member of the view has them, because until
 * then somebody may need them filled in. Sequence numbers start at 1 and have no gaps.
 */
import type { MemberId } from '../model/member.ts';

export interface Message {
  readonly sender: MemberId;
  /** Counts the sender's messages over its whole run. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class MessageLog {
  /** Highest number received without a gap. */
  received = 0;
  /** Highest number delivered to the application; never above `received`. */
  delivered = 0;
  /** Up to here every member of the view has everything, as far as we know. */
  stable = 0;
  /** Payload bytes retained. */
  retainedBytes = 0;
  private first = 1;
  private messages: Message[] = [];

  get retained(): number {
    return this.messages.length;
  }

  append(message: Message): void {
    this.messages.push(message);
    this.retainedBytes += message.bytes.length;
    this.received++;
  }

  /** The message with this number; absent if it was dropped as stable, or never came. */
  at(seq: number): Message | undefined {
    return this.messages[seq - this.first];
  }

  /** Takes the next undelivered message up to `limit`; absent if there is none. */
  deliverNext(limit: number): Message | undefined {
    if (this.delivered >= Math.min(limit, this.received)) return undefined;
    const message = this.at(++this.delivered);
    this.trim();
    return message;
  }

  /** Everybody has the messages up to here; what is delivered too is dropped. */
  stabilise(stable: number): void {
    if (stable <= this.stable || stable > this.received) return;
    this.stable = stable;
    this.trim();
  }

  private trim(): void {
    const drop = Math.min(this.stable, this.delivered) - this.first + 1;
    // In batches, so that dropping costs constant time a message; a few small messages more do not matter.
    if (drop <= 0 || (drop < 32 && drop < this.messages.length)) return;
    for (const message of this.messages.splice(0, drop)) this.retainedBytes -= message.bytes.length;
    this.first += drop;
  }
}
