/** A host's clocks over true (virtual) time: they run a little wrong, and may stand still while the host is suspended. */
import type { Instant, Millis } from '../../model/time.ts';
import type { Agenda } from './agenda.ts';

/** Which clocks stand still during a suspension: both (a paused VM), or only the monotonic one (suspend to RAM), or none. */
export type Standstill = 'both' | 'monotonic' | 'none';

export class Clocks {
  readonly #agenda: Agenda;
  readonly #rate: number;
  #monotonicStood: Millis = 0;
  #bootStood: Millis = 0;

  /** @param rate seconds this host counts in a true one, near 1 */
  constructor(agenda: Agenda, rate: number) {
    this.#agenda = agenda;
    this.#rate = rate;
  }

  monotonic(): Instant {
    return (this.#agenda.now - this.#monotonicStood) * this.#rate;
  }

  /** Goes on while the host is suspended, unless it is a VM that nobody told. */
  boot(): Instant {
    return (this.#agenda.now - this.#bootStood) * this.#rate;
  }

  /** The true instant of a monotonic one. */
  trueAt(monotonic: Instant): Instant {
    return monotonic / this.#rate + this.#monotonicStood;
  }

  stoodStill(length: Millis, which: Standstill): void {
    if (which !== 'none') this.#monotonicStood += length;
    if (which === 'both') this.#bootStood += length;
  }
}
