/**
 * The group thread of one run: the production engine, driven as `group/engine-driver.ts` drives it, with the streams,
 * datagrams and probes of the simulated network in place of `group/transport.ts`.
 */

import { type AgentMessage, encodeMessage } from '../../agent/messages.ts';
import type { GroupEvent } from '../../group/group.ts';
import { decodeFrame, decodeHeartbeat, encodeFrame, encodeHeartbeat } from '../../membership/codec.ts';
import { createEngine } from '../../membership/engine.ts';
import type { EngineAction, EngineEvent, SansIoEngine } from '../../membership/events.ts';
import type { Frame, Heartbeat } from '../../membership/messages.ts';
import { WIRE_VERSION } from '../../membership/messages.ts';
import { type MemberId, memberId } from '../../model/member.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Host } from './host.ts';
import type { End } from './streams.ts';
import { Channel, Thread } from './thread.ts';
import type { Trace } from './trace.ts';
import type { World } from './world.ts';

/** Lateness below this is the ordinary coarseness of timers. */
const LATE: Millis = 5;
/** Fields that the next release may add; this one ignores them. */
const AHEAD = { ahead: { since: 2, what: ['nothing that we know'] } };
const DIAL_PAUSE_MAX: Millis = 1000;

export class EngineThread {
  readonly host: Host;
  readonly member: MemberId;
  readonly thread: Thread;
  readonly trace: Trace;
  readonly ends = new Map<MemberId, End>();
  /** Why the engine gave up; undefined: it runs, or ended as it was told to. */
  alive = true;
  left = false;
  readonly #world: World;
  readonly #agent: AgentProcess;
  readonly #engine: SansIoEngine;
  readonly #toAgent: Channel;
  /** Of the next release. */
  readonly #newer: boolean;
  /** What its seeks carry. */
  #news: Heartbeat | undefined;
  #wakes = 0;
  #wokenFor: Instant | undefined;
  #dialling = false;
  /** Hosts, and the numbers of the probes, that answer at once: nothing is going on that could come in between. */
  readonly #answering: End[] = [];
  readonly #answeredProbes: number[] = [];
  /** Heartbeats of one turn, which travel together while nothing is going on. */
  #outgoing: (readonly [to: EngineThread, heartbeat: Heartbeat])[] = [];
  /** What last passed through the codec, and what came out. */
  #coded: { readonly frame: Frame; readonly read: Frame } | undefined;
  #codedHeartbeat: { readonly heartbeat: Heartbeat; readonly read: Heartbeat } | undefined;
  readonly #dialPause = new Map<number, { at: Instant; pause: Millis }>();

