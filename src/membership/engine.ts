/**
 * The membership and total-order engine as a function of (state, event, now): views of members that all hear each other,
 * and one order of messages in each (docs/protocol.md). It owns no socket, clock or randomness; whoever drives it does.
 */
import type { DetectorTimers } from '../config/config.ts';
import type { MemberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import { earliest } from '../model/time.ts';
import { Alarm } from './alarm.ts';
import { AwakeClock } from './awake-clock.ts';
import { Change } from './change.ts';
import { Core } from './core.ts';
import type { EngineAction, EngineEvent, EngineStatus, SansIoEngine } from './events.ts';
import { Judge } from './judge.ts';
import type { Frame } from './messages.ts';
import { Outrank } from './outrank.ts';
import { Parting } from './parting.ts';
import { Pulse } from './pulse.ts';
import { Roster } from './roster.ts';
import { Sequence } from './sequence.ts';

export interface EngineSettings {
  readonly self: MemberId;
  readonly timers: DetectorTimers;
  /** Highest epoch known from earlier, if any; 0 unless given. */
  readonly bootEpoch?: number;
  /** Longest wait for the others to hear our goodbye; 500 ms unless given. */
  readonly leave_ms?: Millis;
}

export function createEngine(settings: EngineSettings): SansIoEngine {
  return new Engine(settings);
}

const NOTHING: readonly EngineEvent[] = [];
const NO_ACTIONS: readonly EngineAction[] = [];

class Engine implements SansIoEngine {
  private readonly core: Core;
  private readonly clock: AwakeClock;
  private readonly roster: Roster;
  private readonly sequence: Sequence;
  private readonly pulse: Pulse;
  private readonly change: Change;
  private readonly judge: Judge;
  private readonly outrank: Outrank;
  private readonly alarm: Alarm;
  private readonly parting: Parting;
  private due: Instant | undefined;
  private started = false;

  constructor({ self, timers, bootEpoch = 0, leave_ms = 500 }: EngineSettings) {
    this.core = new Core(self, timers, bootEpoch);
    this.clock = new AwakeClock(timers.probe_interval_ms);
    this.roster = new Roster(this.core);
    this.sequence = new Sequence(this.core);
    this.pulse = new Pulse(this.core, () => this.sequence.log);
    this.change = new Change(this.core, this.sequence);
    this.judge = new Judge(this.core, { sequence: this.sequence, change: this.change });
    this.outrank = new Outrank(this.core, () => this.change.underway);
    this.alarm = new Alarm(this.core, (peer) => this.pulse.greet(peer));
    this.parting = new Parting(this.core, { sequence: this.sequence, bound: leave_ms });
  }

  handle(event: EngineEvent, now: Instant): readonly EngineAction[] {
    const { core } = this;
    if (core.state === 'stopped') return [];
    core.now = this.clock.read(now, this.due, event.kind === 'stalled' ? event.lateness : 0);
    if (this.isRoutine(event, now)) return NO_ACTIONS;
    core.actions = [];
    if (!this.started) this.start();
    this.ownLateness(now);
    if (this.isPulse(event)) {
      if (event.kind === 'tick') this.pulse.ticked();
      this.pulse.run();
    } else {
      this.take(event);
      this.settle();
    }
    const next = this.stopped() ? undefined : this.soonest();
    this.due = next === undefined ? undefined : Math.max(now, this.clock.real(next));
    return core.actions;
  }

  nextTimeout(): Instant | undefined {
    return this.due;
  }

  status(): EngineStatus {
    const { core } = this;
    const peers = [...core.peers.values()].map((peer) => ({
      member: peer.member,
      stream: peer.detector.stream,
      host: peer.detector.host(core.now),
      agent: peer.told?.well === false ? ('silent' as const) : peer.detector.agent(core.now),
      ...(peer.detector.roundTrip === undefined ? {} : { roundTrip: peer.detector.roundTrip }),
    }));
    return { state: core.state, peers };
  }

  private stopped(): boolean {
    return this.core.state === 'stopped';
  }

  /**
   * Takes in a sign of life from somebody we hear that says nothing new, and nothing is due: most events of a day. All
   * that could follow from it is that a deadline moves away, and being called at the earlier one is harmless.
   */
  private isRoutine(event: EngineEvent, now: Instant): boolean {
    const { core } = this;
    if (this.due === undefined || now >= this.due || core.dirty) return false;
    if (event.kind === 'probe-answered') {
      const peer = core.peers.get(event.member);
      if (!peer?.hears || peer.detector.host(core.now) !== 'answers') return false;
      return peer.detector.probeAnswered(event.probe, core.now);
    }
    if (event.kind !== 'heartbeat') return false;
    const { heartbeat } = event;
    const { log } = this.sequence;
    const news = heartbeat.highest > core.highest || heartbeat.stable > log.stable;
    return !news && heartbeat.view === core.view.id && this.roster.toldAgain(event.member, heartbeat);
  }

  /** A round of probes or heartbeats is due at most, nothing else, and everybody we know is with us or gone: most wakes of a day. */
  private isPulse(event: EngineEvent): boolean {
    const { core } = this;
    const isWake = event.kind === 'tick' || (event.kind === 'timeout' && event.read === undefined);
    if (!isWake || core.dirty || !this.outrank.isClear) return false;
    if (core.state !== 'operational' || this.change.underway !== undefined) return false;
    const others = this.soonestBesidePulse();
    if (others !== undefined && core.now >= others) return false;
    return this.parting.nextTimeout() === undefined && this.roster.isCalm();
  }

  /** Whoever asked our kernel in vain, or heard nothing of us, for so long may have gone on without us. */
  private ownLateness(now: Instant): void {
    const { probe_timeout_ms, probe_interval_ms } = this.core.timers;
    const late = this.due === undefined ? 0 : now - this.due;
    if (late >= probe_timeout_ms - probe_interval_ms && this.core.view.members.length > 1)
      this.outrank.late(late);
  }

  /** Alone we are a view at once; whoever is heard joins it. */
  private start(): void {
    this.started = true;
    this.core.installedAt = this.core.now;
    this.core.deliver({ kind: 'view', view: this.core.view });
    this.core.note('info', 'view installed', `start: ${this.core.view.id} with ourselves alone`);
  }

  /** Everything that follows at this instant, until nothing changes any more. */
  private settle(): void {
    const { core, change } = this;
    for (let round = 0; round < 8 && !this.stopped(); round++) {
      this.roster.survey();
      change.run();
      this.judge.run();
      while (change.ready.length > 0) {
        const { from, frame } = change.ready.shift()!;
        this.frame(from, frame);
      }
      if (!core.dirty) break;
    }
    if (this.stopped()) return;
    this.sequence.run();
    this.outrank.run();
    this.pulse.run();
    this.alarm.run();
    this.parting.run();
  }

  private soonest(): Instant | undefined {
    return earliest(this.soonestBesidePulse(), this.pulse.nextTimeout());
  }

  private soonestBesidePulse(): Instant | undefined {
    let at = earliest(this.roster.nextTimeout(), this.change.nextTimeout());
    at = earliest(at, earliest(this.judge.nextTimeout(), this.sequence.nextTimeout()));
    at = earliest(at, earliest(this.outrank.nextTimeout(), this.alarm.nextTimeout()));
    return earliest(at, this.parting.nextTimeout());
  }

  private take(event: EngineEvent): void {
    switch (event.kind) {
      case 'stream-opened': {
        const peer = this.roster.streamOpened(event.member, event.wireVersion);
        if (peer) this.pulse.welcome(peer);
        break;
      }
      case 'stream-closed':
        this.roster.streamClosed(event.member, event.reason);
        break;
      case 'frame':
        this.core.peer(event.member).seenAt = this.core.now;
        this.frame(event.member, event.frame);
        break;
      case 'heartbeat':
        this.roster.told(event.member, event.heartbeat, true);
        this.counts(event.member, event.heartbeat);
        break;
      case 'probe-answered':
        this.core.peers.get(event.member)?.detector.probeAnswered(event.probe, this.core.now);
        break;
      case 'probe-unavailable':
        this.core.peer(event.member).detector.probesUnavailable();
        break;
      case 'multicast':
        this.sequence.multicast(event.bytes);
        break;
      case 'leave':
        this.parting.begin();
        break;
      case 'tick':
        this.pulse.ticked();
        break;
      case 'stalled':
        this.core.note(
          event.lateness >= this.core.timers.probe_timeout_ms ? 'warn' : 'debug',
          'stalled',
          `late by ${Math.round(event.lateness)} ms; nobody is judged for it`,
        );
        break;
      case 'timeout':
        for (const read of event.read ?? NOTHING) this.take(read);
        break;
    }
  }

  private counts(
    member: MemberId,
    heartbeat: { readonly view: Core['view']['id']; received: number; stable: number },
  ): void {
    this.sequence.onReceived(member, heartbeat.view, heartbeat.received);
    this.sequence.onStable(member, heartbeat.view, heartbeat.stable);
  }

  private frame(from: MemberId, frame: Frame): void {
    if (!this.core.peers.get(from)?.detector.stream) {
      this.core.note('debug', 'frame ignored', 'its sender has no stream', from);
      return;
    }
    switch (frame.kind) {
      case 'prepare':
        return this.change.onPrepare(from, frame);
      case 'promise':
        return this.change.onPromise(from, frame);
      case 'refuse':
        return this.change.onRefuse(from, frame);
      case 'install':
        return this.change.onInstall(from, frame);
      case 'installed':
        return this.change.onInstalled(from, frame);
      case 'cancel':
        return this.change.onCancel(from, frame);
      case 'fill':
        return this.change.onFill(from, frame);
      case 'goodbye':
        return this.parting.onGoodbye(from);
      case 'farewell':
        return this.parting.onFarewell(from);
      case 'hear':
        this.roster.told(from, frame.heartbeat, false);
        return this.counts(from, frame.heartbeat);
      case 'data':
        if (!this.change.keepEarly(from, frame)) this.sequence.onData(from, frame);
        return;
      case 'ordered':
        if (!this.change.keepEarly(from, frame)) this.sequence.onOrdered(from, frame);
        return;
      case 'ack':
        if (!this.change.keepEarly(from, frame)) this.sequence.onReceived(from, frame.view, frame.received);
        return;
    }
  }
}
