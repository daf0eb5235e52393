/**
 * Who has the witness's vote: a lease on one record outside the group, as a function of (state, event, now). It owns no clock, timer
 * or socket. `now` counts on through a suspended machine (CLOCK_BOOTTIME); nothing here is compared with anybody else's clock.
 *
 * - Who has it believes so for nine tenths of the lease from *before* its write was sent, and drops it at once when it cannot know.
 * - Who wants it takes it at once where nobody has it, and otherwise after it has seen one version for eleven tenths of a lease. Each
 *   write names the version it replaces, so that of two only one can.
 * - An answer that is lost tells nothing: the record is read, and our own write is known by its nonce, from when it was sent.
 */
import type { Instant, Millis } from '../model/time.ts';
import type { Reading, WitnessRecord, Writing } from './store.ts';

export interface LeaseSettings {
  readonly self: string;
  readonly lease: Millis;
  /** Between two renewals; less than a third of the lease. */
  readonly renew: Millis;
  /** Between two looks while it is not needed: whether it could be had. */
  readonly look: Millis;
}

export type LeaseEvent =
  /** Whether the vote would decide, and the fence we would act under. */
  | { readonly kind: 'want'; readonly wanted: boolean; readonly fence: number }
  | { readonly kind: 'read'; readonly number: number; readonly reading: Reading }
  | { readonly kind: 'wrote'; readonly number: number; readonly writing: Writing }
  /** The call failed, or was given up; what it asked may have been done. */
  | { readonly kind: 'failed'; readonly number: number; readonly reason: string }
  | { readonly kind: 'timeout' };

export type LeaseAction =
  | { readonly kind: 'read'; readonly number: number }
  | {
      readonly kind: 'write';
      readonly number: number;
      /** Its nonce is filled in by {@link Lease}. */
      readonly record: WitnessRecord;
      readonly version: string | undefined;
    }
  /** `fence`: higher than that of anybody who had the vote before; only with `has`. `owner`: who has it instead of us, as far as is known. */
  | {
      readonly kind: 'vote';
      readonly has: boolean;
      readonly fence: number;
      readonly reason: string;
      readonly owner?: string;
    }
  /** Whether the store can be reached; undefined: it can. */
  | { readonly kind: 'trouble'; readonly reason: string | undefined };

/** First and last wait after a failed call; doubles in between. */
const RETRY_MIN: Millis = 200;
const RETRY_MAX: Millis = 2_000;

interface Seen {
  readonly version: string | undefined;
  readonly record: WitnessRecord | undefined;
  /** Since when it is unchanged, as far as we know. */
  readonly since: Instant;
}

interface Call {
  readonly number: number;
  readonly sentAt: Instant;
  /** A write that, once in, makes us the owner; absent: a read, or a write that gives it up. */
  readonly taking?: WitnessRecord;
  readonly freeing?: boolean;
}

export class Lease {
  readonly #settings: LeaseSettings;
  readonly #nonce: () => string;
  #actions: LeaseAction[] = [];
  #wanted = false;
  #fence = 0;
  #seen: Seen | undefined;
  #call: Call | undefined;
  /** Writes of ours that may be in, or come in, though their answers are lost: by nonce, when they were sent. */
  readonly #unsure = new Map<string, { readonly record: WitnessRecord; readonly sentAt: Instant }>();
  /** Until when we have the vote. */
  #until: Instant | undefined;
  #nextAt: Instant = 0;
  #failures = 0;
  #trouble: string | undefined;
  #number = 0;

  /** @param nonce a fresh text each time */
  constructor(settings: LeaseSettings, nonce: () => string) {
    this.#settings = settings;
    this.#nonce = nonce;
  }

  /** Judged at `now`, before anything else is believed. */
  hasVote(now: Instant): boolean {
    return this.#until !== undefined && now < this.#until;
  }

