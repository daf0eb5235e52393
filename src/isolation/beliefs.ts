/**
 * What the agent's side knows of an isolated provider between its answers: which VIPs it holds or may hold, and which it said this host
 * cannot carry. Needed while its thread is gone, and to start it anew.
 */
import type { Vip, VipId } from '../model/vip.ts';
import type { ProviderEvent } from '../provider/provider.ts';

type Tell = (event: ProviderEvent) => void;

export class Beliefs {
  readonly #held = new Map<VipId, Vip>();
  /** Told as unfit and not told as fit since, with why. */
  #unfit = new Map<VipId, string>();
  #before = new Set<VipId>();
  /** Told as unfit because the thread was gone. A start of its successor may be under way when that is told. */
  readonly #unable = new Set<VipId>();

  /** Held for all we know, or perhaps: an acquire was sent off. */
  mayHold(vip: VipId): boolean {
    return this.#held.has(vip);
  }

  get held(): readonly Vip[] {
    return [...this.#held.values()];
  }

  /** An acquire of these is about to be sent off. */
  acquiring(vips: readonly Vip[]): void {
    for (const vip of vips) this.#held.set(vip.id, vip);
  }

  /** What an answer says of these; entries of another shape say nothing. */
  learn(vips: readonly Vip[], answer: unknown): void {
    const asked = new Map(vips.map((vip) => [vip.id, vip]));
    for (const entry of Array.isArray(answer) ? (answer as unknown[]) : []) {
      const { vip: id, held } = (entry ?? {}) as { readonly vip?: unknown; readonly held?: unknown };
      const vip = asked.get(id as VipId);
      if (vip === undefined || typeof held !== 'boolean') continue;
      if (held) this.#held.set(vip.id, vip);
      else this.#held.delete(vip.id);
    }
  }

  /** What an event says; events of another shape say nothing. */
  notice(event: unknown): void {
    const { kind, vip, fit, reason } = (event ?? {}) as Record<string, unknown>;
    if (typeof vip !== 'string') return;
    if (kind === 'lost') this.#held.delete(vip);
    else if (kind === 'fitness' && fit === true) this.#unfit.delete(vip);
    else if (kind === 'fitness' && fit === false) this.#unfit.set(vip, String(reason));
  }

  /** Nothing is held any more, and nothing was said. */
  forget(): void {
    this.#held.clear();
    this.#unfit.clear();
    this.#before.clear();
    this.#unable.clear();
  }

  /** While the thread is gone this host can take none of these; what it holds stays held. */
  unable(vips: readonly Vip[], reason: string, tell: Tell): void {
    for (const { id } of vips) {
      if (this.#held.has(id) || this.#unfit.has(id) || this.#unable.has(id)) continue;
      this.#unable.add(id);
      tell({ kind: 'fitness', vip: id, fit: false, reason });
    }
  }

  /** A new run begins and will say of itself what is unfit. */
  startAnew(): void {
    for (const id of this.#unfit.keys()) this.#before.add(id);
    this.#unfit = new Map();
  }

  /** The new run has said all: what it does not call unfit is fit again. */
  startedAnew(tell: Tell): void {
    for (const vip of new Set([...this.#before, ...this.#unable])) {
      if (this.#unfit.has(vip)) continue;
      tell({ kind: 'fitness', vip, fit: true, reason: 'the provider runs again' });
    }
    this.#before.clear();
    this.#unable.clear();
  }
}
