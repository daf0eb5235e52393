/** What we send by the clock: heartbeats, probes, and news of whom we hear. It never judges an answer. */
import type { Instant, Millis } from '../model/time.ts';
import { earliest } from '../model/time.ts';
import type { Core } from './core.ts';
import type { MessageLog } from './message-log.ts';
import type { Heartbeat, Incarnation } from './messages.ts';
import type { Peer } from './peer.ts';
import { LOST_KEEP_MS } from './roster.ts';

export class Pulse {
  private readonly core: Core;
  private readonly log: () => MessageLog;
  private number = 0;
  private probe = 0;
  private heartbeatAt: Instant | undefined;
  private probeAt: Instant | undefined;
  private newsSentAt: Instant = Number.NEGATIVE_INFINITY;
  private tickedAt: Instant | undefined;
  private streams = 0;
  /** Whom we hear, as they were found and as it is told. */
  private heard: { readonly found: readonly Incarnation[]; readonly told: readonly Incarnation[] } = {
    found: [],
    told: [],
  };

  constructor(core: Core, log: () => MessageLog) {
    this.core = core;
    this.log = log;
  }

  /** The agent's main thread is well. */
  ticked(): void {
    this.tickedAt = this.core.now;
  }

  /**
   * A stream is new: say hello at once, so that the pair is linked in one round trip, and ask its kernel at once. One that never
   * answered is taken for one that answers nobody: who died before the next round would be missed by its heartbeats alone.
   */
  welcome(peer: Peer): void {
    this.greet(peer);
    const roundIsDue = this.probeAt === undefined || this.core.now >= this.probeAt;
    if (!roundIsDue) this.sendProbe(peer);
  }

  /** Says at once to one member what heartbeats say. */
  greet(peer: Peer): void {
    this.core.actions.push({ kind: 'heartbeat', to: peer.member, heartbeat: this.heartbeat() });
  }

  /** Sends what is due. */
  run(): void {
    const { core } = this;
    const { timers, now } = core;
    this.tickedAt ??= now;
    const well = now - this.tickedAt < timers.heartbeat_timeout_ms;
    if (well !== core.well) this.wellChanged(well);
    const probes = this.probeAt === undefined || now >= this.probeAt;
    if (now >= this.heartbeatDue(probes)) this.sendHeartbeats();
    if (probes) {
      this.probeAt = now + timers.probe_interval_ms;
      this.sendProbes();
    }
    if (core.news && now >= this.newsAt()) this.sendNews();
  }

  nextTimeout(): Instant | undefined {
    const { core } = this;
    const probeAt = this.streams > 0 ? this.probeAt : undefined;
    const hangsAt = core.well ? (this.tickedAt ?? core.now) + core.timers.heartbeat_timeout_ms : undefined;
    const newsAt = core.news ? this.newsAt() : undefined;
    return earliest(earliest(this.heartbeatDue(false), probeAt), earliest(hangsAt, newsAt));
  }

  /**
   * An idle member pays for each time it wakes, not for what it sends then: where probes are sent, heartbeats go with the
   * round that is nearest to their time, so that they come as often as configured, but up to half a probe interval off.
   * `probes`: a round is due now.
   */
  private heartbeatDue(probes: boolean): Instant {
    if (this.heartbeatAt === undefined) return this.core.now;
    if (this.streams === 0 || this.probeAt === undefined) return this.heartbeatAt;
    if (probes) return this.heartbeatAt - this.leeway();
    const waits = this.probeAt - this.heartbeatAt <= this.leeway();
    return waits ? Math.max(this.heartbeatAt, this.probeAt) : this.heartbeatAt;
  }

  private leeway(): Millis {
    const { probe_interval_ms, heartbeat_interval_ms } = this.core.timers;
    return Math.min(probe_interval_ms, heartbeat_interval_ms) / 2;
  }

  private wellChanged(well: boolean): void {
    this.core.well = well;
    this.core.news = true;
    const reason = well ? 'it ticks again' : 'it has not ticked for the heartbeat timeout';
    this.core.note(well ? 'info' : 'warn', well ? 'own agent well' : 'own agent hangs', reason);
  }

  private sendHeartbeats(): void {
    const { now, timers } = this.core;
    const due = this.heartbeatAt ?? now;
    // On average as often as configured; what was missed is not made up for.
    this.heartbeatAt = (now - due <= this.leeway() ? due : now) + timers.heartbeat_interval_ms;
    const heartbeat = this.heartbeat();
    // Addressed to ourselves: what the driver may tell anybody, with the seeks it sends to who has no stream with us.
    this.core.actions.push({ kind: 'heartbeat', to: this.core.self, heartbeat });
    for (const peer of this.core.peers.values()) {
      if (!this.wantsHeartbeat(peer)) continue;
      this.core.actions.push({ kind: 'heartbeat', to: peer.member, heartbeat });
    }
  }

  /** Also those without a stream: one that is cut off in one direction must learn that a view exists without it. */
  private wantsHeartbeat(peer: Peer): boolean {
    if (peer.left) return false;
    return peer.detector.stream || this.core.now - peer.seenAt < LOST_KEEP_MS;
  }

  private sendProbes(): void {
    this.streams = 0;
    for (const peer of this.core.peers.values()) {
      if (!peer.detector.stream) continue;
      this.streams++;
      // Perhaps only our questions do not arrive: then it shall hear from us that we live.
      if (peer.detector.unansweredFor(this.core.now) > 0) this.greet(peer);
      this.sendProbe(peer);
    }
  }

  private sendProbe(peer: Peer): void {
    peer.detector.probeSent(++this.probe, this.core.now);
    this.core.actions.push({ kind: 'probe', to: peer.member, probe: this.probe });
  }

  /** The first news goes at once; more within a quarter of a probe interval is told together. */
  private newsAt(): Instant {
    return this.newsSentAt + this.core.timers.probe_interval_ms / 4;
  }

  private sendNews(): void {
    this.core.news = false;
    this.newsSentAt = this.core.now;
    let frame: { readonly kind: 'hear'; readonly heartbeat: Heartbeat } | undefined;
    for (const peer of this.core.peers.values()) {
      if (!peer.detector.stream || peer.left) continue;
      frame ??= { kind: 'hear', heartbeat: this.heartbeat() };
      this.core.send(peer.member, frame);
    }
  }

  /** In one order, and the same list as before while nothing of it changes. */
  private hears(): readonly Incarnation[] {
    const hears: Incarnation[] = [];
    for (const peer of this.core.peers.values()) if (peer.hears) hears.push(peer.incarnation);
    const { heard } = this;
    const same = heard.found.length === hears.length && hears.every((one, at) => one === heard.found[at]);
    if (!same) this.heard = { found: hears, told: [...hears].sort().slice(0, HEARS_MAX) };
    return this.heard.told;
  }

  private heartbeat(): Heartbeat {
    const { core } = this;
    const log = this.log();
    return {
      sender: core.self,
      number: ++this.number,
      well: core.well,
      view: core.view.id,
      size: core.together,
      hears: this.hears(),
      highest: core.highest,
      received: log.received,
      stable: log.stable,
    };
  }
}

const HEARS_MAX = 99;
