/**
 * Members that want one witness's vote, and the store where its record lies, in virtual time: calls take their time, answers are lost,
 * writes come in late, looks are refused, members stand still and their clocks run unlike. Deterministic from a seed.
 */
import { Lease, type LeaseAction, type LeaseEvent } from '../../../src/witness/lease.ts';
import type { WitnessRecord } from '../../../src/witness/store.ts';
import { random } from '../agent/world.ts';

export const LEASE = 10_000;
export const RENEW = 2_000;
const CALL_BOUND = 1_500;

export interface Weather {
  /** Of calls: never reach the store. */
  readonly hang: number;
  /** Of calls: are done, and the answer is lost. */
  readonly lost: number;
  readonly refused: number;
  /** Longest way of a call there, and of its answer back. */
  readonly delay: number;
}

export const FAIR: Weather = { hang: 0, lost: 0, refused: 0, delay: 30 };

export class Member {
  readonly name: string;
  readonly lease: Lease;
  /** How fast its clock runs. */
  readonly rate: number;
  weather: Weather = FAIR;
  frozen = false;
  alive = true;
  /** What it was last told. */
  has = false;
  fence = 0;
  #missed: LeaseEvent[] = [];
  readonly #world: WitnessWorld;

  constructor(world: WitnessWorld, name: string, rate: number) {
    this.#world = world;
    this.name = name;
    this.rate = rate;
    this.lease = new Lease({ self: name, lease: LEASE, renew: RENEW, look: 60_000 }, () => world.nonce());
  }

  get now(): number {
    return this.#world.now * this.rate;
  }

  give(event: LeaseEvent): void {
    if (!this.alive) return;
    if (this.frozen) return void this.#missed.push(event);
    for (const action of this.lease.handle(event, this.now)) this.#perform(action);
    const at = this.lease.nextTimeout();
    if (at === undefined) return;
    this.#world.after(Math.max(1, at / this.rate - this.#world.now), () => {
      const due = this.lease.nextTimeout();
      if (!this.frozen && due !== undefined && due <= this.now + 0.5) this.give({ kind: 'timeout' });
    });
  }

  thaw(): void {
    this.frozen = false;
    this.give({ kind: 'timeout' });
    for (const event of this.#missed.splice(0)) this.give(event);
  }

  #perform(action: LeaseAction): void {
    if (action.kind === 'vote') {
      this.has = action.has;
      if (action.has) this.#world.gained(this, action.fence);
      return;
    }
    if (action.kind === 'trouble') return;
    this.#world.call(this, action);
  }
}

export class WitnessWorld {
  now = 0;
  record: { readonly version: string; readonly record: WitnessRecord } | undefined;
  readonly members: Member[] = [];
  readonly random: () => number;
  readonly gains: { at: number; by: string; fence: number }[] = [];
  writes = 0;
  check: () => void = () => {};
  #order = 0;
  #nonces = 0;
  #tasks: { at: number; order: number; run: () => void }[] = [];

  constructor(seed: number, count = 2) {
    this.random = random(seed);
    for (let at = 0; at < count; at++)
      this.members.push(new Member(this, 'ab'[at] ?? `m${at}`, 1 + (this.random() - 0.5) * 0.01));
  }

  nonce(): string {
    return `n${++this.#nonces}`;
  }

  after(delay: number, run: () => void): void {
    this.#tasks.push({ at: this.now + delay, order: this.#order++, run });
  }

  gained(member: Member, fence: number): void {
    this.gains.push({ at: this.now, by: member.name, fence });
    member.fence = fence;
  }

  /** Whose vote it is now, by each one's own clock; who stands still counts for as long as it would find it had when it wakes. */
  voters(): string[] {
    return this.members.filter((m) => m.alive && m.lease.hasVote(m.now)).map(({ name }) => name);
  }

  call(member: Member, action: Extract<LeaseAction, { kind: 'read' | 'write' }>): void {
    const { number } = action;
    const { hang, lost, refused, delay } = member.weather;
    const way = () => 0.5 + this.random() * delay;
    let over = false;
    const answer = (event: LeaseEvent) => {
      if (over) return;
      over = true;
      member.give(event);
    };
    this.after(CALL_BOUND / member.rate, () => answer({ kind: 'failed', number, reason: 'no answer' }));
    const luck = this.random();
    if (luck < refused)
      return this.after(way(), () => answer({ kind: 'failed', number, reason: 'throttled' }));
    if (luck < refused + hang) return;
    // Some are on their way for longer than anybody waits.
    const late = this.random() < lost / 3 ? this.random() * 20_000 : 0;
    this.after(way() + late, () => {
      const event: LeaseEvent =
        action.kind === 'read'
          ? {
              kind: 'read',
              number,
              reading: this.record ? { kind: 'record', ...this.record } : { kind: 'absent' },
            }
          : { kind: 'wrote', number, writing: this.#write(action.record, action.version) };
      if (luck < refused + hang + lost) return;
      this.after(way(), () => answer(event));
    });
  }

  #write(record: WitnessRecord, version: string | undefined) {
    if (this.record?.version !== version) return { kind: 'conflict' } as const;
    this.writes += 1;
    this.record = { version: `v${this.writes}`, record };
    this.check();
    return { kind: 'written', version: this.record.version } as const;
  }

  runUntil(end: number): void {
    for (;;) {
      this.#tasks.sort((a, b) => a.at - b.at || a.order - b.order);
      const [task] = this.#tasks;
      if (task === undefined || task.at > end) break;
      this.#tasks.shift();
      this.now = Math.max(this.now, task.at);
      task.run();
      this.check();
    }
    this.now = end;
    this.check();
  }

  run(length: number): void {
    this.runUntil(this.now + length);
  }
}
