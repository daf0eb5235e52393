/**
 * Waits until everybody in the view has said what it holds. Its progress depends on the agreed order of messages alone,
 * so it completes at the same message on every member.
 */
import type { MemberId } from '../model/member.ts';
import type { AgentMessage, Definitions, Report } from './messages.ts';

export interface EarlyMessage {
  readonly sender: MemberId;
  readonly message: AgentMessage;
}

export class Barrier {
  readonly round: number;
  readonly reports = new Map<MemberId, Report>();
  readonly definitions = new Map<MemberId, Definitions>();
  readonly without = new Set<MemberId>();
  /** Messages that came after their sender's report and wait for the table. */
  readonly early: EarlyMessage[] = [];
  readonly #members: readonly MemberId[];

  /** @param before the unfinished barrier of the same view that this one replaces: what operators ordered meanwhile stays ordered */
  constructor(members: readonly MemberId[], round: number, before?: Barrier) {
    this.#members = members;
    this.round = round;
    for (const early of before?.early ?? []) if (early.message.kind === 'operator') this.early.push(early);
  }

  /** Takes what it needs; keeps the rest for later if the sender has reported (else the report will tell the newer truth). */
  add(sender: MemberId, message: AgentMessage): void {
    if (message.kind === 'report') this.reports.set(sender, message);
    else if (message.kind === 'definitions') this.definitions.set(sender, message);
    else if (message.kind === 'proceed') for (const member of message.without) this.without.add(member);
    else if (message.kind === 'operator' || this.reports.has(sender)) this.early.push({ sender, message });
  }

  /** Others have carried out what operators ordered so far, on a table that will be over. */
  voidOrders(): void {
    const kept = this.early.filter(({ message }) => message.kind !== 'operator');
    this.early.splice(0, this.early.length, ...kept);
  }

  /** Reports that count, in view order. */
  counted(): readonly Report[] {
    return this.#present()
      .map((member) => this.reports.get(member))
      .filter((report) => report !== undefined);
  }

  /** Whether the members that count disagree about the configuration, so that definitions must be exchanged. */
  get disagrees(): boolean {
    let first: string | undefined;
    for (const member of this.#members) {
      const digest = this.without.has(member) ? undefined : this.reports.get(member)?.digest;
      if (digest === undefined) continue;
      first ??= digest;
      if (digest !== first) return true;
    }
    return false;
  }

  /** Members whose word is still missing. */
  missing(): readonly MemberId[] {
    const reports = this.#present().filter((member) => !this.reports.has(member));
    if (reports.length > 0 || !this.disagrees) return reports;
    return this.#present().filter((member) => !this.definitions.has(member));
  }

  get complete(): boolean {
    return this.missing().length === 0;
  }

  #present(): readonly MemberId[] {
    return this.#members.filter((member) => !this.without.has(member));
  }
}