  constructor(world: World, agent: AgentProcess) {
    this.#world = world;
    this.#agent = agent;
    this.host = agent.host;
    this.member = memberId(agent.host.name, world.random.hex16());
    this.thread = new Thread(world.agenda, world.random);
    this.trace = { member: this.member, events: [], sent: 0, alive: true };
    world.traces.push(this.trace);
    const { remembersEpoch, lastEpoch } = this.host;
    // By the wall clock, or by one that was wrong at the start.
    const wall = world.hasClocks ? Math.floor(world.now) : 0;
    this.#newer = world.random.chance(world.options.newer);
    this.#engine = createEngine({
      self: this.member,
      timers: world.cluster.timers,
      bootEpoch: remembersEpoch ? lastEpoch : wall,
    });
    this.#toAgent = new Channel(agent.main, world.agenda, world.random);
  }

  get state(): string {
    return this.#engine.status().state;
  }

  start(): void {
    this.#world.engines.set(this.member, this);
    this.#give({ kind: 'timeout' });
    this.#world.seekAll(this);
  }

  /** A stream that swallows everything is found out, and closed, when something is sent over it. */
  get hasDeafStream(): boolean {
    for (const { swallowed } of this.ends.values()) if (swallowed) return true;
    return false;
  }

  /** From the agent's thread. */
  post(event: EngineEvent): void {
    this.thread.post(() => this.#give(event));
  }

  multicast(bytes: Uint8Array): void {
    const number = ++this.trace.sent;
    this.trace.sentAt = this.#world.now;
    const numbered = new Uint8Array(bytes.length + 4);
    new DataView(numbered.buffer).setUint32(0, number);
    numbered.set(bytes, 4);
    this.post({ kind: 'multicast', bytes: numbered });
  }

  /** Ends the thread; its kernel, if it still runs, tells the other ends. */
  stop(kernelTells: boolean): void {
    if (!this.alive) return;
    this.alive = false;
    this.thread.alive = false;
    this.trace.alive = false;
    this.#world.engines.delete(this.member);
    for (const end of this.ends.values()) this.#world.streams.drop(end, kernelTells);
  }

  streamOpened(peer: EngineThread): void {
    this.#dialPause.delete(peer.host.index);
    this.post({ kind: 'stream-opened', member: peer.member, wireVersion: this.versionWith(peer) });
  }

  /** The highest that both speak. */
  versionWith(peer: EngineThread): number {
    return this.#newer && peer.#newer ? WIRE_VERSION + 1 : WIRE_VERSION;
  }

  /** What its agent says; one of the next release says more than this one understands. */
  encode(message: AgentMessage): Uint8Array {
    return encodeMessage(this.#newer ? { ...message, ...AHEAD } : message);
  }

  streamClosed(peer: EngineThread, reason: string): void {
    this.post({ kind: 'stream-closed', member: peer.member, reason });
    this.seek();
  }

  frame(from: EngineThread, frame: Frame, over: End): void {
    this.thread.post(() => {
      if (over.open) this.#give({ kind: 'frame', member: from.member, frame });
    });
  }

  heartbeat(from: MemberId, heartbeat: Heartbeat): void {
    this.post({ kind: 'heartbeat', member: from, heartbeat });
  }

  /** Dials and seeks whom it has no stream with, until there is nobody. */
  seek(): void {
    if (this.#dialling || !this.alive) return;
    this.#dialling = true;
    const { seek_interval_ms } = this.#world.cluster.timers;
    this.#world.agenda.after(this.#world.random.between(0, 1.3) * seek_interval_ms, () => {
      this.#dialling = false;
      if (this.alive && this.#seekOnce()) this.seek();
    });
  }

  #seekOnce(): boolean {
    let missing = false;
    for (const host of this.#world.hosts) {
      if (host === this.host) continue;
      const other = host.agent?.group;
      if (other?.alive && this.ends.get(other.member)?.open) continue;
      // Whoever starts there makes everybody look again.
      if (!other?.alive) continue;
      missing = true;
      if (this.thread.stalled || this.host.frozen) continue;
      this.#sendSeek(other);
      this.#dial(other);
    }
    return missing;
  }

  /** Whoever gets one from somebody it has no stream with dials at once. */
  #sendSeek(other: EngineThread): void {
    const { network, agenda } = this.#world;
    if (!this.#news || !network.passes(this.host, other.host) || network.lost()) return;
    const news = this.#world.options.encoded ? this.#heartbeatThroughCodec(this.#news) : this.#news;
    agenda.after(network.delay() + network.heldUp(), () => {
      if (!other.alive || !other.host.up || other.host.frozen) return;
      other.heartbeat(this.member, news);
      if (!other.thread.stalled && !other.ends.get(this.member)?.open) this.#world.streams.dial(other, this);
    });
  }

  /** The pauses grow while nobody answers. */
  #dial(other: EngineThread): void {
    const { now } = this.#world;
    const last = this.#dialPause.get(other.host.index);
    if (last !== undefined && now < last.at) return;
    const { seek_interval_ms } = this.#world.cluster.timers;
    const pause = Math.min(DIAL_PAUSE_MAX, 2 * (last?.pause ?? seek_interval_ms / 2));
    this.#dialPause.set(other.host.index, { at: now + pause, pause });
    this.#world.streams.dial(this, other);
  }

  #give(event: EngineEvent): void {
    if (!this.alive) return;
    const actions = this.#engine.handle(event, this.host.clocks.monotonic());
    if (actions.length > 0) for (const action of actions) this.#perform(action);
    this.#arm();
    if (this.#outgoing.length > 0) this.#sendTogether();
    while (this.#answering.length > 0) this.#answered(this.#answering.pop()!, this.#answeredProbes.pop()!);
  }

  #arm(): void {
    const at = this.#engine.nextTimeout();
    if (at === this.#wokenFor && at !== undefined) return;
    const wake = ++this.#wakes;
    this.#wokenFor = at;
    if (at === undefined) return;
    // Node's timers count whole milliseconds, at least one.
    const { clocks } = this.host;
    const due = clocks.monotonic() + Math.max(1, Math.ceil(at - clocks.monotonic()));
    this.#world.agenda.at(clocks.trueAt(due), () => {
      if (this.#wakes === wake && this.alive) this.thread.post(() => this.#due(wake, at));
    });
  }

  /** After a stall everything that waits is read before anything is judged. */
  #due(wake: number, at: Instant): void {
    if (this.#wakes !== wake) return;
    const lateness = this.host.clocks.monotonic() - at;
    this.#wokenFor = undefined;
    if (lateness < LATE) return this.#give({ kind: 'timeout' });
    this.thread.last(() => {
      this.#give({ kind: 'stalled', lateness });
      this.#give({ kind: 'timeout' });
    });
  }

  #perform(action: EngineAction): void {
    switch (action.kind) {
      case 'send':
        return this.#send(action.to, action.frame);
      case 'heartbeat':
        if (action.to === this.member) this.#news = action.heartbeat;
        else if (this.ends.get(action.to)?.open) this.#sendHeartbeat(action.to, action.heartbeat);
        return;
      case 'probe':
        return this.#probe(action.to, action.probe);
      case 'close-stream': {
        const end = this.ends.get(action.member);
        if (end) this.#world.streams.drop(end);
        return this.seek();
      }
      case 'deliver':
        return this.#deliver(action.event);
      case 'left':
        this.trace.events.push({ kind: 'left', at: this.#world.now });
        this.left = true;
        this.#world.agenda.after(0, () => this.#ended('it left'));
        return;
      case 'note':
        if (this.#world.timeline === undefined) return;
        this.#world.note(this.host, `engine: ${action.what}: ${action.reason} ${action.member ?? ''}`);
    }
  }

  #ended(reason: string): void {
    if (!this.alive) return;
    this.stop(true);
    this.#toAgent.post(() => this.#agent.groupEnded(this, reason));
  }

  /** The thread dies by itself. */
  crash(): void {
    this.#ended('the thread died');
  }

  #deliver(event: GroupEvent): void {
    const at = this.#world.now;
    const { events } = this.trace;
    if (event.kind === 'message') {
      const { bytes, sender } = event;
      const number = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
      events.push({ kind: 'message', at, sender, number });
      const told = { kind: 'message', sender, bytes: bytes.subarray(4) } as const;
      this.#toAgent.post(() => this.#agent.groupEvent(this, told, number));
      return;
    }
    if (event.kind === 'view') events.push({ kind: 'view', at, view: event.view });
    else if (event.kind === 'outranked') events.push({ ...event, at });
    else if (event.kind === 'detached') events.push({ kind: 'detached', at, reason: event.reason });
    else if (event.kind === 'transitional') events.push({ kind: 'transitional', at });
    this.#toAgent.post(() => this.#agent.groupEvent(this, event, 0));
    if (event.kind === 'detached') this.#world.agenda.after(0, () => this.#ended(event.reason));
  }

  #send(to: MemberId, frame: Frame): void {
    const end = this.ends.get(to);
    if (!end?.open) return;
    this.#world.streams.send(end, this.#world.options.encoded ? this.#throughCodec(frame) : frame);
  }

  /** What goes to many is encoded once, as on a real host, and decoded once, since all would read the same. */
  #throughCodec(frame: Frame): Frame {
    if (this.#coded?.frame !== frame)
      this.#coded = { frame, read: must(decodeFrame(encodeFrame(frame).slice())) };
    return this.#coded.read;
  }

  #heartbeatThroughCodec(heartbeat: Heartbeat): Heartbeat {
    if (this.#codedHeartbeat?.heartbeat !== heartbeat)
      this.#codedHeartbeat = { heartbeat, read: must(decodeHeartbeat(encodeHeartbeat(heartbeat))) };
    return this.#codedHeartbeat.read;
  }

  #sendHeartbeat(member: MemberId, heartbeat: Heartbeat): void {
    const to = this.#world.engines.get(member);
    const { network, agenda } = this.#world;
    if (!to || !network.passes(this.host, to.host) || network.lost()) return;
    const sent = this.#world.options.encoded ? this.#heartbeatThroughCodec(heartbeat) : heartbeat;
    if (this.#world.isQuiet) {
      this.#outgoing.push([to, sent]);
      return;
    }
    for (let copies = network.duplicated() ? 2 : 1; copies > 0; copies--) {
      agenda.after(network.delay() + network.heldUp(), () => {
        if (to.alive && to.host.up && !to.host.frozen) to.heartbeat(this.member, sent);
      });
    }
  }

  #sendTogether(): void {
    const sent = this.#outgoing;
    this.#outgoing = [];
    this.#world.agenda.after(this.#world.network.delay(), () => {
      for (const [to, heartbeat] of sent)
        if (to.alive && to.host.up && !to.host.frozen) to.heartbeat(this.member, heartbeat);
    });
  }

  #probe(member: MemberId, probe: number): void {
    const end = this.ends.get(member);
    if (!end) return;
    const to = end.peer;
    const { network, agenda } = this.#world;
    if (this.#world.isQuiet && network.answers(this.host, to.host)) {
      this.#answering.push(end);
      this.#answeredProbes.push(probe);
      return;
    }
    network.probeSent(this.host, to.host);
    this.#dropIfSilent(end);
    if (network.lost() || network.lost() || !network.answers(this.host, to.host)) return;
    agenda.after(network.roundTrip(this.host, to.host), () => this.#answered(end, probe));
  }

  #answered(end: End, probe: number): void {
    if (!this.alive || !this.host.up || this.host.frozen) return;
    this.#world.network.probeAnswered(this.host, end.peer.host);
    if (this.thread.isFree) this.#takeAnswer(end, probe);
    else this.thread.post(() => this.#takeAnswer(end, probe));
  }

  #takeAnswer(end: End, probe: number): void {
    end.answered = true;
    end.silentSince = undefined;
    this.#give({ kind: 'probe-answered', member: end.peer.member, probe });
  }

  /** A stream to a host that was silent is given up: a fresh one is quicker than TCP's patience. */
  #dropIfSilent(end: End): void {
    const { now } = this.#world;
    end.silentSince ??= now;
    const bound = Math.max(500, 2 * this.#world.cluster.timers.probe_timeout_ms);
    if (!end.answered || now - end.silentSince <= bound) return;
    end.silentSince = undefined;
    const { peer } = end;
    this.#world.agenda.after(0, () =>
      this.#world.streams.close(this.ends.get(peer.member), 'its host does not answer probes'),
    );
  }
}

function must<T>(
  decoded: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string },
): T {
  if (!decoded.ok) throw new Error(`the codec refuses its own bytes: ${decoded.error}`);
  return decoded.value;
}
