/**
 * The polite end. Our last messages first, then a goodbye to everybody; when all have heard it (one round trip), or the
 * bound is over, the driver may close. The others act on the goodbye at once.
 */
import type { MemberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import { earliest } from '../model/time.ts';
import type { Core } from './core.ts';
import type { Sequence } from './sequence.ts';

export class Parting {
  private readonly core: Core;
  private readonly sequence: Sequence;
  private readonly bound: Millis;
  private deadline: Instant | undefined;
  private unheard: Set<MemberId> | undefined;

  constructor(core: Core, { sequence, bound }: { readonly sequence: Sequence; readonly bound: Millis }) {
    this.core = core;
    this.sequence = sequence;
    this.bound = bound;
  }

  begin(): void {
    if (this.deadline !== undefined) return;
    this.deadline = this.core.now + this.bound;
    this.core.note('info', 'leaves', 'asked to');
  }

  onGoodbye(from: MemberId): void {
    const { core } = this;
    const peer = core.peers.get(from);
    if (!peer) return;
    core.send(from, { kind: 'farewell' });
    if (peer.left) return;
    peer.left = true;
    core.dirty = true;
    core.note('info', 'goodbye', 'it leaves', from);
  }

  onFarewell(from: MemberId): void {
    this.unheard?.delete(from);
  }

  run(): void {
    const { core, deadline } = this;
    if (deadline === undefined) return;
    const late = core.now >= deadline;
    if (!this.unheard && (late || this.isReady())) this.sayGoodbye();
    if (!this.unheard) return;
    for (const member of this.unheard) {
      if (core.peers.get(member)?.detector.stream !== true) this.unheard.delete(member);
    }
    if (this.unheard.size > 0 && !late) return;
    core.actions.push({ kind: 'left' });
    core.note(
      'info',
      'left',
      late ? 'not everybody heard the goodbye in time' : 'everybody heard the goodbye',
    );
    core.state = 'stopped';
  }

  nextTimeout(): Instant | undefined {
    return earliest(this.deadline, undefined);
  }

  /** Nothing of ours is on its way and no view change is under way. */
  private isReady(): boolean {
    return this.core.state === 'operational' && this.sequence.outbox.empty;
  }

  private sayGoodbye(): void {
    const { core } = this;
    core.leaving = true;
    this.unheard = new Set();
    for (const peer of core.peers.values()) {
      if (!peer.detector.stream || peer.left) continue;
      core.send(peer.member, { kind: 'goodbye' });
      // Strangers may know, but only the view acts on it.
      if (peer.inView && peer.hears) this.unheard.add(peer.member);
    }
  }
}