  nextTimeout(): Instant | undefined {
    const next = this.#call === undefined ? this.#nextAt : undefined;
    if (this.#until === undefined) return next;
    return next === undefined ? this.#until : Math.min(next, this.#until);
  }

  handle(event: LeaseEvent, now: Instant): readonly LeaseAction[] {
    this.#actions = [];
    this.#expire(now);
    switch (event.kind) {
      case 'want':
        this.#want(event, now);
        break;
      case 'read':
        if (this.#answered(event.number)) this.#read(event.reading, now);
        break;
      case 'wrote':
        this.#wrote(event.number, event.writing, now);
        break;
      case 'failed':
        this.#failed(event.number, event.reason, now);
        break;
      case 'timeout':
    }
    this.#act(now);
    return this.#actions;
  }

  #expire(now: Instant): void {
    if (this.#until === undefined || now < this.#until) return;
    this.#drop('the lease could not be renewed in time');
  }

  #want({ wanted, fence }: Extract<LeaseEvent, { kind: 'want' }>, now: Instant): void {
    this.#fence = Math.max(this.#fence, fence);
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (!wanted && this.#until !== undefined) this.#drop('it is not needed any more');
    this.#failures = 0;
    this.#nextAt = now;
  }

  #answered(number: number): Call | undefined {
    const call = this.#call;
    if (call?.number !== number) return undefined;
    this.#call = undefined;
    this.#failures = 0;
    this.#tell(undefined);
    return call;
  }

  #read(reading: Reading, now: Instant): void {
    const version = reading.kind === 'record' ? reading.version : undefined;
    const record = reading.kind === 'record' ? reading.record : undefined;
    if (this.#seen === undefined || this.#seen.version !== version)
      this.#seen = { version, record, since: now };
    const own = record && this.#unsure.get(record.nonce);
    if (own && this.#wanted) this.#gain(own.record, own.sentAt, now);
    else if (this.#until !== undefined && record?.owner !== this.#settings.self)
      this.#drop(`${record?.owner || 'nobody'} has it`, record?.owner);
    else if (this.#wanted) this.#refuse(record);
    if (this.#wanted) this.#nextAt = this.#nextLook(now);
    else this.#nextAt = record?.owner === this.#settings.self ? now : now + this.#settings.look;
  }

  #wrote(number: number, writing: Writing, now: Instant): void {
    const call = this.#answered(number);
    if (call === undefined) return;
    if (writing.kind === 'conflict') {
      // Somebody wrote since we looked, and it may have been an earlier write of ours that came late: a look tells.
      this.#nextAt = now;
      this.#seen = undefined;
      return;
    }
    this.#unsure.clear();
    const record = call.taking;
    this.#seen = { version: writing.version, record, since: now };
    if (record !== undefined && this.#wanted) this.#gain(record, call.sentAt, now);
    // Given back and wanted again meanwhile: it is free.
    if (record === undefined) this.#nextAt = this.#wanted ? now : now + this.#settings.look;
    else this.#nextAt = this.#wanted ? call.sentAt + this.#settings.renew : now;
  }

  #failed(number: number, reason: string, now: Instant): void {
    const call = this.#call;
    if (call?.number !== number) return;
    this.#call = undefined;
    if (call.taking !== undefined) this.#doubt(call.taking, call.sentAt);
    // What is written may be another version by now.
    if (call.taking !== undefined || call.freeing) this.#seen = undefined;
    this.#tell(reason);
    const wait = Math.min(RETRY_MAX, RETRY_MIN * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#nextAt = now + (this.#wanted ? wait : Math.max(wait, this.#settings.look));
  }

  #doubt(record: WitnessRecord, sentAt: Instant): void {
    this.#unsure.set(record.nonce, { record, sentAt });
    for (const [nonce, write] of this.#unsure)
      if (write.sentAt + this.#settings.lease < sentAt) this.#unsure.delete(nonce);
  }

  /** What to do next, if it is time and nothing is under way. */
  #act(now: Instant): void {
    if (this.#call !== undefined || now < this.#nextAt) return;
    const seen = this.#seen;
    if (seen === undefined || !this.#wanted) return this.#lookOrFree(seen, now);
    if (this.#until !== undefined || this.#isFree(seen, now)) return this.#take(seen, now);
    this.#readNow(now);
  }

  /** Not wanted: what is ours is given back, and now and then it is looked whether it could be had. */
  #lookOrFree(seen: Seen | undefined, now: Instant): void {
    const { self } = this.#settings;
    if (seen?.record?.owner !== self || this.#wanted) return this.#readNow(now);
    const record = { owner: '', fence: Math.max(seen.record.fence, this.#fence), nonce: this.#nonce() };
    this.#send({ freeing: true }, now);
    this.#actions.push({ kind: 'write', number: this.#number, record, version: seen.version });
  }

  #take(seen: Seen, now: Instant): void {
    const fence = Math.max(this.#fence, seen.record === undefined ? 0 : this.#fenceAfter(seen.record));
    const taking = { owner: this.#settings.self, fence, nonce: this.#nonce() };
    this.#send({ taking }, now);
    this.#actions.push({ kind: 'write', number: this.#number, record: taking, version: seen.version });
  }

  /** Higher than that of another owner; our own goes on. */
  #fenceAfter({ owner, fence }: WitnessRecord): number {
    return owner === this.#settings.self ? fence : fence + 1;
  }

  #isFree({ record, since }: Seen, now: Instant): boolean {
    if (record === undefined || record.owner === '' || record.owner === this.#settings.self) return true;
    return now - since >= 1.1 * this.#settings.lease;
  }

  #nextLook(now: Instant): Instant {
    const seen = this.#seen;
    if (this.#until !== undefined)
      return Math.max(now, this.#until - 0.9 * this.#settings.lease + this.#settings.renew);
    if (seen === undefined || this.#isFree(seen, now)) return now;
    return Math.min(now + this.#settings.renew, seen.since + 1.1 * this.#settings.lease);
  }

  #readNow(now: Instant): void {
    this.#send({}, now);
    this.#actions.push({ kind: 'read', number: this.#number });
  }

  #send(what: Pick<Call, 'taking' | 'freeing'>, now: Instant): void {
    this.#number += 1;
    this.#call = { number: this.#number, sentAt: now, ...what };
  }

  #gain({ fence }: WitnessRecord, sentAt: Instant, now: Instant): void {
    const until = sentAt + 0.9 * this.#settings.lease;
    if (until <= now) return;
    const news = this.#until === undefined;
    this.#until = until;
    this.#fence = Math.max(this.#fence, fence);
    if (news) this.#actions.push({ kind: 'vote', has: true, fence, reason: 'the witness is ours' });
  }

  #drop(reason: string, owner?: string): void {
    this.#until = undefined;
    this.#deny(`the witness is lost: ${reason}`, owner);
  }

  /** Somebody else has it: an answer too, and told each time, since what hangs on it may have begun after the last one. */
  #refuse(record: WitnessRecord | undefined): void {
    const { owner = '' } = record ?? {};
    if (owner !== '' && owner !== this.#settings.self) this.#deny(`the witness is with ${owner}`, owner);
  }

  #deny(reason: string, owner?: string): void {
    this.#actions.push({ kind: 'vote', has: false, fence: this.#fence, reason, ...(owner && { owner }) });
  }

  #tell(trouble: string | undefined): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#actions.push({ kind: 'trouble', reason: trouble });
  }
}
