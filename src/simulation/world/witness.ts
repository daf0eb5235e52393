/**
 * The record of a witness, which every host reaches whatever becomes of the group's network, and which may fail, hang, lose an answer
 * after it was done, or do it late. It never looks at who should have the vote.
 */
import type { Instant, Millis } from '../../model/time.ts';
import type { Reading, WitnessRecord, Writing } from '../../witness/store.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

export type WitnessTroubleKind = 'error' | 'lost-answer' | 'hang' | 'late';

export interface WitnessTrouble {
  readonly kind: WitnessTroubleKind;
  readonly until: Instant;
  /** Whom it does not serve well. */
  readonly hosts: readonly Host[];
  /** Of the calls. */
  readonly share: number;
}

/** One way to it and back. */
const WAY: readonly [Millis, Millis] = [4, 60];
/** What is done late is done within so long. */
const LATE_MAX: Millis = 4_000;

export type WitnessCall =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly record: WitnessRecord; readonly version: string | undefined };

export type WitnessAnswer = Reading | Writing | { readonly kind: 'failed'; readonly reason: string };

export class Witness {
  /** When it was last written, and since when its owner has been the same. */
  writtenAt: Instant = 0;
  ownerSince: Instant = 0;
  /** Until when an earlier trouble may still show. */
  troubledUntil: Instant = 0;
  readonly #world: World;
  #record: WitnessRecord | undefined;
  #version = 0;
  #trouble: WitnessTrouble | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Who has the vote, or had it last; empty: nobody. */
  get owner(): string {
    return this.#record?.owner ?? '';
  }

  /** A call of the host; `answer` is called at most once, and not at all where it hangs. */
  call(from: Host, call: WitnessCall, answer: (answer: WitnessAnswer) => void): void {
    const { agenda, random } = this.#world;
    const trouble = this.#troubleOf(from);
    const there = random.between(...WAY);
    if (trouble?.kind === 'error')
      return agenda.after(there, () => answer({ kind: 'failed', reason: 'the store says 503' }));
    if (trouble?.kind === 'hang') return;
    const late = trouble?.kind === 'late' ? random.between(0, LATE_MAX) : 0;
    agenda.after(there + late, () => {
      const done = this.#do(call);
      if (trouble?.kind === 'lost-answer') return;
      agenda.after(random.between(...WAY), () => answer(done));
    });
  }

  strike(trouble: WitnessTrouble): void {
    this.#trouble = trouble;
  }

  calm(): void {
    this.#trouble = undefined;
  }

  #do(call: WitnessCall): WitnessAnswer {
    const version = this.#record === undefined ? undefined : String(this.#version);
    if (call.kind === 'read') {
      if (this.#record === undefined || version === undefined) return { kind: 'absent' };
      return { kind: 'record', version, record: this.#record };
    }
    if (call.version !== version) return { kind: 'conflict' };
    if (call.record.owner !== this.owner) this.ownerSince = this.#world.now;
    this.writtenAt = this.#world.now;
    this.#record = call.record;
    this.#version += 1;
    if (this.#world.timeline)
      this.#world.note(
        undefined,
        `the witness is with ${call.record.owner || 'nobody'}, fence ${call.record.fence}`,
      );
    return { kind: 'written', version: String(this.#version) };
  }

  #troubleOf(host: Host): WitnessTrouble | undefined {
    const trouble = this.#trouble;
    if (trouble === undefined || this.#world.now >= trouble.until || !trouble.hosts.includes(host))
      return undefined;
    return this.#world.random.chance(trouble.share) ? trouble : undefined;
  }
}
