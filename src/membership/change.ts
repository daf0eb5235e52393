/**
 * One view change, from either side: PREPARE, PROMISE, INSTALL, fill-in, view. Who proposes and when is the judge's
 * business; this part follows the attempt it is in, gives up when it leads nowhere, and installs.
 */
import type { MemberId } from '../model/member.ts';
import type { Instant } from '../model/time.ts';
import type { View, ViewId } from '../model/view.ts';
import { viewId } from '../model/view.ts';

import type { Early, Of, Proposal, Recovery, Underway } from './attempt.ts';
import { installFault, isHigher, phaseOf, prepareFault } from './attempt.ts';
import { candidateOf, isPresent } from './candidate.ts';
import type { Core } from './core.ts';
import type { Absent, Attempt, Origin } from './messages.ts';
import type { Install, Promised } from './origins.ts';
import { originsOf, viewFrom } from './origins.ts';
import type { Sequence } from './sequence.ts';

/** Frames of a view we are about to install that arrived before it, and their payload bytes. */
const EARLY_MAX = 8_192;
const EARLY_BYTES_MAX = 64 * 1024 * 1024;

export class Change {
  /** No proposal before this: earlier ones came to nothing. */
  retryAt: Instant = 0;
  private readonly core: Core;
  private readonly sequence: Sequence;
  private current: Underway | undefined;
  private failures = 0;

  constructor(core: Core, sequence: Sequence) {
    this.core = core;
    this.sequence = sequence;
  }

  propose(members: readonly MemberId[]): void {
    const { core } = this;
    const attempt = { epoch: core.highest + 1, proposer: core.self };
    core.sawEpoch(attempt.epoch);
    const deadline = core.now + phaseOf(core, members);
    this.current = { kind: 'proposal', attempt, members, promises: new Map(), deadline };
    core.state = 'commit';
    this.sequence.freeze();
    core.note('info', 'proposes', `attempt ${attempt.epoch} with ${members.join(', ')}`);
    core.sendAll(members, { kind: 'prepare', epoch: attempt.epoch, members });
    this.promised(core.self, this.promise(members));
  }

  onPrepare(from: MemberId, frame: Of<'prepare'>): void {
    const { core } = this;
    const attempt = { epoch: frame.epoch, proposer: from };
    core.sawEpoch(frame.epoch);
    const fault = prepareFault(core.self, from, frame);
    if (fault !== undefined) return core.note('warn', 'prepare ignored', fault, from);
    const peer = core.peers.get(from);
    // It was taken for failed because it kept silent; now it speaks.
    if (peer?.passedUntil !== undefined && peer.raw) {
      peer.passedUntil = undefined;
      peer.hears = true;
      core.news = true;
    }
    const refusal = this.refusalOf(attempt, frame.members);
    if (refusal) return core.send(from, refusal);
    this.leaveAttempt();
    this.current = {
      kind: 'commitment',
      attempt,
      members: frame.members,
      deadline: core.now + 3 * phaseOf(core, frame.members),
    };
    core.state = 'commit';
    this.sequence.freeze();
    core.note('debug', 'promises', `attempt ${frame.epoch} with ${frame.members.join(', ')}`, from);
    core.send(from, { kind: 'promise', attempt, ...this.promise(frame.members) });
  }

  onPromise(from: MemberId, frame: Of<'promise'>): void {
    const { current, core } = this;
    if (current?.kind !== 'proposal' || current.attempt.epoch !== frame.attempt.epoch) {
      if (frame.attempt.proposer === core.self && !this.isInstalling(frame.attempt.epoch)) {
        core.send(from, { kind: 'cancel', epoch: frame.attempt.epoch });
      }
      return;
    }
    if (
      frame.attempt.proposer !== core.self ||
      !current.members.includes(from) ||
      frame.stable > frame.received
    ) {
      return core.note('warn', 'promise ignored', 'it does not fit our attempt', from);
    }
    this.promised(from, frame);
  }

  onRefuse(from: MemberId, frame: Of<'refuse'>): void {
    const { core, current } = this;
    core.sawEpoch(frame.highest);
    if (frame.attempt.proposer !== core.self || current?.attempt.epoch !== frame.attempt.epoch) return;
    if (current.kind !== 'proposal' || !current.members.includes(from)) return;
    if (frame.reason === 'unheard') core.peer(from).unhear(frame.unheard);
    if (frame.reason === 'smaller') core.peer(from).outgrew(frame.size);
    if (frame.reason === 'leaving') core.passOver(from, 'it is leaving');
    this.fail(`${from} refuses: ${frame.reason}`, { atOnce: frame.reason !== 'busy' });
  }

  onInstall(from: MemberId, frame: Of<'install'>): void {
    const { core, current } = this;
    const fits =
      current?.kind === 'commitment' &&
      current.attempt.epoch === frame.epoch &&
      current.attempt.proposer === from;
    if (!fits) return core.note('debug', 'install ignored', 'we are not promised to it', from);
    this.recover(current.attempt, frame);
  }

