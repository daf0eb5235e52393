/**
 * Who is let in at the listening port: bounds by source and in total, and when strangers come in throngs, the kernel turns most of
 * them away before they cost us anything, but nobody who comes from an address where a member may be.
 */
import type { Instant } from '../model/time.ts';
import type { StreamListener } from '../platform/stream-socket.ts';
import { Admission, type AdmissionVerdict } from './admission.ts';
import { FLOOD, FloodGate } from './flood-gate.ts';

/** Refusals in one window of {@link FLOOD} that we do ourselves; a refusal costs some ten times what a datagram does. */
const REFUSALS_MAX = 100;

export interface DoorCollaborators {
  readonly clock: () => Instant;
  readonly expects: (address: string) => boolean;
  /** IP literals where a member may be. */
  readonly expected: () => readonly string[];
  /** More come than we refuse ourselves. Told again when it has been over in between. */
  readonly thronged: () => void;
}

export class Door {
  readonly #with: DoorCollaborators;
  readonly #admission = new Admission();
  readonly #gate = new FloodGate(REFUSALS_MAX);
  #listener: StreamListener | undefined;
  #letThrough = 1;
  #timer: NodeJS.Timeout | undefined;

  constructor(collaborators: DoorCollaborators) {
    this.#with = collaborators;
  }

  open(listener: StreamListener): void {
    this.#listener = listener;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listener?.close();
  }

  /** After `admitted`, `release` must be called once. */
  admit(address: string): AdmissionVerdict {
    const now = this.#with.clock();
    const verdict = this.#admission.admit(address, now, this.#with.expects(address));
    if (verdict !== 'admitted') {
      this.#gate.admit(now);
      this.#adjust();
    }
    return verdict;
  }

  release(address: string): void {
    this.#admission.release(address);
  }

  #adjust(): void {
    const { share } = this.#gate;
    if (share === this.#letThrough) return;
    if (this.#letThrough === 1) this.#with.thronged();
    this.#letThrough = share;
    this.#listener?.letThrough(share, this.#with.expected());
    clearInterval(this.#timer);
    this.#timer = share < 1 ? setInterval(() => this.#pass(), FLOOD.window_ms) : undefined;
  }

  #pass(): void {
    this.#gate.pass(this.#with.clock());
    this.#adjust();
  }
}
