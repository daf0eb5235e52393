/**
 * One member's time in the group, on the thread that speaks with corosync: wires `session.ts` to the connection, to a clock and to the
 * agent's thread. Decides nothing.
 */
import { nameOf } from '../../model/member.ts';
import { monotonicNow } from '../../platform/clock.ts';
import type { TotemTimes } from '../../platform/corosync-totem.ts';
import type { GroupEvent, GroupStatus } from '../group.ts';
import { Outbound } from '../outbound.ts';
import type { SynchronyAction } from '../spread/synchrony.ts';
import { STATUS_INTERVAL_MS } from '../worker-messages.ts';
import { CorosyncError } from './codes.ts';
import { DaemonLink, LibraryMissing } from './daemon-link.ts';
import { describePlace } from './memberships.ts';
import { Outgoing } from './outgoing.ts';
import type { ChangePractice } from './practice.ts';
import { Session, type SessionAction } from './session.ts';
import { type FromThread, type RunStart, WORD } from './thread-messages.ts';

/** Between two pulses of a member that is well. */
const PULSE_MS = 250;
/** Of the time for coming in. The rest is for the daemon's reason to arrive, which says more than that there was no answer. */
const JOIN_SHARE = 0.9;
/** The agent's ticks must be as fresh as this for a pulse. */
const TICK_FRESH_MS = 1000;
/** An announcement that others wait for is overdue after this. */
const MUTE_MS = 1000;
/** Until the daemon is asked again to take what it did not. */
const RETRY_MS = 5;
/** How long the group may take to hear our goodbye. */
const GOODBYE_MS = 500;

/** Without a sign of unrest after which a ring has settled. */
const CALM_MS = 10_000;

type Post = (message: FromThread, transfer?: readonly ArrayBuffer[]) => void;

export interface RunCollaborators {
  readonly post: Post;
  /** Goes on while all is quiet. */
  readonly practice: (settings: { readonly decrees: boolean }) => ChangePractice;
}

export class Run {
  readonly #start: RunStart;
  readonly #post: Post;
  readonly #outbound: Outbound;
  readonly #words: Int32Array;
  readonly #outgoing = new Outgoing();
  #link: DaemonLink | undefined;
  #session: Session | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #goodbye: NodeJS.Timeout | undefined;
  #leaving = false;
  #over = false;
  #ticks = 0;
  #tickedAt = Number.NEGATIVE_INFINITY;
  /** Turns of the timer since the daemon last gave back a pulse of ours. */
  #unreturned = 0;
  #returned = 0;
  #statusAt = Number.NEGATIVE_INFINITY;
  /** The agent was told something since the last turn. */
  #stirred = true;
  readonly #practice: RunCollaborators['practice'];

  constructor(start: RunStart, { post, practice }: RunCollaborators) {
    this.#start = start;
    this.#post = post;
    this.#practice = practice;
    this.#words = new Int32Array(start.words);
    this.#outbound = new Outbound((parcel, transfer) => post({ kind: 'parcel', ...parcel }, transfer));
  }

