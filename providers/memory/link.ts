/** A make-believe network segment: who answers for which address. Shared by the memory providers that stand on it. */

export class MemoryLink {
  readonly #answering = new Map<string, Set<string>>();

  /** From now on `who` answers for the address. */
  join(address: string, who: string): void {
    const all = this.#answering.get(address) ?? new Set<string>();
    all.add(who);
    this.#answering.set(address, all);
  }

  leave(address: string, who: string): void {
    this.#answering.get(address)?.delete(who);
  }

  /** Everyone who answers for the address, sorted; more than one is what never should be. */
  answering(address: string): string[] {
    return [...(this.#answering.get(address) ?? [])].sort();
  }
}
