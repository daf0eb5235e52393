/** The datagrams of this member: heartbeats over a pair's stream token, seeks and beacons to whoever may be there. */
import type { EmbeddedGroupConfig } from '../config/config.ts';
import type { MemberId } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import {
  type DatagramEndpoint,
  type DatagramSocket,
  openMulticastListener,
  openMulticastSender,
} from '../platform/datagram-socket.ts';
import { wallClockSeconds } from '../platform/identity.ts';
import type { Descriptor } from '../platform/libc.ts';
import { addressOfInterface, plainAddress } from '../platform/name-lookup.ts';
import { openSplitDatagrams, type SplitDatagrams } from '../platform/split-datagrams.ts';
import type { Counters } from './counters.ts';
import { FLOOD, FloodGate } from './flood-gate.ts';
import { ReplayWindow } from './replay-window.ts';
import {
  type Datagram,
  type DatagramKind,
  type DatagramSecret,
  heartbeatPreference,
  isHeartbeat,
  openDatagram,
  type PairToken,
  sealDatagram,
} from './sealed-datagram.ts';

/** What came without a stream is news if the sender's clock says it is no older (nor newer) than this. */
const CLOCK_SKEW_SECONDS_MAX = 60;
/** Senders whose numbers are remembered. */
const SENDERS_MAX = 512;

export interface DatagramPlaneSettings {
  readonly self: MemberId;
  readonly listen: DatagramEndpoint;
  readonly secret: DatagramSecret;
  /** Where heartbeats wait; absent: they come like all others. Stays the caller's. */
  readonly queue?: Descriptor;
  readonly multicast?: NonNullable<EmbeddedGroupConfig['multicast']>;
  readonly beaconInterval: Millis;
  /** How long the last heartbeat is news enough to travel with seeks. */
  readonly heartbeatFresh: Millis;
}

export interface DatagramPlaneEvents {
  /**
   * Authentic: somebody without a stream to us is there, or was. If it is no news it may be a recording, and since the code
   * does not cover where it came from, then only a configured address is to be believed.
   */
  readonly sought: (from: DatagramEndpoint, sender: MemberId, age: SeekAge) => void;
  /** Authentic and fresh. `loose`: it came with a seek, from one who has no stream to us. */
  readonly heartbeat: (sender: MemberId, bytes: Uint8Array, loose: boolean) => void;
  readonly tokensOf: (member: MemberId) => readonly PairToken[];
  readonly problem: (text: string) => void;
  /** More came than we look at. Told again when it has been over in between. */
  readonly flooded?: () => void;
}

export interface SeekAge {
  /** It was made lately. */
  readonly news: boolean;
  /** The sender's wall clock less ours; seconds. */
  readonly clockOff: number;
}

export interface DatagramPlaneCollaborators {
  readonly counters: Counters;
  readonly clock: () => Instant;
  /** Seconds since 1970; this host's own unless given. */
  readonly wallClock?: () => number;
  readonly events: DatagramPlaneEvents;
}

/**
 * A stream is new: its first heartbeat is looked for so long after, then after twice that, and so on up to the last. Later
 * ones wait until their reader is awake anyway.
 */
const LOOK_FIRST_MS = 1;
const LOOK_LAST_MS = 64;

const NO_BODY = new Uint8Array(0);
/** Where a heartbeat came from does not matter: it is bound to its stream. */
const NOWHERE: DatagramEndpoint = { host: '', port: 0 };

