/**
 * The engine's hands: streams, datagrams, probes and discovery, driven from one thread. Turns what comes from the network
 * into engine events, and engine actions into bytes. Delivers group events to whoever started it.
 */
import type { EmbeddedGroupConfig } from '../config/config.ts';
import { decodeFrame, decodeHeartbeat, encodeFrame, encodeHeartbeat } from '../membership/codec.ts';
import type { EngineAction, SansIoEngine } from '../membership/events.ts';
import { type Frame, WIRE_VERSION, WIRE_VERSION_OLDEST } from '../membership/messages.ts';
import { type MemberId, nameOf } from '../model/member.ts';
import type { Instant, Millis } from '../model/time.ts';
import type { DatagramEndpoint } from '../platform/datagram-socket.ts';
import type { Descriptor } from '../platform/libc.ts';
import { isWildcard } from '../platform/name-lookup.ts';
import { Counters } from './counters.ts';
import { DatagramPlane } from './datagram-plane.ts';
import { Dialler } from './dialler.ts';
import { EngineDriver } from './engine-driver.ts';
import { FLOOD_LINE, THRONG_LINE } from './flood-gate.ts';
import type { GroupEvent, GroupStatus } from './group.ts';
import { Journal, type LogLine } from './journal.ts';
import { KeyRing } from './key-ring.ts';
import { listenError } from './listen-error.ts';
import { framedData, Mesh } from './mesh.ts';
import type { Session } from './mesh-events.ts';
import { peerStatuses } from './peer-status.ts';
import type { PingDoors } from './ping-doors.ts';
import { Prober } from './prober.ts';
import { Silence } from './silence.ts';

/** Not sooner: the engine has excluded the silent by then, and TCP gets over shorter pauses by itself. */
const SILENCE_MS_MIN = 500;

export interface TransportSettings {
  readonly cluster: string;
  readonly self: MemberId;
  readonly config: EmbeddedGroupConfig;
  /** Not closed by `stop`. */
  readonly doors: PingDoors;
  /** Not closed by `stop` either; see `openDatagramQueue`. Absent: heartbeats wake the thread. */
  readonly queue?: Descriptor | undefined;
  /** Other than this code's own versions only in tests of upgrades. */
  readonly wire?: { readonly oldest: number; readonly newest: number };
}

export interface TransportCollaborators {
  readonly engine: SansIoEngine;
  readonly clock: () => Instant;
  readonly bootClock: () => Instant;
  /** Seconds since 1970; this host's own unless given. */
  readonly wallClock?: () => number;
  readonly random: () => number;
  readonly deliver: (event: GroupEvent) => void;
  /** The goodbye is through. */
  readonly left: () => void;
  readonly log: (line: LogLine) => void;
  /** Called before deadlines are judged: takes up what waits for us without having woken us. */
  readonly look?: () => void;
}

export class Transport {
  readonly #settings: TransportSettings;
  readonly #with: TransportCollaborators;
  readonly #counters = new Counters();
  readonly #ring: KeyRing;
  readonly #journal: Journal;
  readonly #mesh: Mesh;
  readonly #datagrams: DatagramPlane;
  readonly #prober: Prober;
  readonly #dialler: Dialler;
  readonly #driver: EngineDriver;
  readonly #silence: Silence;
  /** A frame's bytes, as long as the engine has that frame. */
  readonly #sent = new WeakMap<Frame, Buffer>();
  readonly #warnings = new Set<string>();
  /** First heartbeats that overtook the word that their stream is open. */
  readonly #early = new Map<MemberId, Uint8Array>();

