/**
 * Hosts, processes and the network between them in virtual time, around real engines. Streams are reliable and FIFO as
 * TCP is: what cannot pass waits, an end that waits too long gives up, and the other end learns of it only when its own
 * bytes meet a reset. Datagrams and probes get lost, and may overtake each other. Kernels answer probes whatever their
 * processes do.
 */
import type { DetectorTimers } from '../../../src/config/config.ts';
import { decodeFrame, decodeHeartbeat, encodeFrame, encodeHeartbeat } from '../../../src/membership/codec.ts';
import { createEngine } from '../../../src/membership/engine.ts';
import type { EngineAction, EngineEvent, SansIoEngine } from '../../../src/membership/events.ts';
import type { Decoded, Frame, Heartbeat } from '../../../src/membership/messages.ts';
import { WIRE_VERSION } from '../../../src/membership/messages.ts';
import type { MemberId } from '../../../src/model/member.ts';
import { memberId } from '../../../src/model/member.ts';
import { Agenda } from '../../../src/simulation/world/agenda.ts';
import type { Random } from '../../../src/simulation/world/random.ts';
import type { Trace } from '../../../src/simulation/world/trace.ts';

export interface WorldSettings {
  readonly hosts: number;
  readonly timers: DetectorTimers;
  /** One-way delay of the network, in ms. */
  readonly delay: { readonly min: number; readonly max: number };
  /** Ordered pairs of hosts (`from>to`) whose way is longer, and how many times. */
  readonly detours: ReadonlyMap<string, number>;
  /** Share of datagrams and probes that is lost. */
  readonly loss: number;
  /** How long an end of a stream tries before it gives up, in ms. */
  readonly streamPatience: number;
  /** Frames and heartbeats pass through the codec. */
  readonly encoded: boolean;
  /** Hosts (by index) nobody can probe. */
  readonly deaf: ReadonlySet<number>;
  readonly verbose: boolean;
}

/** One run of one agent. */
export interface Process {
  readonly host: Host;
  readonly member: MemberId;
  readonly engine: SansIoEngine;
  readonly trace: Trace;
  readonly ends: Map<MemberId, End>;
  alive: boolean;
  /** Main thread stuck: no ticks. */
  hung: boolean;
  paused: boolean;
  pausedAt: number;
  backlog: EngineEvent[];
  /** What its seeks carry. */
  news: Heartbeat | undefined;
  wakes: number;
}

export interface Host {
  readonly index: number;
  readonly name: string;
  up: boolean;
  /** VM paused: nothing runs, not even its kernel. */
  frozen: boolean;
  process: Process | undefined;
}

/** One end of a stream. */
interface End {
  readonly owner: Process;
  readonly peer: Process;
  other: End | undefined;
  open: boolean;
  /** Its owner knows of it. */
  known: boolean;
  /** Sent and not yet arrived. */
  waiting: Frame[];
  pumping: boolean;
  blockedSince: number | undefined;
}

export class World {
  readonly agenda = new Agenda();
  readonly hosts: Host[] = [];
  readonly traces: Trace[] = [];
  /** Messages sent over streams, by kind of frame. */
  readonly counts = new Map<string, number>();
  readonly settings: WorldSettings;
  readonly random: Random;
  private readonly cuts = new Set<string>();

  constructor(settings: WorldSettings, random: Random) {
    this.settings = settings;
    this.random = random;
    for (let index = 0; index < settings.hosts; index++) {
      const name = `h${String(index).padStart(2, '0')}`;
      this.hosts.push({ index, name, up: true, frozen: false, process: undefined });
    }
  }

  get now(): number {
    return this.agenda.now;
  }

