/** How this host goes about an acquire: what its provider can know of earlier holders, and what they may still have. */
import type { Config } from '../config/config.ts';
import type { Instant } from '../model/time.ts';
import type { Vip, VipId } from '../model/vip.ts';
import type { Bystanders } from './bystanders.ts';
import { isForeign } from './carriers.ts';
import { accessOf, type Clearance, type DoubtSettings, type Doubts, latest } from './doubts.ts';
import type { Holdings } from './holdings.ts';
import type { Rounds } from './rounds.ts';
import type { SelfPortrait } from './self-portrait.ts';
import type { Tiebreak } from './tiebreak.ts';

export interface ApproachComponents {
  readonly doubts: Doubts;
  readonly portrait: SelfPortrait;
  readonly rounds: Rounds;
  readonly holdings: Holdings;
  readonly tiebreak: Tiebreak;
  readonly bystanders: Bystanders;
}

export class Approach {
  readonly #with: ApproachComponents;

  constructor(components: ApproachComponents) {
    this.#with = components;
  }

  /** Of one VIP, or the most careful of all. */
  doubtSettings(vip: Vip | undefined, { agent }: Config): DoubtSettings {
    const { portrait } = this.#with;
    const traits = vip ? [portrait.traitsOf(vip)] : portrait.allTraits;
    const leaseBound = Math.max(0, ...traits.map((t) => t?.leaseBound ?? 0));
    const blind = traits.some((t) => t !== undefined && accessOf(t) === 'blind');
    return { leaseBound, takeover: agent.takeover, ...(blind && { blind }) };
  }

  /** Undefined: not now. */
  clearance(vip: Vip, config: Config, now: Instant): Clearance | undefined {
    const { doubts, portrait, rounds, tiebreak, bystanders } = this.#with;
    const access = accessOf(portrait.traitsOf(vip));
    const isAside = rounds.table?.aside.has(vip.id) === true;
    // Who is beside us, or beside whom we are, may have it: only a link tells.
    if (bystanders.lesser !== undefined || (isAside && access !== 'link')) return undefined;
    // What it held it keeps while the witness has not answered, and takes nothing more.
    if (vip.policy === 'primary' && tiebreak.state(now) === 'open') return undefined;
    return doubts.clearance(vip.id, {
      now,
      settings: this.doubtSettings(vip, config),
      access,
      doubtedSince: rounds.table?.doubts.has(vip.id) ? rounds.tableSince : undefined,
      astray: isAside || (rounds.table?.astray.size ?? 0) > 0,
      foreignUntil: latest(latest(this.#foreignUntil(vip), this.#lostUntil(vip)), this.#othersOpenUntil(vip)),
    });
  }

  /** Whether our means can ask a link for the VIP. */
  isAskable(vip: VipId): boolean {
    const holding = this.#with.holdings.get(vip);
    return holding !== undefined && accessOf(this.#with.portrait.traitsOf(holding.vip)) === 'link';
  }

  /** Why the VIP must not stay while another part may have what this one lacks; undefined: it may. */
  objection(vip: Vip, now: Instant): string | undefined {
    const { portrait, bystanders } = this.#with;
    const broken = bystanders.objection(vip.id, now);
    if (broken !== undefined) return broken;
    if (bystanders.lesser === undefined || accessOf(portrait.traitsOf(vip)) === 'link') return undefined;
    return `no link can be asked for it, and ${bystanders.lesser}`;
  }

  /** False while what shall go from here is in the way. If there is no room beside what stays, the provider may say so. */
  hasRoom(vip: Vip): boolean {
    const { portrait, holdings, rounds } = this.#with;
    const provider = portrait.providerOf(vip);
    if (provider === undefined || portrait.slots.all === undefined) return true;
    const others = [...holdings.all()]
      .filter((holding) => holding.state !== 'idle' && holding.vip.id !== vip.id)
      .map((holding) => holding.vip)
      .filter((other) => portrait.providerOf(other) === provider);
    const staying = others.filter(({ id }) => rounds.table?.rows.get(id)?.target === rounds.self);
    const { slots } = portrait;
    return slots.fits(vip, provider, others) || !slots.fits(vip, provider, staying);
  }

  /** Where nobody can be asked the other part's question to the witness is waited for. */
  #othersOpenUntil(vip: Vip): Instant | undefined {
    const { portrait, rounds, tiebreak } = this.#with;
    const blind = accessOf(portrait.traitsOf(vip)) === 'blind';
    return blind && vip.policy === 'primary' ? tiebreak.othersOpenUntil(rounds.viewSince) : undefined;
  }

  /**
   * What a register says is not ours any more may have been moved on by a view that we have not heard of, to somebody who carries it otherwise:
   * then nobody has it there, and no fence stands in the way. Longer than a group that hangs goes unnoticed.
   */
  #lostUntil(vip: Vip): Instant | undefined {
    const { doubts, holdings, portrait } = this.#with;
    if (accessOf(portrait.traitsOf(vip)) !== 'atomic') return undefined;
    const lostAt = holdings.get(vip.id)?.lost.at(-1);
    const bound = doubts.foreignBound(vip.id);
    return lostAt === undefined || bound === undefined ? undefined : lostAt + bound;
  }

  /** Until when somebody who went may have the VIP in a way that our provider knows nothing of. */
  #foreignUntil(vip: Vip): Instant | undefined {
    const { portrait, rounds } = this.#with;
    const lasting = rounds.table?.lasting(vip.id) ?? [];
    const means = lasting.length === 0 ? undefined : portrait.meansOf(vip);
    if (means === undefined) return undefined;
    const foreign = lasting.filter((one) => isForeign(means, one));
    if (foreign.length === 0) return undefined;
    return rounds.tableSince + Math.max(...foreign.map(({ rest }) => rest));
  }
}