  constructor(settings: TransportSettings, collaborators: TransportCollaborators) {
    this.#settings = settings;
    this.#with = collaborators;
    const { clock } = collaborators;
    const { key, otherKeys = [] } = settings.config;
    this.#ring = new KeyRing(settings.cluster, key === undefined ? [] : [key, ...otherKeys]);
    this.#journal = new Journal(collaborators.log, clock);
    this.#mesh = this.#makeMesh();
    this.#datagrams = this.#makeDatagrams();
    this.#prober = new Prober(settings.doors, {
      counters: this.#counters,
      clock,
      answered: (member, probe) => {
        this.#silence.answered(member);
        this.#driver.post({ kind: 'probe-answered', member, probe });
      },
    });
    this.#silence = new Silence(Math.max(SILENCE_MS_MIN, 2 * settings.config.timers.probe_timeout_ms));
    this.#dialler = this.#makeDialler();
    this.#driver = new EngineDriver({
      engine: collaborators.engine,
      clock,
      bootClock: collaborators.bootClock,
      perform: (action) => this.#perform(action),
      drain: () => {
        collaborators.look?.();
        this.#prober.drain();
        this.#datagrams.readHeartbeats();
      },
      stalled: (lateness) => this.#stalled(lateness),
    });
  }

  /** Port of TCP and UDP; the configured one unless that was 0. */
  get port(): number {
    return this.#mesh.port;
  }

  /** Rejects with an Error for a person when the address cannot be used. */
  async start(): Promise<void> {
    const { listen } = this.#settings.config;
    try {
      await this.#mesh.start();
    } catch (error) {
      throw listenError(listen, 'TCP', error);
    }
    try {
      await this.#datagrams.start(this.#mesh.port);
    } catch (error) {
      this.#mesh.stop('it could not start');
      throw listenError(listen, 'UDP', error);
    }
    this.#driver.start();
    this.#dialler.start();
  }

  multicast(bytes: Uint8Array): void {
    this.#driver.post({ kind: 'multicast', bytes });
  }

  tick(): void {
    this.#driver.post({ kind: 'tick' });
  }

  /** Other cluster keys; why not, for people, where a member would be lost by it. */
  rekey(secrets: readonly Uint8Array[]): string | undefined {
    return this.#mesh.rekey(secrets);
  }

  leave(): void {
    this.#driver.post({ kind: 'leave' });
  }

  /** Closes everything; bytes that are queued still go out. */
  stop(reason: string): void {
    this.#driver.stop();
    this.#dialler.stop();
    this.#mesh.stop(reason);
    this.#datagrams.stop();
    this.#prober.stop();
  }

  status(): GroupStatus {
    const engine = this.#with.engine.status();
    const warnings = [...this.#warnings];
    return {
      engine: `embedded (${engine.state})`,
      self: this.#settings.self,
      peers: peerStatuses({
        places: this.#dialler.places(),
        mesh: this.#mesh,
        engine,
        ring: this.#ring,
        warnings,
      }),
      keys: this.#ring.fingerprints,
      counters: this.#counters.snapshot(),
    };
  }

  #makeMesh(): Mesh {
    const { cluster, self, config, wire } = this.#settings;
    const settings = {
      identity: {
        cluster,
        member: self,
        wire: wire ?? { oldest: WIRE_VERSION_OLDEST, newest: WIRE_VERSION },
      },
      listen: config.listen,
      ...localAddressOf(config),
      ring: this.#ring,
      connectWithin: Math.min(3000, Math.max(300, 2 * config.timers.probe_timeout_ms)),
      checkWithin: Math.max(500, config.timers.probe_timeout_ms),
    };
    const events = {
      opened: (session: Session) => this.#opened(session),
      closed: (session: Session, reason: string) => this.#closed(session, reason),
      data: (session: Session, bytes: Buffer) => this.#data(session, bytes),
      failed: (...failure: Parameters<Dialler['failed']>) => {
        const member = failure[0].theirs?.member;
        if (member !== undefined) this.#early.delete(member);
        this.#dialler.failed(...failure);
      },
      greeted: (...greeting: Parameters<Dialler['greeted']>) => this.#dialler.greeted(...greeting),
      nameTaken: (where: string, text: string) => this.#nameTaken(where, text),
      tokensChanged: () => this.#datagrams.prefer(this.#mesh.tokens.all()),
      expects: (address: string) => this.#dialler.expects(address),
      expected: () => this.#dialler.expected(),
      thronged: () => this.#journal.writeSeldom('throng', THRONG_LINE),
    };
    return new Mesh(settings, { counters: this.#counters, clock: this.#with.clock, events });
  }

  #makeDatagrams(): DatagramPlane {
    const { self, config, queue } = this.#settings;
    const settings = {
      self,
      listen: config.listen,
      secret: this.#ring,
      ...(queue === undefined ? {} : { queue }),
      ...(config.multicast === undefined ? {} : { multicast: config.multicast }),
      beaconInterval: 4 * config.timers.seek_interval_ms,
      heartbeatFresh: 2 * config.timers.heartbeat_interval_ms,
    };
    const events = {
      sought: (...heard: Parameters<Dialler['heard']>) => this.#dialler.heard(...heard),
      heartbeat: (sender: MemberId, bytes: Uint8Array, loose: boolean) =>
        loose || this.#mesh.session(sender)
          ? this.#heartbeat(sender, bytes)
          : void this.#early.set(sender, bytes),
      tokensOf: (member: MemberId) => this.#mesh.tokens.of(member),
      problem: (text: string) => this.#warn(text),
      flooded: () => this.#journal.writeSeldom('flood', FLOOD_LINE),
    };
    const { clock, wallClock } = this.#with;
    const own = wallClock === undefined ? {} : { wallClock };
    return new DatagramPlane(settings, { counters: this.#counters, clock, events, ...own });
  }

  #makeDialler(): Dialler {
    const { self, config } = this.#settings;
    return new Dialler(
      { self, config, seekInterval: config.timers.seek_interval_ms },
      {
        mesh: this.#mesh,
        sendSeek: (to) => this.#datagrams.sendSeek(to),
        counters: this.#counters,
        journal: this.#journal,
        clock: this.#with.clock,
        random: this.#with.random,
      },
    );
  }

  #opened(session: Session): void {
    this.#dialler.opened(session);
    this.#noteStream('opened', session, `with ${session.remoteAddress}`);
    this.#driver.post({ kind: 'stream-opened', member: session.member, wireVersion: session.wireVersion });
    const early = this.#early.get(session.member);
    this.#early.delete(session.member);
    if (early !== undefined) this.#heartbeat(session.member, early);
    const reason = this.#prober.unavailable(session.remoteAddress);
    if (reason === undefined) return;
    this.#warn(
      `no ICMP probes (${reason}): silent hosts are noticed by heartbeats only, later; ` +
        'give the agent CAP_NET_RAW, or set net.ipv4.ping_group_range',
    );
    this.#driver.post({ kind: 'probe-unavailable', member: session.member });
  }

  #closed(session: Session, reason: string): void {
    this.#silence.forget(session.member);
    this.#prober.forget(session.member);
    this.#noteStream('closed', session, reason);
    this.#driver.post({ kind: 'stream-closed', member: session.member, reason });
    this.#dialler.lost(session, reason, true);
  }

  #data(session: Session, bytes: Buffer): void {
    const decoded = decodeFrame(bytes);
    if (decoded.ok) {
      this.#driver.post({ kind: 'frame', member: session.member, frame: decoded.value });
      return;
    }
    this.#counters.add('frames_malformed');
    this.#journal.writeSeldom(`frame ${session.member}`, {
      level: 'warn',
      message: 'a frame could not be read and was ignored',
      fields: { peer: session.member, reason: decoded.error },
    });
  }

  #heartbeat(sender: MemberId, bytes: Uint8Array): void {
    const decoded = decodeHeartbeat(bytes);
    if (!decoded.ok || decoded.value.sender !== sender) return this.#counters.add('heartbeats_malformed');
    this.#driver.post({ kind: 'heartbeat', member: sender, heartbeat: decoded.value });
  }

  #perform(action: EngineAction): void {
    switch (action.kind) {
      case 'send':
        return this.#mesh.send(action.to, this.#framed(action.frame));
      case 'heartbeat':
        return this.#sendHeartbeat(action.to, encodeHeartbeat(action.heartbeat));
      case 'probe':
        return this.#probe(action.to, action.probe);
      case 'close-stream':
        return this.#closeStream(action.member, action.reason);
      case 'deliver':
        return this.#with.deliver(action.event);
      case 'left':
        return this.#with.left();
      case 'note': {
        const fields = {
          reason: action.reason,
          ...(action.member === undefined ? {} : { member: action.member }),
        };
        return this.#with.log({ level: action.level, message: action.what, fields });
      }
    }
  }

  /** Of a frame to many members the bytes are made once. */
  #framed(frame: Frame): Buffer {
    const known = this.#sent.get(frame);
    if (known !== undefined) return known;
    const fresh = framedData(encodeFrame(frame));
    this.#sent.set(frame, fresh);
    return fresh;
  }

  #probe(to: MemberId, probe: number): void {
    this.#prober.ask(to, probe, this.#addressesOf(to));
    if (this.#silence.asked(to, this.#with.clock())) this.#mesh.drop(to, 'its host does not answer probes');
  }

  #sendHeartbeat(to: MemberId, bytes: Uint8Array): void {
    const session = this.#mesh.session(to);
    this.#datagrams.noteHeartbeat(bytes);
    if (session !== undefined)
      this.#datagrams.sendHeartbeat(bytes, this.#endpointsOf(session), session.token);
  }

  #closeStream(member: MemberId, reason: string): void {
    const session = this.#mesh.session(member);
    if (session === undefined) return;
    this.#noteStream('closed by us', session, reason);
    this.#silence.forget(member);
    this.#prober.forget(member);
    this.#mesh.close(member, reason);
    this.#dialler.lost(session, reason, false);
  }

  #endpointsOf(session: Session): readonly DatagramEndpoint[] {
    const own = { host: session.remoteAddress, port: session.listenPort };
    const others = this.#dialler.addressesOf(nameOf(session.member));
    return [own, ...others.filter(({ host }) => host !== own.host)];
  }

  #addressesOf(member: MemberId): readonly string[] {
    const session = this.#mesh.session(member);
    return session === undefined ? [] : this.#endpointsOf(session).map(({ host }) => host);
  }

  /** Two live members of one name: the younger must not go on beside the elder, for it would hold VIPs twice. */
  #nameTaken(where: string, text: string): void {
    this.#with.deliver({ kind: 'detached', reason: `refused by ${where}: ${text}` });
  }

  #stalled(lateness: Millis): void {
    this.#counters.add('stalls');
    if (lateness < this.#settings.config.timers.heartbeat_timeout_ms) return;
    this.#journal.writeSeldom('stall', {
      level: 'warn',
      message: 'this host did not let us run, or was suspended',
      fields: { lateness_ms: Math.round(lateness) },
    });
  }

  #warn(text: string): void {
    if (this.#warnings.has(text)) return;
    this.#warnings.add(text);
    this.#with.log({ level: 'warn', message: 'group communication is limited', fields: { reason: text } });
  }

  #noteStream(what: string, session: Session, reason: string): void {
    this.#journal.writeSeldom(`${what} ${session.member}`, {
      level: 'info',
      message: `stream ${what}`,
      fields: { peer: session.member, reason },
    });
  }
}

/** What we dial and probe from is where we listen, so that others see one address of us. */
function localAddressOf(config: EmbeddedGroupConfig): { localAddress?: string } {
  return isWildcard(config.listen.host) ? {} : { localAddress: config.listen.host };
}
