/**
 * Looks after what is held: one read a minute while nothing happens, soon again after a change, often while the API is away. Tells what
 * was lost, what cannot be carried, how many addresses fit, and tidies up what was left here and nobody wants.
 */
import type { AwsMode } from '../../src/config/config.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import type { Vip, VipId } from '../../src/model/vip.ts';
import type { ProviderEvent } from '../../src/provider/provider.ts';
import { Ec2Failure } from './failures.ts';
import type { FencePost } from './fence-post.ts';
import { Giving } from './giving.ts';
import { isOurs, whoHas } from './judgement.ts';
import type { Ledger } from './ledger.ts';
import type { Residence, Settled } from './residence.ts';
import type { Sight } from './sight.ts';
import { slotsFor } from './slots.ts';
import { Teller } from './teller.ts';

export interface LookoutSettings {
  readonly interval: Millis;
  readonly mode: AwsMode;
  /** For tidying up. */
  readonly patience: Millis;
}

export interface LookoutParts {
  readonly residence: Residence;
  readonly ledger: Ledger;
  readonly post: FencePost;
  readonly listener: (event: ProviderEvent) => void;
  readonly now: () => Instant;
  readonly random: () => number;
  readonly sleep: (length: Millis, signal: AbortSignal) => Promise<void>;
}

/** After a change: what was granted is settled by then. */
const SOON: Millis = 5_000;
/** While the API or the metadata service does not answer. */
const AGAIN: Millis = 5_000;
/** A single look may be stale (eventual consistency): who is missed is looked for once more. */
const SURE_AFTER: Millis = 1_000;

export class Lookout {
  readonly #settings: LookoutSettings;
  readonly #parts: LookoutParts;
  readonly #teller: Teller;
  readonly #stopped = new AbortController();
  /** VIPs of which something may be left here that nobody wants, with why. */
  readonly #untidy = new Map<VipId, string>();
  /** Seen here unwanted by the last look. */
  #strays = new Set<VipId>();
  #vips: readonly Vip[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #dueAt: Instant = Number.POSITIVE_INFINITY;
  #failures = 0;

  constructor(settings: LookoutSettings, parts: LookoutParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#teller = new Teller(parts.listener);
  }

  /** Tells what is so at the beginning. */
  async start(): Promise<void> {
    const { settled } = this.#parts.residence;
    if (settled === undefined) this.#away(this.#parts.residence.trouble);
    else await this.#arrived(settled);
    this.#schedule(settled === undefined ? AGAIN : this.#settings.interval);
  }

  configure(vips: readonly Vip[]): void {
    this.#vips = vips;
    this.#teller.configure(vips.map(({ id }) => id));
    const { settled } = this.#parts.residence;
    if (settled === undefined) return;
    this.#judgeFitness(settled);
    this.#tellSlots(settled);
  }

  /** Something changed: look before the minute is over. */
  lookSoon(): void {
    this.#schedule(SOON);
  }

  /** Something may be left here of the VIP, and nobody wants it. */
  untidy(vip: VipId, why: string): void {
    this.#untidy.set(vip, why);
    this.#strays.add(vip);
    this.#schedule(SOON);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
  }

