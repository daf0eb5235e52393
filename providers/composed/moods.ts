/** Fitness and trouble of two providers as those of one: fit is what both are fit for, trouble what either has. */
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { ProviderEvent } from '../../src/provider/provider.ts';

type Mood = Extract<ProviderEvent, { kind: 'fitness' | 'trouble' }>;
type Trouble = Extract<ProviderEvent, { kind: 'trouble' }>;

interface Half {
  readonly unfit: Map<VipId, string>;
  trouble: Trouble | undefined;
}

export class Moods {
  readonly #emit: (event: ProviderEvent) => void;
  readonly #outer: Half = { unfit: new Map(), trouble: undefined };
  readonly #guest: Half = { unfit: new Map(), trouble: undefined };

  constructor(emit: (event: ProviderEvent) => void) {
    this.#emit = emit;
  }

  outer(event: Mood): void {
    this.#note(this.#outer, event);
  }

  guest(event: Mood): void {
    this.#note(
      this.#guest,
      event.reason === undefined ? event : { ...event, reason: `in the guest: ${event.reason}` },
    );
  }

  /** Why the guest cannot have it up; undefined: it can. */
  unfitInGuest(vip: VipId): string | undefined {
    return this.#guest.unfit.get(vip);
  }

  /** What is not configured any more says nothing any more. */
  configure(vips: readonly Vip[]): void {
    const known = new Set(vips.map(({ id }) => id));
    for (const { unfit } of [this.#outer, this.#guest])
      for (const vip of unfit.keys()) if (!known.has(vip)) unfit.delete(vip);
  }

  clear(): void {
    for (const half of [this.#outer, this.#guest]) {
      half.unfit.clear();
      half.trouble = undefined;
    }
  }

  #note(half: Half, event: Mood): void {
    if (event.kind === 'trouble') return this.#troubled(half, event);
    const { vip, fit, reason } = event;
    if (fit) half.unfit.delete(vip);
    else half.unfit.set(vip, reason);
    const left = this.#outer.unfit.get(vip) ?? this.#guest.unfit.get(vip);
    this.#emit(
      left === undefined
        ? { kind: 'fitness', vip, fit: true, reason }
        : { kind: 'fitness', vip, fit: false, reason: left },
    );
  }

  #troubled(half: Half, event: Trouble): void {
    half.trouble = event.reason === undefined ? undefined : event;
    const all = [this.#outer.trouble, this.#guest.trouble].filter((one) => one !== undefined);
    const reason = all.length === 0 ? undefined : all.map((one) => one.reason).join('; ');
    // One that a restart would mend is enough.
    const confined = all.length > 0 && all.every((one) => one.confined === true);
    this.#emit({ kind: 'trouble', reason, ...(confined && { confined }) });
  }
}