  onFill(from: MemberId, frame: Of<'fill'>): void {
    const { current } = this;
    const { log } = this.sequence;
    const wanted =
      current?.kind === 'recovery' && current.origin.source === from && frame.view === this.core.view.id;
    if (!wanted || frame.seq !== log.received + 1 || frame.seq > current.origin.cut) return;
    log.append({ sender: frame.sender, number: frame.number, bytes: frame.bytes });
    this.finishIfComplete(current);
  }

  onCancel(from: MemberId, frame: Of<'cancel'>): void {
    const { current } = this;
    if (current?.kind !== 'commitment') return;
    if (current.attempt.proposer !== from || current.attempt.epoch !== frame.epoch) return;
    this.giveUp('its proposer cancelled it');
  }

  onInstalled(from: MemberId, frame: Of<'installed'>): void {
    if (frame.view !== this.core.view.id && !this.isRecoveringTo(frame)) return;
    this.core.peers.get(from)?.installed(frame.view, this.core.together);
    this.core.dirty = true;
  }

  /** Keeps a frame of the view we are about to install; false: it is not of that view. */
  keepEarly(from: MemberId, frame: Early): boolean {
    const { current } = this;
    if (current?.kind !== 'recovery' || frame.view !== current.view.id) return false;
    current.earlyBytes += frame.kind === 'ack' ? 0 : frame.bytes.length;
    const room = current.early.length < EARLY_MAX && current.earlyBytes <= EARLY_BYTES_MAX;
    if (room) current.early.push({ from, frame });
    else this.giveUp('too many messages of the new view came before it was complete');
    return true;
  }

  /** Frames kept for the view that was just installed, to be handled now; the first one first. */
  readonly ready: { readonly from: MemberId; readonly frame: Early }[] = [];

  /** Deadlines, and whether those we wait for are still there. */
  run(): void {
    const { current, core } = this;
    if (!current) return;
    if (current.kind === 'proposal') return this.runProposal(current);
    // What was missing may have come from the old representative after all.
    if (current.kind === 'recovery' && this.finishIfComplete(current)) return;
    const awaited = current.kind === 'commitment' ? current.attempt.proposer : current.origin.source;
    if (core.now >= current.deadline) {
      core.passOver(awaited, 'it kept us waiting in a view change');
      return this.giveUp('it took too long');
    }
    if (core.peers.get(awaited)?.raw !== true) this.giveUp(`${awaited} is gone`);
  }

  nextTimeout(): Instant | undefined {
    return this.current?.deadline;
  }

  /** The view that is being agreed on, if any. */
  get underway(): ViewId | undefined {
    return this.current && viewId(this.current.attempt.epoch, this.current.attempt.proposer);
  }

  private runProposal(proposal: Proposal): void {
    const { core } = this;
    const gone = proposal.members.find(
      (member) => member !== core.self && core.peers.get(member)?.hears !== true,
    );
    if (gone !== undefined) return this.fail(`${gone} is gone`, { atOnce: true });
    if (core.now < proposal.deadline) return;
    for (const member of proposal.members) {
      if (!proposal.promises.has(member)) core.passOver(member, 'it did not promise in time');
    }
    this.fail('not everybody promised in time', { atOnce: true });
  }

  private refusalOf(attempt: Attempt, members: readonly MemberId[]): Of<'refuse'> | undefined {
    const { core, current } = this;
    const refuse = (reason: Of<'refuse'>['reason'], unheard: readonly MemberId[] = []): Of<'refuse'> => {
      core.note('debug', 'refuses', reason, attempt.proposer);
      return { kind: 'refuse', attempt, reason, highest: core.highest, size: core.together, unheard };
    };
    if (core.leaving) return refuse('leaving');
    if (attempt.epoch <= core.view.epoch) return refuse('stale');
    if (current && !isHigher(attempt, current.attempt)) return refuse('busy');
    const unheard = members.filter(
      (member) => member !== core.self && core.peers.get(member)?.hears !== true,
    );
    if (unheard.length > 0) return refuse('unheard', unheard);
    return this.isWorthwhile(attempt.proposer, members) ? undefined : refuse('smaller');
  }

  /** A member of our view may exclude whom it does not hear; a stranger must offer more than we have. */
  private isWorthwhile(proposer: MemberId, members: readonly MemberId[]): boolean {
    const { core } = this;
    if (core.inView(proposer) && isPresent(core, proposer)) return true;
    const { mine } = candidateOf(core);
    return members.length > mine.length || mine.every((member) => members.includes(member));
  }

  /** Our present state, and how those of our view went that are not in the new one. */
  private promise(members: readonly MemberId[]): Promised {
    const { core, sequence } = this;
    const absent: Absent[] = [];
    for (const member of core.view.members) {
      if (members.includes(member)) continue;
      absent.push({ member, how: core.peers.get(member)?.departure(core.now) ?? 'process' });
    }
    const { received, stable } = sequence.log;
    return { view: core.view.id, received, stable, fresh: core.fresh, absent };
  }