export class DatagramPlane {
  readonly #settings: DatagramPlaneSettings;
  readonly #counters: Counters;
  readonly #clock: () => Instant;
  readonly #wallClock: () => number;
  readonly #events: DatagramPlaneEvents;
  readonly #senders = new Map<MemberId, ReplayWindow>();
  #number = 0n;
  #socket: SplitDatagrams | undefined;
  #listener: DatagramSocket | undefined;
  #beacon: DatagramSocket | undefined;
  #beaconTimer: NodeJS.Timeout | undefined;
  readonly #gate = new FloodGate();
  #gateTimer: NodeJS.Timeout | undefined;
  #letThrough = 1;
  #looking: NodeJS.Timeout | undefined;
  #lastHeartbeat: Uint8Array = NO_BODY;
  #lastHeartbeatAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(settings: DatagramPlaneSettings, collaborators: DatagramPlaneCollaborators) {
    this.#settings = settings;
    this.#counters = collaborators.counters;
    this.#clock = collaborators.clock;
    this.#wallClock = collaborators.wallClock ?? wallClockSeconds;
    this.#events = collaborators.events;
  }

  /** `port`: the one the streams listen on. Rejects with Node's error when it cannot bind. */
  async start(port: number): Promise<void> {
    const { listen, multicast, queue } = this.#settings;
    const handlers = { ...this.#handlers(), preferred: (bytes: Buffer) => this.#queued(bytes) };
    const local = { host: listen.host, port, ...(queue === undefined ? {} : { queue }) };
    this.#socket = await openSplitDatagrams(local, handlers);
    if (multicast !== undefined) await this.#startBeacon(multicast);
  }

  stop(): void {
    clearInterval(this.#beaconTimer);
    clearInterval(this.#gateTimer);
    clearTimeout(this.#looking);
    for (const socket of [this.#socket, this.#listener, this.#beacon]) socket?.close();
  }

  /** Heartbeats bound to these tokens are read whatever else comes. */
  prefer(tokens: readonly PairToken[]): void {
    this.#socket?.prefer(heartbeatPreference(this.#settings.secret.clusterHash, tokens));
    if (this.#settings.queue !== undefined) this.#lookAfter(LOOK_FIRST_MS);
  }

  /** Hands over the heartbeats that wait. */
  readHeartbeats(): void {
    this.#socket?.readPreferred();
  }

  #lookAfter(delay: Millis): void {
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => {
      this.readHeartbeats();
      if (delay < LOOK_LAST_MS) this.#lookAfter(2 * delay);
    }, delay);
  }

  /** What we would tell anybody now; seeks carry it. */
  noteHeartbeat(bytes: Uint8Array): void {
    this.#lastHeartbeat = bytes;
    this.#lastHeartbeatAt = this.#clock();
  }

  sendHeartbeat(bytes: Uint8Array, to: readonly DatagramEndpoint[], token: PairToken): void {
    this.#counters.add('heartbeats_sent');
    const sealed = this.#seal('heartbeat', bytes, token);
    if (sealed !== undefined) for (const endpoint of to) this.#socket?.send(sealed, endpoint);
  }

  /** Carries our last heartbeat if it is news, so that one who cannot have a stream with us still learns of our view. */
  sendSeek(to: DatagramEndpoint): void {
    this.#counters.add('seeks_sent');
    const sealed = this.#seal('seek', this.#news());
    if (sealed !== undefined) this.#socket?.send(sealed, to);
  }

  #news(): Uint8Array {
    return this.#clock() - this.#lastHeartbeatAt <= this.#settings.heartbeatFresh
      ? this.#lastHeartbeat
      : NO_BODY;
  }

  #seal(kind: DatagramKind, body: Uint8Array, token?: PairToken): Buffer | undefined {
    this.#number += 1n;
    const { self, secret } = this.#settings;
    const listenPort = this.#socket?.port ?? 0;
    const datagram: Datagram = {
      kind,
      sender: self,
      number: this.#number,
      clock: this.#wallClock(),
      listenPort,
      body,
    };
    const sealed = sealDatagram(datagram, secret, token);
    if (sealed === undefined) this.#counters.add('datagrams_too_long');
    return sealed;
  }

  #handlers() {
    return {
      datagram: (bytes: Buffer, from: DatagramEndpoint) => this.#fromAnybody(bytes, from),
      failed: () => this.#counters.add('datagram_send_failed'),
    };
  }

  /** No more of them than we can afford, and of the rest the kernel shall relieve us. */
  #fromAnybody(bytes: Buffer, from: DatagramEndpoint): void {
    const admitted = this.#gate.admit(this.#clock());
    this.#adjust();
    if (admitted) this.#received(bytes, from);
    else this.#counters.add('datagrams_over_budget');
  }

  #adjust(): void {
    const { share } = this.#gate;
    if (share === this.#letThrough) return;
    if (this.#letThrough === 1) {
      this.#counters.add('datagram_floods');
      this.#events.flooded?.();
    }
    this.#letThrough = share;
    this.#socket?.letThrough(share);
    clearInterval(this.#gateTimer);
    if (share < 1) this.#gateTimer = setInterval(() => this.#passGate(), FLOOD.window_ms);
  }

  #passGate(): void {
    this.#gate.pass(this.#clock());
    this.#adjust();
  }

  /** In the moment between two sockets and what tells them apart, anything may get there. */
  #queued(bytes: Buffer): void {
    if (isHeartbeat(bytes)) this.#received(bytes, NOWHERE);
    else this.#counters.add('datagrams_malformed');
  }

  #received(bytes: Buffer, from: DatagramEndpoint): void {
    const opened = openDatagram(bytes, this.#settings.secret, this.#events.tokensOf);
    if (!opened.ok) return this.#counters.add(`datagrams_${opened.error.replaceAll('-', '_')}`);
    const { value } = opened;
    if (value.sender === this.#settings.self) return;
    const clockOff = value.clock - this.#wallClock();
    const timely = Math.abs(clockOff) <= CLOCK_SKEW_SECONDS_MAX;
    const window = this.#windowOf(value.sender, timely || value.kind === 'heartbeat');
    if (window?.accept(value.number) === false) return this.#counters.add('datagrams_replayed');
    if (value.kind === 'heartbeat') {
      if (window !== undefined) window.paired = true;
      this.#counters.add('heartbeats_received');
      return this.#events.heartbeat(value.sender, value.body, false);
    }
    this.#counters.add(value.kind === 'seek' ? 'seeks_received' : 'beacons_received');
    if (!timely) this.#counters.add('datagrams_clock_differs');
    else if (value.body.length > 0) this.#looseHeartbeat(value);
    const news = timely || window?.paired === true;
    const endpoint = { host: plainAddress(from.host), port: value.listenPort };
    this.#events.sought(endpoint, value.sender, { news, clockOff });
  }

  /** Where there is a stream, there are heartbeats bound to it. */
  #looseHeartbeat(datagram: Datagram): void {
    if (this.#events.tokensOf(datagram.sender).length > 0) return;
    this.#events.heartbeat(datagram.sender, datagram.body, true);
  }

  /** `admit`: remember one who is not known yet; recordings of members long gone shall not push out those that live. */
  #windowOf(sender: MemberId, admit: boolean): ReplayWindow | undefined {
    const known = this.#senders.get(sender);
    if (known === undefined && !admit) return undefined;
    const window = known ?? new ReplayWindow();
    // Last in the map: the first one is the one not heard for longest.
    this.#senders.delete(sender);
    this.#senders.set(sender, window);
    if (this.#senders.size > SENDERS_MAX) {
      const [oldest] = this.#senders.keys();
      if (oldest !== undefined) this.#senders.delete(oldest);
    }
    return window;
  }

  /** Discovery is a convenience: where the link cannot do it, that is said and the rest works. */
  async #startBeacon(multicast: NonNullable<EmbeddedGroupConfig['multicast']>): Promise<void> {
    const { group, port } = multicast;
    const leaving = this.#multicastInterface(multicast);
    if (leaving === undefined) {
      const text = `group.multicast: interface ${multicast.interface ?? '(none given)'} has no address for ${group}`;
      return this.#events.problem(`${text}; name another one, or remove group.multicast`);
    }
    try {
      this.#listener = await openMulticastListener({ group, port, interface: leaving }, this.#handlers());
      this.#beacon = await openMulticastSender({ group, port, interface: leaving }, this.#handlers());
    } catch (error) {
      return this.#events.problem(`group.multicast: no beacon on ${group} port ${port}: ${String(error)}`);
    }
    const send = (): void => {
      const sealed = this.#seal('beacon', NO_BODY);
      if (sealed !== undefined) this.#beacon?.send(sealed, { host: group, port });
    };
    send();
    this.#beaconTimer = setInterval(send, this.#settings.beaconInterval);
  }

  #multicastInterface(multicast: NonNullable<EmbeddedGroupConfig['multicast']>): string | undefined {
    const v6 = multicast.group.includes(':');
    if (multicast.interface === undefined) return v6 ? '::' : this.#settings.listen.host;
    return v6 ? `::%${multicast.interface}` : addressOfInterface(multicast.interface, 4);
  }
}
