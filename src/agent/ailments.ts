/** The failing health checks of this host and what they mean for its VIPs; knows nothing of how they are run. */
import type { HealthCheckConfig } from '../config/config.ts';
import { type HealthVerdict, type Impairment, LAST_RESORT, NO_RESULT } from '../model/health.ts';
import type { CheckStatus } from '../model/status.ts';
import type { Instant } from '../model/time.ts';
import type { Vip, VipId } from '../model/vip.ts';
import { clip } from './messages.ts';

interface Verdict {
  /** Why it fails; undefined: it passes. */
  readonly failing: string | undefined;
  readonly since: Instant | undefined;
}

/** A host that starts has to show that it is fit; one that serves is not taken out because somebody added a check. */
const AT_START: Verdict = { failing: NO_RESULT, since: undefined };
const AFTER_RELOAD: Verdict = { failing: undefined, since: undefined };

export class Ailments {
  #checks: readonly HealthCheckConfig[] = [];
  #vips: readonly Vip[] = [];
  #started = false;
  #unknown = AT_START;
  #verdicts = new Map<string, Verdict>();
  #impairments: readonly Impairment[] = [];
  #unfit: ReadonlyMap<VipId, string> = new Map();

  /** Checks that stay the same keep their verdict. */
  configure(checks: readonly HealthCheckConfig[], vips: readonly Vip[]): void {
    const before = new Map(this.#checks.map((check) => [check.name, JSON.stringify(check.probe)]));
    const kept = checks.filter(({ name, probe }) => before.get(name) === JSON.stringify(probe));
    this.#verdicts = new Map(kept.map(({ name }) => [name, this.#verdictOf(name)]));
    this.#unknown = this.#started ? AFTER_RELOAD : AT_START;
    this.#started = true;
    this.#checks = checks;
    this.#vips = vips;
    this.#judge();
  }

  /** True when it is news. */
  take({ check, failing }: HealthVerdict, now: Instant): boolean {
    const known = this.#checks.some(({ name }) => name === check);
    const before = this.#verdictOf(check);
    if (!known || (before.since !== undefined && before.failing === failing)) return false;
    this.#verdicts.set(check, { failing: failing === undefined ? undefined : clip(failing), since: now });
    this.#judge();
    return before.failing !== failing;
  }

  /** What only puts this member behind others. */
  get impairments(): readonly Impairment[] {
    return this.#impairments;
  }

  /** VIPs that this member must not hold whatever becomes of them, with why. */
  get unfit(): ReadonlyMap<VipId, string> {
    return this.#unfit;
  }

  /** In order of the file. */
  statuses(at: (instant: Instant) => string): CheckStatus[] {
    return this.#checks.map(({ name, vips, penalty, when_all_fail }) => {
      const { failing, since } = this.#verdictOf(name);
      return {
        check: name,
        ...(failing !== undefined && { failing }),
        ...(since !== undefined && { since: at(since) }),
        ...(vips !== undefined && { vips }),
        ...(penalty !== undefined && { penalty }),
        last_resort: penalty !== undefined || when_all_fail === 'keep',
      };
    });
  }

  #verdictOf(check: string): Verdict {
    return this.#verdicts.get(check) ?? this.#unknown;
  }

  #judge(): void {
    const impairments: Impairment[] = [];
    const unfit = new Map<VipId, string>();
    for (const { name, vips, penalty, when_all_fail } of this.#checks) {
      const { failing } = this.#verdictOf(name);
      if (failing === undefined) continue;
      const reason = clip(`check ${name}: ${failing}`);
      if (penalty === undefined && when_all_fail === 'release') {
        for (const id of vips ?? this.#vips.map((vip) => vip.id)) unfit.set(id, reason);
      } else {
        const weight = penalty ?? LAST_RESORT;
        impairments.push({ penalty: weight, reason, ...(vips !== undefined && { vips }) });
      }
    }
    this.#impairments = impairments;
    this.#unfit = unfit;
  }
}
