/**
 * Messages of the installed view: sender → representative → all. Frozen from a promise to the install (or until the
 * attempt is given up): then nothing is sent, sequenced or delivered, only received.
 */
import type { MemberId } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { ViewId } from '../model/view.ts';
import type { Core } from './core.ts';
import type { Message } from './message-log.ts';
import { MessageLog } from './message-log.ts';
import type { Frame } from './messages.ts';
import { OUTBOX_BYTES_MAX, OUTBOX_MESSAGES_MAX, Outbox } from './outbox.ts';

/** Retained messages and bytes at which the representative stops putting more into the sequence. */
export const RETAINED_MAX = 4_096;
export const RETAINED_BYTES_MAX = 16 * 1024 * 1024;
/** Received since the last acknowledgement: a quarter of what the representative retains at most. */
const ACK_MESSAGES = RETAINED_MAX / 4;
const ACK_BYTES = RETAINED_BYTES_MAX / 4;

type Data = Extract<Frame, { kind: 'data' }>;
type Ordered = Extract<Frame, { kind: 'ordered' }>;

export class Sequence {
  log = new MessageLog();
  frozen = false;
  readonly outbox = new Outbox();
  private readonly core: Core;
  /** Waiting at the representative while frozen or while too much is unacknowledged. */
  private held: { readonly sender: MemberId; readonly message: Message }[] = [];
  private heldBytes = 0;
  /** Highest number of each sender that is in the sequence of this view or held for it. */
  private taken = new Map<MemberId, number>();
  private fullSince: Instant | undefined;
  private unackedMessages = 0;
  private unackedBytes = 0;

  constructor(core: Core) {
    this.core = core;
  }

  multicast(bytes: Uint8Array): void {
    if (!this.outbox.push(bytes)) {
      this.core.detach(
        `more than ${OUTBOX_MESSAGES_MAX} messages or ${OUTBOX_BYTES_MAX} bytes of ours wait for their place in the order`,
      );
      return;
    }
    this.flush();
  }

  onData(from: MemberId, frame: Data): void {
    if (
      this.core.representative !== this.core.self ||
      frame.view !== this.core.view.id ||
      !this.core.inView(from)
    ) {
      return this.core.note('debug', 'data ignored', 'it is of another view, or not for us to order', from);
    }
    this.take(from, { sender: from, number: frame.number, bytes: frame.bytes });
  }

  onOrdered(from: MemberId, frame: Ordered): void {
    if (from !== this.core.representative || frame.view !== this.core.view.id) {
      return this.core.note('debug', 'message ignored', 'it is of another view', from);
    }
    if (frame.seq <= this.log.received) return;
    if (frame.seq !== this.log.received + 1) {
      return this.core.passOver(
        from,
        `message ${frame.seq} came after ${this.log.received}: its stream lost something`,
      );
    }
    this.log.append({ sender: frame.sender, number: frame.number, bytes: frame.bytes });
    this.log.stabilise(frame.stable);
    this.acknowledge(frame.bytes.length);
    this.deliverAll();
  }

  /** Somebody told how much it has. */
  onReceived(from: MemberId, view: ViewId, received: number): void {
    const told = this.core.peers.get(from)?.told;
    if (view !== this.core.view.id || told?.view !== view) return;
    told.received = Math.max(told.received, received);
    this.settleStability();
  }

  /** The representative told what everybody has. */
  onStable(from: MemberId, view: ViewId, stable: number): void {
    if (from === this.core.representative && view === this.core.view.id) this.log.stabilise(stable);
  }

  freeze(): void {
    this.frozen = true;
  }