  #schedule(after: Millis): void {
    if (this.#stopped.signal.aborted) return;
    const at = this.#parts.now() + after;
    if (at >= this.#dueAt) return;
    this.#dueAt = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tick(), after);
  }

  async #tick(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    // One at a time; one that runs schedules the next.
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { residence } = this.#parts;
    const known = residence.settled !== undefined;
    if (!known && !(await residence.settle())) {
      this.#away(residence.trouble);
      return this.#schedule(AGAIN);
    }
    const { settled } = residence;
    if (settled === undefined) return;
    if (!known) await this.#arrived(settled);
    if (this.#vips.length === 0) return this.#schedule(this.#settings.interval);
    try {
      const sight = await settled.mode.glance(this.#vips, { signal: this.#stopped.signal });
      this.#failures = 0;
      this.#judgeFitness(settled);
      await this.#compare(sight, settled);
      this.#schedule(this.#settings.interval);
    } catch (error) {
      if (!(error instanceof Ec2Failure)) throw error;
      if (error.kind === 'aborted') return;
      this.#failures += 1;
      if (this.#failures > 1) this.#away(error.message);
      this.#schedule(AGAIN);
    }
  }

  async #arrived(settled: Settled): Promise<void> {
    await this.#parts.post.mark(settled);
    this.#judgeFitness(settled);
    this.#tellSlots(settled);
  }

  async #compare(sight: Sight, settled: Settled): Promise<void> {
    const { ledger, post } = this.#parts;
    const missed = ledger
      .held()
      .filter((id) => !ledger.isBusy(id) && sight.pieces.has(id) && !isOurs(sight, id));
    // Before a second look at what is missed: whoever missed what we took sees our fence by its own second look.
    const shown = ledger.isQuiet ? post.rest(settled) : undefined;
    if (missed.length > 0) await this.#miss(missed, settled);
    await post.mark(settled);
    await shown;
    await this.#tidy(sight, settled);
    this.#teller.trouble(this.#troubleOf());
  }

  /** Before it is told lost, another look, which also says who has it. */
  async #miss(missed: readonly VipId[], { mode }: Settled): Promise<void> {
    const { ledger, sleep, listener } = this.#parts;
    const { signal } = this.#stopped;
    await sleep(SURE_AFTER, signal);
    const vips = this.#vips.filter(({ id }) => missed.includes(id));
    const sight = await mode.look(vips, { signal });
    for (const { id: vip } of vips) {
      const holding = ledger.get(vip);
      if (holding === undefined || ledger.isBusy(vip) || isOurs(sight, vip)) continue;
      ledger.lose(vip, takenUnder(sight, vip, holding.fence));
      listener({ kind: 'lost', vip, reason: `led away behind our back: ${whoHas(sight, vip)}` });
    }
  }

  /** What leads here and nobody wants is given up, once it was so in two looks: a fresh start may still be asked for it. */
  async #tidy(sight: Sight, settled: Settled): Promise<void> {
    if (settled.mode.leavesBehind) return;
    const { ledger, now, random, sleep } = this.#parts;
    const unwanted = this.#vips.filter(({ id }) => {
      const some = (sight.pieces.get(id) ?? []).some(({ seen }) => seen.state === 'ours');
      return some && ledger.get(id) === undefined && !ledger.isBusy(id);
    });
    const stale = unwanted.filter(({ id }) => this.#strays.has(id));
    this.#strays = new Set(unwanted.map(({ id }) => id));
    for (const id of this.#untidy.keys()) if (!this.#strays.has(id)) this.#untidy.delete(id);
    if (stale.length === 0) return;
    const request = { vips: stale, known: new Map(), patience: this.#settings.patience };
    const giving = new Giving(request, { ec2: settled.ec2, mode: settled.mode, now, random, sleep });
    for (const [id, { left, outcome }] of await ledger.busy(stale, giving.run(this.#stopped.signal))) {
      if (left) this.#untidy.set(id, outcome.reason);
      else this.#untidy.delete(id);
    }
  }

  /** The API is away: we could take nothing; what we hold stays as it is. */
  #away(why: string): void {
    const { ledger } = this.#parts;
    for (const { id } of this.#vips)
      this.#teller.fitness(id, ledger.get(id) === undefined ? `EC2 cannot be used: ${why}` : undefined);
    const held = ledger.held().length;
    const rest = held === 0 ? '' : `; the ${held} VIPs held here stay as last known`;
    this.#teller.trouble(`EC2 cannot be used: ${why}${rest}`);
  }

  #judgeFitness({ mode }: Settled): void {
    for (const vip of this.#vips) this.#teller.fitness(vip.id, mode.objection(vip)?.reason);
  }

  #tellSlots({ place }: Settled): void {
    const question = {
      mode: this.#settings.mode,
      enis: place.interfaces.map(({ eni }) => eni),
      limits: place.limits,
      vips: this.#vips,
    };
    for (const family of [4, 6] as const) {
      const slots = slotsFor(family, question);
      if (slots !== undefined) this.#teller.slots(family, slots);
    }
  }

  #troubleOf(): string | undefined {
    const [untidy] = this.#untidy;
    if (untidy !== undefined)
      return `${untidy[0]} still leads here though this host gave it up: ${untidy[1]}`;
    return this.#parts.post.trouble;
  }
}

/** The fence of who has it now, at least the one under which we had it; undefined: nobody has it, or no member. */
function takenUnder(sight: Sight, vip: VipId, ours: number): number | undefined {
  for (const { seen } of sight.pieces.get(vip) ?? []) {
    if (seen.state === 'theirs' && seen.holder.member) return Math.max(ours, seen.holder.shown?.fence ?? 0);
  }
  return undefined;
}
