/**
 * Reliable FIFO streams between engines, as TCP gives them: what cannot pass waits, an end that waits too long gives up,
 * and the far end learns of it only when a packet gets through. A stream can be half-open: one end does not know that
 * the other is gone.
 */

import type { Frame } from '../../membership/messages.ts';
import type { Instant, Millis } from '../../model/time.ts';
import type { EngineThread } from './engine-thread.ts';
import type { World } from './world.ts';

/** How long an end tries before it gives up. */
const PATIENCE: Millis = 2000;
const BLOCKED_PAUSE: Millis = 25;

export interface End {
  readonly owner: EngineThread;
  readonly peer: EngineThread;
  other: End | undefined;
  open: boolean;
  /** Its owner knows of it. */
  known: boolean;
  /** Everything that is sent disappears on the way (a forgotten mapping in a firewall). */
  swallowed: boolean;
  waiting: Frame[];
  pumping: boolean;
  blockedSince: Instant | undefined;
  /** The far host has answered a probe since this stream is open. */
  answered: boolean;
  /** Since when probes have stayed unanswered. */
  silentSince: Instant | undefined;
}

export class Streams {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Takes a round trip and a half; nothing comes of it where the way is not free. */
  dial(from: EngineThread, to: EngineThread): void {
    const { network, agenda } = this.#world;
    agenda.after(1.5 * network.roundTrip(from.host, to.host), () => {
      const possible = from.alive && to.alive && !to.thread.stalled && !from.thread.stalled;
      if (!possible || from.ends.get(to.member)?.open || !network.answers(from.host, to.host)) return;
      // The accepting end may still hold a stream whose other end gave up.
      this.close(to.ends.get(from.member), 'replaced by a new stream');
      this.#connect(from, to);
    });
  }

  send(end: End, frame: Frame): void {
    end.waiting.push(frame);
    this.#pump(end);
  }

  /** This end closes, by its owner's will or not; the owner's engine is told if it did not will it. */
  close(end: End | undefined, reason: string): void {
    if (!end?.open) return;
    this.drop(end);
    if (end.known) end.owner.streamClosed(end.peer, reason);
  }

  /** The owner closes it itself, or is gone. */
  drop(end: End, kernelTells = true): void {
    end.open = false;
    // What had been swallowed shows only now.
    if (end.swallowed) this.#world.touch([end.owner.host, end.peer.host]);
    if (end.owner.ends.get(end.peer.member) === end) end.owner.ends.delete(end.peer.member);
    this.#world.network.probesEnded(end.owner.host, end.peer.host);
    if (kernelTells && !end.swallowed) this.#reset(end);
  }

  #connect(from: EngineThread, to: EngineThread): void {
    const a = endOf(from, to);
    const b = endOf(to, from);
    a.other = b;
    b.other = a;
    from.ends.set(to.member, a);
    to.ends.set(from.member, b);
    // The accepting end knows first; nothing arrives at an end before it knows.
    this.#announce(b);
    this.#world.agenda.after(this.#world.network.delay(), () => this.#announce(a));
  }

  #announce(end: End): void {
    if (!end.open) return;
    end.known = true;
    end.owner.streamOpened(end.peer);
  }

  /** Tells the far end that this one is gone, if a packet gets through. */
  #reset(end: End): void {
    const { other } = end;
    const { network, agenda } = this.#world;
    if (!other?.open || !network.passes(end.owner.host, end.peer.host)) return;
    agenda.after(network.delay() + 0.001, () => this.close(other, 'closed by the other end'));
  }

  /** Moves what waits; one packet at a time, so that order stays. */
  #pump(end: End): void {
    if (end.pumping || !end.open || end.waiting.length === 0) return;
    const { network, agenda } = this.#world;
    const from = end.owner.host;
    const to = end.peer.host;
    end.pumping = true;
    const free = !end.swallowed && network.passes(from, to) && to.up && !to.frozen;
    if (free && network.passes(to, from) && !end.other?.open) {
      // A kernel without that stream answers with a reset.
      agenda.after(network.roundTrip(from, to), () => this.close(end, 'reset by the other end'));
      return;
    }
    if (free && end.other?.known !== false) return this.#move(end);
    if (!free) end.blockedSince ??= this.#world.now;
    if (end.blockedSince !== undefined && this.#world.now - end.blockedSince > PATIENCE) {
      return agenda.after(0, () => this.close(end, 'timed out'));
    }
    agenda.after(free ? 1 : BLOCKED_PAUSE, () => {
      end.pumping = false;
      this.#pump(end);
    });
  }

  #move(end: End): void {
    end.blockedSince = undefined;
    const moved = end.waiting;
    end.waiting = [];
    // A lost segment is sent again by TCP, some time later.
    const again = this.#world.network.lost() ? this.#world.random.between(20, 220) : 0;
    this.#world.agenda.after(this.#world.network.delay() + again, () => {
      for (const frame of moved) if (end.other?.open) end.peer.frame(end.owner, frame, end.other);
      end.pumping = false;
      this.#pump(end);
    });
  }
}

function endOf(owner: EngineThread, peer: EngineThread): End {
  return {
    owner,
    peer,
    other: undefined,
    open: true,
    known: false,
    swallowed: false,
    waiting: [],
    pumping: false,
    blockedSince: undefined,
    answered: false,
    silentSince: undefined,
  };
}