  /** The attempt came to nothing and the view stands: go on where we stopped. */
  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.deliverAll();
    this.drain();
    this.flush();
  }

  /** Delivers up to `limit`, whatever is frozen: the end of a view. */
  deliverUpTo(limit: number): void {
    for (let message = this.log.deliverNext(limit); message; message = this.log.deliverNext(limit)) {
      this.core.deliver({ kind: 'message', sender: message.sender, bytes: message.bytes });
      if (message.sender === this.core.self) this.outbox.settle(message.number);
    }
  }

  /** A new view is installed; what of ours has not come back goes into it. */
  restart(): void {
    this.log = new MessageLog();
    this.frozen = false;
    this.held = [];
    this.heldBytes = 0;
    this.taken = new Map();
    this.fullSince = undefined;
    this.unackedMessages = 0;
    this.unackedBytes = 0;
    this.outbox.rewind();
  }

  /** Hands over what waits. */
  flush(): void {
    if (this.frozen || this.core.state === 'stopped') return;
    const { core } = this;
    if (core.representative === core.self) return this.flushOwn();
    for (let own = this.outbox.next(); own; own = this.outbox.next()) {
      core.send(core.representative, { kind: 'data', view: core.view.id, ...own });
    }
  }

  /** The representative gives up on whoever keeps it from forgetting messages for too long. */
  run(): void {
    if (
      this.fullSince === undefined ||
      this.core.now < this.fullSince + this.core.timers.heartbeat_timeout_ms
    )
      return;
    this.fullSince = this.core.now;
    const slowest = this.receivedByAll().slowest;
    if (slowest)
      this.core.passOver(slowest, `it does not keep up: ${this.log.retained} messages wait for it`);
  }

  nextTimeout(): Instant | undefined {
    return this.fullSince === undefined ? undefined : this.fullSince + this.core.timers.heartbeat_timeout_ms;
  }

  /** The representative's own messages wait in the outbox, not in `held`: the outbox has the bound that counts. */
  private flushOwn(): void {
    while (this.held.length === 0 && !this.full()) {
      const own = this.outbox.next();
      if (!own) return;
      this.take(this.core.self, { sender: this.core.self, ...own });
    }
  }

  private take(sender: MemberId, message: Message): void {
    if (message.number <= (this.taken.get(sender) ?? 0)) return;
    if (!this.frozen && this.held.length === 0 && !this.full()) {
      this.taken.set(sender, message.number);
      return this.order(message);
    }
    if (this.held.length >= 4 * RETAINED_MAX || this.heldBytes > 4 * RETAINED_BYTES_MAX) {
      // Nothing more of it in this view, or its order would have a hole; it starts again in its next view.
      this.taken.set(sender, Number.POSITIVE_INFINITY);
      return this.core.passOver(sender, 'it sends more than the group can take');
    }
    this.taken.set(sender, message.number);
    this.held.push({ sender, message });
    this.heldBytes += message.bytes.length;
  }

  private order(message: Message): void {
    const { core, log } = this;
    log.append(message);
    core.sendAll(core.view.members, {
      kind: 'ordered',
      view: core.view.id,
      seq: log.received,
      stable: log.stable,
      ...message,
    });
    this.deliverAll();
    if (core.view.members.length === 1) this.settleStability();
  }

  private full(): boolean {
    const full = this.log.retained >= RETAINED_MAX || this.log.retainedBytes >= RETAINED_BYTES_MAX;
    if (!full) this.fullSince = undefined;
    else this.fullSince ??= this.core.now;
    return full;
  }

  private drain(): void {
    while (this.held.length > 0 && !this.frozen && !this.full()) {
      const { message } = this.held.shift()!;
      this.heldBytes -= message.bytes.length;
      this.order(message);
    }
  }

  private deliverAll(): void {
    if (!this.frozen) this.deliverUpTo(this.log.received);
  }

  private settleStability(): void {
    if (this.core.representative !== this.core.self) return;
    const before = this.log.stable;
    this.log.stabilise(this.receivedByAll().count);
    if (this.log.stable === before || this.fullSince === undefined) return;
    this.drain();
    this.flush();
  }

  private receivedByAll(): { readonly count: number; readonly slowest: MemberId | undefined } {
    let count = this.log.received;
    let slowest: MemberId | undefined;
    for (const member of this.core.view.members) {
      if (member === this.core.self) continue;
      const told = this.core.peers.get(member)?.told;
      const received = told?.view === this.core.view.id ? told.received : 0;
      if (received >= count) continue;
      count = received;
      slowest = member;
    }
    return { count, slowest };
  }

  private acknowledge(bytes: number): void {
    this.unackedMessages++;
    this.unackedBytes += bytes;
    if (this.unackedMessages < ACK_MESSAGES && this.unackedBytes < ACK_BYTES) return;
    this.unackedMessages = 0;
    this.unackedBytes = 0;
    const { core } = this;
    core.send(core.representative, { kind: 'ack', view: core.view.id, received: this.log.received });
  }
}
