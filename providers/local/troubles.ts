/** What is wrong with the provider as a whole, from several sources: one is told at a time, the worst. Pure. */
import type { ProviderEvent } from '../../src/provider/provider.ts';

export class Troubles {
  readonly #emit: (event: ProviderEvent) => void;
  #guardian: string | undefined;
  #link: string | undefined;

  constructor(emit: (event: ProviderEvent) => void) {
    this.#emit = emit;
  }

  /** Makes what is held unsafe; `undefined`: it is over. */
  guardian(reason: string | undefined): void {
    this.#guardian = reason;
    this.#tell();
  }

  /** For an operator to look at: a restart would mend nothing. */
  link(reason: string | undefined): void {
    this.#link = reason;
    if (this.#guardian === undefined) this.#tell();
  }

  #tell(): void {
    if (this.#guardian === undefined && this.#link !== undefined)
      this.#emit({ kind: 'trouble', reason: this.#link, confined: true });
    else this.#emit({ kind: 'trouble', reason: this.#guardian });
  }
}