  start(host: Host): Process {
    if (host.process?.alive) throw new Error(`${host.name} runs already`);
    const member = memberId(host.name, this.random.hex16());
    const trace: Trace = { member, events: [], sent: 0, alive: true };
    this.traces.push(trace);
    const engine = createEngine({ self: member, timers: this.settings.timers });
    const process: Process = {
      host,
      member,
      engine,
      trace,
      ends: new Map(),
      alive: true,
      hung: false,
      paused: false,
      pausedAt: 0,
      backlog: [],
      news: undefined,
      wakes: 0,
    };
    host.process = process;
    host.up = true;
    this.give(process, { kind: 'timeout' });
    this.keepTicking(process);
    this.keepDialling(process);
    return process;
  }

  /** Ends the process; its kernel, if it is up, tells the other ends. */
  stop(process: Process, kernelTells: boolean): void {
    process.alive = false;
    process.trace.alive = false;
    if (process.host.process === process) process.host.process = undefined;
    for (const end of process.ends.values()) {
      end.open = false;
      if (kernelTells) this.reset(end);
    }
    process.ends.clear();
  }

  powerOff(host: Host): void {
    if (host.process) this.stop(host.process, false);
    host.up = false;
  }

  pause(process: Process): void {
    if (process.paused) return;
    process.paused = true;
    process.pausedAt = this.now;
  }

  /** The driver reads what waited, and says how late it is, in one order or the other. */
  resume(process: Process): void {
    if (!process.paused || !process.alive) return;
    process.paused = false;
    const backlog = process.backlog;
    process.backlog = [];
    const stalled = { kind: 'stalled', lateness: this.now - process.pausedAt } as const;
    const events = this.random.chance(0.5) ? [stalled, ...backlog] : [...backlog, stalled];
    for (const event of events) this.give(process, event);
    this.give(process, { kind: 'timeout' });
  }

  cut(from: Host, to: Host, cut: boolean): void {
    const key = `${from.index}>${to.index}`;
    if (cut) this.cuts.add(key);
    else this.cuts.delete(key);
  }

  passes(from: Host, to: Host): boolean {
    return !this.cuts.has(`${from.index}>${to.index}`);
  }

  heal(): void {
    this.cuts.clear();
  }

