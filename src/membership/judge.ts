/**
 * Decides, when nothing is under way, whether the view must change and whose part it is to propose. A shrinking view is
 * proposed by the first of those that remain; a growing one by the representative of the best ranked view.
 */
import type { Instant } from '../model/time.ts';
import { earliest } from '../model/time.ts';
import type { Candidate } from './candidate.ts';
import { candidateOf, graceEnds, hasMovedOn } from './candidate.ts';
import type { Change } from './change.ts';
import type { Core } from './core.ts';
import type { Sequence } from './sequence.ts';

export class Judge {
  private readonly core: Core;
  private readonly sequence: Sequence;
  private readonly change: Change;
  private lackSince: Instant | undefined;
  private waitSince: Instant | undefined;
  private growSince: Instant | undefined;
  private wakeAt: Instant | undefined;

  constructor(core: Core, { sequence, change }: { readonly sequence: Sequence; readonly change: Change }) {
    this.core = core;
    this.sequence = sequence;
    this.change = change;
  }

  /** Judges until nothing is left to do at this instant. */
  run(): void {
    const { core } = this;
    const due = this.wakeAt !== undefined && core.now >= this.wakeAt;
    if (!core.dirty && !due) return;
    // Each round either waits for time or for others, or passes one member over: bounded by the view's size.
    for (let round = 0; round <= core.view.members.length + 4; round++) {
      core.dirty = false;
      this.wakeAt = undefined;
      if (core.state !== 'operational' && core.state !== 'gather') return;
      this.look();
      if (!core.dirty) return;
    }
  }

  nextTimeout(): Instant | undefined {
    return this.core.state === 'operational' || this.core.state === 'gather' ? this.wakeAt : undefined;
  }

  private look(): void {
    const { core } = this;
    const candidate = candidateOf(core);
    if (candidate.mine.length !== core.together) {
      core.together = candidate.mine.length;
      core.news = true;
    }
    this.wakeForGrace();
    const shrinks = candidate.mine.length < core.view.members.length;
    const grows = candidate.grown.length > candidate.mine.length;
    if (!grows) this.growSince = undefined;
    else this.growSince ??= core.now;
    if (shrinks) return this.shrink(candidate);
    this.lackSince = undefined;
    this.waitSince = undefined;
    if (core.state === 'gather') this.resume();
    if (grows) this.grow(candidate);
  }

  private resume(): void {
    this.core.state = 'operational';
    this.core.note('info', 'view stands', 'all its members hear each other');
    this.sequence.thaw();
  }

  private shrink(candidate: Candidate): void {
    const { core } = this;
    if (core.state === 'operational') {
      core.state = 'gather';
      core.note('info', 'gather', this.lackReason(candidate));
    }
    this.lackSince ??= core.now;
    const readyAt = this.isUrgent(candidate) ? core.now : this.lackSince + core.timers.probe_interval_ms;
    if (this.waitsUntil(Math.max(readyAt, this.change.retryAt))) return;
    if (candidate.mine[0] === core.self) {
      const ripe = this.growSince !== undefined && this.isRipe(candidate);
      return this.propose(ripe ? candidate.grown : candidate.mine);
    }
    this.waitForProposer(candidate);
  }

  /** Bounded patience with the one whose part it is to propose; then the next one does. */
  private waitForProposer(candidate: Candidate): void {
    const { core } = this;
    this.waitSince ??= core.now;
    const patience = core.timers.probe_interval_ms + 3 * core.timers.phase_timeout_ms;
    if (this.waitsUntil(this.waitSince + patience)) return;
    this.waitSince = core.now;
    core.passOver(candidate.mine[0]!, 'it was its part to propose a view and it did not');
  }

  private grow(candidate: Candidate): void {
    const { core } = this;
    if (core.representative !== core.self || this.growSince === undefined) return;
    if (this.waitsUntil(this.change.retryAt)) return;
    if (!candidate.leads) {
      // The better view's representative shall propose; if it does not see what we see, we do.
      const patience = 2 * core.timers.heartbeat_interval_ms + core.timers.phase_timeout_ms;
      if (this.waitsUntil(this.growSince + patience)) return;
    } else if (!this.isRipe(candidate)) return;
    this.propose(candidate.grown);
  }

  /** Joins wait a moment for each other, unless nobody is left to wait for. */
  private isRipe(candidate: Candidate): boolean {
    return !candidate.unsettled || !this.waitsUntil(this.growSince! + this.core.timers.probe_interval_ms);
  }

  private propose(members: Candidate['mine']): void {
    this.lackSince = undefined;
    this.waitSince = undefined;
    this.growSince = undefined;
    this.change.propose(members);
  }

  private waitsUntil(at: Instant): boolean {
    if (this.core.now >= at) return false;
    this.wakeAt = earliest(this.wakeAt, at);
    return true;
  }

  private wakeForGrace(): void {
    const { core } = this;
    const at = graceEnds(core);
    if (core.now < at && core.view.members.length > 1) this.wakeAt = earliest(this.wakeAt, at);
  }

  /** Whether somebody is missing for a reason that more waiting would not change. */
  private isUrgent(candidate: Candidate): boolean {
    return this.core.view.members.some((member) => {
      if (member === this.core.self || candidate.mine.includes(member)) return false;
      const peer = this.core.peers.get(member);
      if (!peer) return true;
      return (
        peer.left ||
        peer.severed ||
        !peer.detector.stream ||
        peer.passedUntil !== undefined ||
        hasMovedOn(this.core, peer)
      );
    });
  }

  private lackReason(candidate: Candidate): string {
    const missing = this.core.view.members.filter((member) => !candidate.mine.includes(member));
    return `not together any more with ${missing.join(', ')}`;
  }
}