  async begin(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      if (error instanceof LibraryMissing) {
        this.#post({ kind: 'refused', reason: error.message });
        return this.#end();
      }
      if (!(error instanceof CorosyncError)) throw error;
      this.#lost(error.message);
    }
  }

  async #connect(): Promise<void> {
    const { cluster, self, group, goneWithDaemon } = this.#start;
    const link = DaemonLink.open(group);
    this.#link = link;
    if (this.#isAbandoned) return this.#end();
    await link.join(JOIN_SHARE * group.connect_timeout_ms);
    if (this.#isAbandoned || this.#over) return this.#end();
    this.#session = new Session({
      self,
      cluster,
      cpgGroup: group.cpg_group,
      here: link.here,
      decrees: link.decrees,
      stance: {
        patience: patienceWith(link.times),
        calm: Math.ceil(CALM_MS / PULSE_MS),
        reaches: (node) => link.reach?.has(node) === true,
      },
      least: () => Date.now(),
      pulsesUnheard: Math.ceil(group.agent_timeout_ms / PULSE_MS),
      pulsesMute: Math.ceil(Math.min(MUTE_MS, group.agent_timeout_ms) / PULSE_MS),
      ...(goneWithDaemon && { goneWithDaemon }),
    });
    link.listen({
      events: (events, quorum) => this.#perform(this.#session!.handle(events, quorum)),
      totem: (events) => {
        for (const event of events) this.#perform(this.#session!.formed(event));
      },
      failed: (error) => this.#lost(error.message),
    });
    this.#timer = setInterval(() => this.#turn(), PULSE_MS);
    this.#post({ kind: 'joined', handles: link.handles() });
    this.#outbound.note({
      level: 'info',
      message: 'connected to corosync',
      fields: {
        node: link.here.node,
        group: group.cpg_group,
        primary_by: link.decrees ? 'corosync' : 'votes',
      },
    });
    this.#tellStatus();
  }

  get #isAbandoned(): boolean {
    return Atomics.load(this.#words, WORD.abandoned) !== 0;
  }

  multicast(bytes: Uint8Array): void {
    if (this.#session !== undefined) this.#perform(this.#session.multicast(bytes));
  }

  /** Behind everything that was to be sent. */
  leave(): void {
    if (this.#over || this.#leaving) return;
    this.#leaving = true;
    if (this.#session === undefined) return this.#end();
    this.#goodbye = setTimeout(() => this.#end(), GOODBYE_MS);
    this.#sayGoodbye();
  }

  #sayGoodbye(): void {
    if (!this.#leaving || this.#session?.settled !== true || !this.#outgoing.isEmpty) return;
    this.#session.leaving();
    this.#call((link) => link.leave());
  }

  /** Whenever the thread is awake. */
  look(): void {
    const ticks = Atomics.load(this.#words, WORD.ticks);
    if (ticks !== this.#ticks) {
      if (!this.#isTicked) this.#unreturned = 0;
      this.#ticks = ticks;
      this.#tickedAt = monotonicNow();
      Atomics.add(this.#words, WORD.pulse, 1);
      this.#outbound.taken(Atomics.load(this.#words, WORD.taken));
    }
    if (monotonicNow() - this.#statusAt >= STATUS_INTERVAL_MS) this.#tellStatus();
  }

  /** Before its first tick nobody is well. */
  get #isTicked(): boolean {
    return monotonicNow() - this.#tickedAt <= TICK_FRESH_MS;
  }

  /** A pulse says that the agent is well: it ticks. Also looks whether the daemon still answers, and its ring still delivers. */
  #turn(): void {
    this.look();
    if (!this.#call((link) => link.ask())) return;
    this.#link?.reach?.look(this.#session?.otherNodes ?? []);
    if (!this.#isTicked) return;
    this.#perform(this.#session?.pulse() ?? []);
    // Turns, not time: after a stall of ours the daemon's words are read before it is judged.
    this.#perform(
      this.#session?.turn({ silent: this.#unreturned, hasDevice: this.#link?.hasDevice === true }) ?? [],
    );
    this.#unreturned += 1;
    const { daemon_timeout_ms: patience } = this.#start.group;
    if (this.#unreturned * PULSE_MS > patience && !this.#isRingThere)
      this.#lost(
        `corosync has delivered nothing for ${patience} ms, though it answers: its ring does not form`,
      );
    this.#practise();
  }

  /** With a quorum device a ring may wait for it, and others not. */
  get #isRingThere(): boolean {
    return this.#session?.isRingThere === true && this.#link?.hasDevice !== true;
  }

  /** Not within an interval in which anything happened. */
  #practise(): void {
    const quiet = !this.#stirred && !this.#leaving && !this.#over && this.#session?.settled === true;
    this.#stirred = false;
    if (quiet && this.#outgoing.isEmpty && this.#link !== undefined)
      this.#practice({ decrees: this.#link.decrees }).turn();
  }

  #perform(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      if (this.#over) return;
      this.#act(action);
    }
    if (this.#session !== undefined && this.#session.pulsesReturned !== this.#returned) {
      this.#returned = this.#session.pulsesReturned;
      this.#unreturned = 0;
    }
    this.#flush();
    this.#sayGoodbye();
  }

  #act(action: SessionAction): void {
    switch (action.kind) {
      case 'send':
        if (!this.#outgoing.add(action.bytes))
          this.#lost('corosync takes too little of what we have to send');
        return;
      case 'returned':
        return this.#outgoing.returned();
      case 'deliver':
        return this.#deliver(action.event);
      case 'detach':
        return this.#lost(action.reason);
      case 'left':
        return this.#end();
      case 'note':
        return this.#note(action);
    }
  }

  #deliver(event: GroupEvent): void {
    this.#stirred = true;
    // A membership is as good as a pulse: the daemon delivers.
    if (event.kind === 'view') this.#unreturned = 0;
    const overflow = this.#outbound.add(event);
    if (overflow !== undefined) this.#lost(overflow);
  }

  #note({ level, what, reason }: Extract<SynchronyAction, { kind: 'note' }>): void {
    this.#outbound.note({ level, message: what, fields: { reason } });
  }

  #flush(): void {
    for (let next = this.#outgoing.next(); next !== undefined && !this.#over; next = this.#outgoing.next()) {
      const taken = this.#send(next);
      if (taken === undefined) return;
      if (!taken) return this.#flushSoon();
      this.#outgoing.sent();
    }
  }

  /** Whether the daemon has it; undefined: the daemon is lost. */
  #send(bytes: Uint8Array): boolean | undefined {
    let taken: boolean | undefined;
    this.#call((link) => {
      taken = link.send(bytes);
    });
    return taken;
  }

  #flushSoon(): void {
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
      this.#sayGoodbye();
    }, RETRY_MS);
  }

  /** False: the daemon is lost. */
  #call(ask: (link: DaemonLink) => void): boolean {
    if (this.#link === undefined || this.#over) return false;
    try {
      ask(this.#link);
      return true;
    } catch (error) {
      if (!(error instanceof CorosyncError)) throw error;
      this.#lost(error.message);
      return false;
    }
  }

  #lost(reason: string): void {
    if (this.#over) return;
    this.#outbound.add({ kind: 'detached', reason });
    this.#end();
  }

  /** The others hear it from the daemon. */
  #end(): void {
    if (this.#over && this.#link === undefined) return;
    this.#over = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    clearTimeout(this.#goodbye);
    this.#outbound.flush();
    const link = this.#link;
    this.#link = undefined;
    const closing = link?.close();
    const over = (): void => this.#post({ kind: 'over' });
    if (closing === undefined) over();
    else void closing.then(over);
  }

  #tellStatus(): void {
    this.#statusAt = monotonicNow();
    if (!this.#over) this.#post({ kind: 'status', status: this.#status() });
  }

  #status(): GroupStatus {
    const { self, group } = this.#start;
    const { seats = [], counters = {} } = this.#session ?? {};
    return {
      engine: `corosync, group ${group.cpg_group}`,
      self,
      peers: seats
        .filter(({ member }) => member !== self)
        .map(({ member, privateGroup }) => ({
          name: nameOf(member),
          member,
          address: describePlace(privateGroup),
          stream: 'open',
          host: 'unknown',
          agent: 'well',
        })),
      counters: { ...counters },
    };
  }
}

/** Turns after which the others have formed their ring, if they have lost us: once more than they need, as ours may begin later. */
function patienceWith(times: TotemTimes | undefined): number | undefined {
  return times && Math.ceil((times.token + 2 * times.consensus) / PULSE_MS);
}