  multicast(process: Process): void {
    if (!process.alive || process.paused) return;
    const number = ++process.trace.sent;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, number);
    this.give(process, { kind: 'multicast', bytes });
  }

  /** Breaks the stream between two processes as a stateful firewall would: both ends see it. */
  breakStream(a: Process, b: Process): void {
    this.closeEnd(a.ends.get(b.member), 'reset on the way');
    this.closeEnd(b.ends.get(a.member), 'reset on the way');
  }

  give(process: Process, event: EngineEvent): void {
    if (!process.alive) return;
    if (process.paused || process.host.frozen) {
      if (event.kind !== 'timeout' && event.kind !== 'tick') process.backlog.push(event);
      return;
    }
    for (const action of process.engine.handle(event, this.now)) this.perform(process, action);
    this.scheduleWake(process);
  }

  private scheduleWake(process: Process): void {
    const at = process.engine.nextTimeout();
    const wake = ++process.wakes;
    if (at === undefined) return;
    this.agenda.at(at + this.random.next(), () => {
      if (process.wakes === wake) this.give(process, { kind: 'timeout' });
    });
  }

  private keepTicking(process: Process): void {
    if (!process.alive) return;
    if (!process.hung) this.give(process, { kind: 'tick' });
    this.agenda.after(this.settings.timers.heartbeat_interval_ms, () => this.keepTicking(process));
  }

  /** Every seek interval each process dials whom it has no stream with. */
  private keepDialling(process: Process): void {
    if (!process.alive) return;
    if (!process.paused && !process.host.frozen) {
      for (const host of this.hosts) {
        const other = host.process;
        if (!other || other === process || process.ends.get(other.member)?.open) continue;
        this.dial(process, other);
        if (process.news) this.sendHeartbeat(process, { to: other.member, heartbeat: process.news });
      }
    }
    const { seek_interval_ms } = this.settings.timers;
    this.agenda.after(this.random.between(1, 1.3) * seek_interval_ms, () => this.keepDialling(process));
  }

  private dial(from: Process, to: Process): void {
    this.agenda.after(1.5 * this.roundTrip(from.host, to.host), () => {
      const possible =
        from.alive &&
        to.alive &&
        !to.paused &&
        !to.host.frozen &&
        this.passes(from.host, to.host) &&
        this.passes(to.host, from.host);
      if (!possible || from.ends.get(to.member)?.open) return;
      // The accepting end may still hold a stream whose other end gave up.
      this.closeEnd(to.ends.get(from.member), 'replaced by a new stream');
      this.connect(from, to);
    });
  }

  private connect(from: Process, to: Process): void {
    const a: End = end(from, to);
    const b: End = end(to, from);
    a.other = b;
    b.other = a;
    from.ends.set(to.member, a);
    to.ends.set(from.member, b);
    // The accepting end knows first; nothing arrives at an end before it knows.
    this.announce(b);
    this.agenda.after(this.delay(to.host, from.host), () => this.announce(a));
  }

  private announce(end: End): void {
    if (!end.open) return;
    end.known = true;
    this.give(end.owner, { kind: 'stream-opened', member: end.peer.member, wireVersion: WIRE_VERSION });
  }

  private closeEnd(end: End | undefined, reason: string): void {
    if (!end?.open) return;
    end.open = false;
    this.reset(end);
    if (end.owner.ends.get(end.peer.member) === end) end.owner.ends.delete(end.peer.member);
    if (end.known) this.give(end.owner, { kind: 'stream-closed', member: end.peer.member, reason });
  }

  /** Tells the far end that this one is gone, if a packet gets through. */
  private reset(end: End): void {
    const { other } = end;
    if (!other?.open || !this.passes(end.owner.host, end.peer.host)) return;
    this.agenda.after(this.delay(end.owner.host, end.peer.host) + 0.001, () =>
      this.closeEnd(other, 'closed by the other end'),
    );
  }

  private perform(process: Process, action: EngineAction): void {
    switch (action.kind) {
      case 'send':
        this.sendFrame(process, action.to, action.frame);
        break;
      case 'heartbeat':
        if (action.to === process.member) process.news = action.heartbeat;
        else this.sendHeartbeat(process, action);
        break;
      case 'probe':
        this.sendProbe(process, action.to, action.probe);
        break;
      case 'close-stream': {
        const end = process.ends.get(action.member);
        if (!end) break;
        end.open = false;
        process.ends.delete(action.member);
        this.reset(end);
        break;
      }
      case 'deliver':
        this.record(process, action.event);
        break;
      case 'left':
        process.trace.events.push({ kind: 'left', at: this.now });
        this.agenda.after(0, () => this.stop(process, true));
        break;
      case 'note':
        if (this.settings.verbose) {
          console.log(
            `${this.now.toFixed(1)} ${process.member} ${action.what}: ${action.reason} ${action.member ?? ''}`,
          );
        }
        break;
    }
  }

  private record(process: Process, event: Extract<EngineAction, { kind: 'deliver' }>['event']): void {
    const at = this.now;
    const { events } = process.trace;
    if (event.kind === 'message') {
      const view = new DataView(event.bytes.buffer, event.bytes.byteOffset, event.bytes.byteLength);
      events.push({ kind: 'message', at, sender: event.sender, number: view.getUint32(0) });
    } else if (event.kind === 'view') events.push({ kind: 'view', at, view: event.view });
    else if (event.kind === 'outranked') events.push({ ...event, at });
    else if (event.kind === 'detached') events.push({ kind: 'detached', at, reason: event.reason });
    else events.push({ kind: 'transitional', at });
    if (this.settings.verbose) {
      const text = event.kind === 'view' ? JSON.stringify(event.view) : '';
      console.log(`${at.toFixed(1)} ${process.member} == ${event.kind} ${text}`);
    }
  }

  private sendFrame(process: Process, to: MemberId, frame: Frame): void {
    const end = process.ends.get(to);
    if (!end?.open) return;
    this.counts.set(frame.kind, (this.counts.get(frame.kind) ?? 0) + 1);
    end.waiting.push(this.settings.encoded ? must(decodeFrame(encodeFrame(frame).slice())) : frame);
    this.pump(end);
  }

  /** Moves the first waiting frame; one at a time, so that order stays. */
  private pump(end: End): void {
    if (end.pumping || !end.open || end.waiting.length === 0) return;
    end.pumping = true;
    const free = this.passes(end.owner.host, end.peer.host) && !end.peer.host.frozen;
    const reachable = free && this.passes(end.peer.host, end.owner.host);
    if (reachable && end.peer.host.up && !end.other?.open) {
      // A kernel without that stream answers with a reset.
      this.agenda.after(this.roundTrip(end.owner.host, end.peer.host), () =>
        this.closeEnd(end, 'reset by the other end'),
      );
      return;
    }
    const ready = free && end.peer.host.up;
    if (ready && end.other?.known !== false) return this.move(end);
    if (!ready) end.blockedSince ??= this.now;
    if (end.blockedSince !== undefined && this.now - end.blockedSince > this.settings.streamPatience) {
      return this.agenda.after(0, () => this.closeEnd(end, 'timed out'));
    }
    this.agenda.after(ready ? 1 : 25, () => {
      end.pumping = false;
      this.pump(end);
    });
  }

  private move(end: End): void {
    end.blockedSince = undefined;
    const moved = end.waiting;
    end.waiting = [];
    this.agenda.after(this.delay(end.owner.host, end.peer.host), () => {
      for (const frame of moved) {
        if (end.other?.open) this.give(end.peer, { kind: 'frame', member: end.owner.member, frame });
      }
      end.pumping = false;
      this.pump(end);
    });
  }

  private sendHeartbeat(
    process: Process,
    action: { readonly to: MemberId; readonly heartbeat: Heartbeat },
  ): void {
    const to = this.processOf(action.to);
    if (!to || !this.passes(process.host, to.host) || this.random.chance(this.settings.loss)) return;
    const { encoded } = this.settings;
    const heartbeat = encoded ? must(decodeHeartbeat(encodeHeartbeat(action.heartbeat))) : action.heartbeat;
    this.agenda.after(this.delay(process.host, to.host), () =>
      this.give(to, { kind: 'heartbeat', member: process.member, heartbeat }),
    );
  }

  private sendProbe(process: Process, to: MemberId, probe: number): void {
    const host = this.hosts.find((candidate) => to.startsWith(`${candidate.name}#`))!;
    if (this.settings.deaf.has(host.index)) {
      return this.agenda.after(0, () => this.give(process, { kind: 'probe-unavailable', member: to }));
    }
    if (this.random.chance(this.settings.loss)) return;
    if (!host.up || host.frozen || !this.passes(process.host, host) || !this.passes(host, process.host))
      return;
    this.agenda.after(this.roundTrip(process.host, host), () =>
      this.give(process, { kind: 'probe-answered', member: to, probe }),
    );
  }

  private processOf(member: MemberId): Process | undefined {
    return this.hosts.find((host) => host.process?.member === member)?.process;
  }

  private delay(from: Host, to: Host): number {
    const detour = this.settings.detours.get(`${from.index}>${to.index}`) ?? 1;
    return detour * this.random.between(this.settings.delay.min, this.settings.delay.max);
  }

  private roundTrip(a: Host, b: Host): number {
    return this.delay(a, b) + this.delay(b, a);
  }
}

function end(owner: Process, peer: Process): End {
  return {
    owner,
    peer,
    other: undefined,
    open: true,
    known: false,
    waiting: [],
    pumping: false,
    blockedSince: undefined,
  };
}

function must<T>(decoded: Decoded<T>): T {
  if (!decoded.ok) throw new Error(`the codec refuses its own bytes: ${decoded.error}`);
  return decoded.value;
}