  private promised(from: MemberId, promise: Promised): void {
    const { current } = this;
    if (current?.kind !== 'proposal') return;
    current.promises.set(from, promise);
    if (current.promises.size < current.members.length) return;
    const { attempt, members } = current;
    const install = { epoch: attempt.epoch, members, origins: originsOf(members, current.promises) };
    this.core.sendAll(members, { kind: 'install', ...install });
    this.recover(attempt, install);
  }

  private recover(attempt: Attempt, install: Install): void {
    const { core, sequence } = this;
    const { current } = this;
    const origin = install.origins.find((candidate) => candidate.view === core.view.id);
    const fault = installFault(install, { self: core.self, origin, log: sequence.log, underway: current });
    if (!origin || fault !== undefined) {
      core.note('warn', 'install ignored', fault ?? 'it does not know our view', attempt.proposer);
      return this.giveUp('its install cannot be followed');
    }
    core.state = 'recovery';
    const next: Recovery = {
      kind: 'recovery',
      attempt,
      members: install.members,
      origin,
      view: viewFrom(core.view, origin, install),
      early: [],
      earlyBytes: 0,
      deadline: core.now + 3 * phaseOf(core, install.members),
    };
    this.current = next;
    if (current?.kind === 'proposal') this.failures = 0;
    if (origin.source === core.self) this.fillOthers(origin);
    else if (sequence.log.received < origin.cut) {
      core.note('debug', 'recovery', `lacks ${origin.cut - sequence.log.received} messages`, origin.source);
    }
    this.finishIfComplete(next);
  }

  private fillOthers(origin: Origin): void {
    for (const { member, received } of origin.from) {
      for (let seq = received + 1; member !== this.core.self && seq <= origin.cut; seq++) {
        const message = this.sequence.log.at(seq);
        if (!message) break;
        this.core.send(member, { kind: 'fill', view: origin.view, seq, ...message });
      }
    }
  }

  /** Installs the view if no message of the old one is missing any more; tells whether it did. */
  private finishIfComplete(recovery: Recovery): boolean {
    if (this.sequence.log.received < recovery.origin.cut) return false;
    const { core, sequence } = this;
    const { origin, view } = recovery;
    sequence.deliverUpTo(Math.min(origin.stable, origin.cut));
    core.deliver({ kind: 'transitional' });
    sequence.deliverUpTo(origin.cut);
    core.deliver({ kind: 'view', view });
    this.adopt(view);
    if (recovery.attempt.proposer !== core.self) {
      core.send(recovery.attempt.proposer, { kind: 'installed', view: view.id });
    }
    this.ready.push(...recovery.early);
    sequence.flush();
    return true;
  }

  private adopt(view: View): void {
    const { core } = this;
    for (const { member, how } of view.departed) {
      const peer = core.peers.get(member);
      if (!peer || how === 'leave') continue;
      peer.hold.lost(core.now);
      peer.lostAt = core.now;
    }
    for (const peer of core.peers.values()) peer.severed = false;
    core.remember(core.view);
    core.adopt(view);
    core.installedAt = core.now;
    core.together = view.members.length;
    core.fresh &&= view.members.length === 1;
    core.state = 'operational';
    core.dirty = true;
    core.sawEpoch(view.epoch);
    core.note('info', 'view installed', `${view.cause}: ${view.id} with ${view.members.join(', ')}`);
    this.current = undefined;
    this.retryAt = core.now;
    this.sequence.restart();
  }

  /** Our own proposal came to nothing. The first tries follow at once, then they wait longer and longer. */
  private fail(reason: string, { atOnce }: { readonly atOnce: boolean }): void {
    const { core, current } = this;
    if (current?.kind !== 'proposal') return;
    core.sendAll(current.members, { kind: 'cancel', epoch: current.attempt.epoch });
    this.failures++;
    const doublings = Math.min(5, this.failures - (atOnce ? 3 : 1));
    if (doublings >= 0) this.retryAt = core.now + (core.timers.phase_timeout_ms / 2) * 2 ** doublings;
    this.giveUp(reason);
  }

  private giveUp(reason: string): void {
    const { core, current } = this;
    this.current = undefined;
    core.state = 'gather';
    core.dirty = true;
    core.note(
      'info',
      'attempt given up',
      `${current?.attempt.epoch} of ${current?.attempt.proposer}: ${reason}`,
    );
  }

  /** A higher attempt takes us: those of the one we are in need not wait for us. */
  private leaveAttempt(): void {
    const { current, core } = this;
    if (!current) return;
    if (current.kind === 'proposal') {
      core.sendAll(current.members, { kind: 'cancel', epoch: current.attempt.epoch });
    } else if (current.kind === 'commitment') {
      const { attempt } = current;
      const refusal = { reason: 'busy', highest: core.highest, size: core.together, unheard: [] } as const;
      core.send(attempt.proposer, { kind: 'refuse', attempt, ...refusal });
    }
    this.current = undefined;
  }

  private isInstalling(epoch: number): boolean {
    return this.current?.kind === 'recovery' && this.current.attempt.epoch === epoch;
  }

  private isRecoveringTo(frame: Of<'installed'>): boolean {
    return this.current?.kind === 'recovery' && this.current.view.id === frame.view;
  }
}
