/**
 * Members over Spread without sockets and clocks: real sessions, the daemon double, and pieces that travel when the test says so.
 * Keeps what each member delivered, and checks what must hold for any history.
 */
import { expect } from 'vitest';
import type { GroupEvent } from '../../../../src/group/group.ts';
import { AUTH_NULL, Session, type SessionAction } from '../../../../src/group/spread/session.ts';
import {
  type GoneWithDaemon,
  Synchrony,
  type SynchronyAction,
} from '../../../../src/group/spread/synchrony.ts';
import { type MemberId, memberId } from '../../../../src/model/member.ts';
import type { View } from '../../../../src/model/view.ts';
import { type DaemonSession, Daemons } from '../../../spread/daemon.ts';

const GROUP = 'g';
export const DAEMONS = ['zed', 'mid', 'abe'];

export class World {
  readonly #goneWithDaemon: GoneWithDaemon | undefined;
  readonly daemons = new Daemons({ version: [5, 0, 1], names: DAEMONS });
  readonly members: Member[] = [];

  constructor({ goneWithDaemon }: { goneWithDaemon?: GoneWithDaemon } = {}) {
    this.#goneWithDaemon = goneWithDaemon;
  }

  add(name: string, daemon: string): Member {
    const member = new Member(
      memberId(name, String(this.members.length).padStart(16, '0')),
      this.members.length,
      this.#goneWithDaemon,
    );
    this.members.push(member);
    if (this.daemons.daemon(daemon).up) member.connect(this.daemons, daemon);
    else member.detached = 'nothing listens';
    return member;
  }

  get alive(): Member[] {
    return this.members.filter(({ detached }) => detached === undefined);
  }

  /** Lets one piece travel: `choice` picks which of those that wait. False if none does. */
  travel(choice: number): boolean {
    const ways = this.members.flatMap((member) => member.ways());
    const way = ways[choice % Math.max(1, ways.length)];
    way?.();
    return way !== undefined;
  }

  /** Everything arrives, and rings form. */
  settle(): void {
    for (let turn = 0; turn < 100_000; turn += 1) {
      if (this.travel(turn)) continue;
      this.daemons.settle();
      if (!this.travel(turn)) return;
    }
    throw new Error('it never ends');
  }

  /** What holds for any history: G1 to G5, and that ids are used once. */
  check(): void {
    for (const member of this.members) checkHistory(member);
    const seen = new Map<string, readonly MemberId[]>();
    for (const view of this.members.flatMap((member) => member.views)) {
      expect(view.members).toEqual(seen.get(view.id) ?? view.members);
      seen.set(view.id, view.members);
    }
    const delivered = new Map<string, readonly string[]>();
    for (const { way, texts } of this.members.flatMap(stepsOf)) {
      expect(texts, way).toEqual(delivered.get(way) ?? texts);
      delivered.set(way, texts);
    }
  }
}

export class Member {
  readonly id: MemberId;
  readonly events: GroupEvent[] = [];
  readonly sent: string[] = [];
  detached: string | undefined;
  /** Its process stands still. */
  frozen = false;
  readonly #goneWithDaemon: GoneWithDaemon | undefined;
  readonly #session: Session;
  #synchrony: Synchrony | undefined;
  #daemon: DaemonSession | undefined;
  readonly #up: Uint8Array[] = [];
  readonly #down: (Uint8Array | 'closed')[] = [];

  constructor(id: MemberId, number: number, goneWithDaemon?: GoneWithDaemon) {
    this.id = id;
    this.#goneWithDaemon = goneWithDaemon;
    const name = `wk~${String(number).padStart(7, '0')}`;
    this.#session = new Session({
      version: [5, 0, 1],
      name,
      membership: true,
      priority: false,
      auth: [AUTH_NULL],
    });
  }

  connect(daemons: Daemons, daemon: string): void {
    this.#daemon = daemons.daemon(daemon).open({
      write: (bytes) => void this.#down.push(Buffer.from(bytes)),
      close: () => void this.#down.push('closed'),
    });
    this.#act(this.#session.connected());
  }

  get views(): View[] {
    return this.events.flatMap((event) => (event.kind === 'view' ? [event.view] : []));
  }

  texts(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'message' ? [Buffer.from(event.bytes).toString()] : [],
    );
  }

  multicast(text: string): void {
    if (this.#synchrony === undefined || this.detached !== undefined) return;
    this.sent.push(text);
    this.#perform(this.#synchrony.multicast(Buffer.from(text)));
  }

  pulse(): void {
    if (this.detached === undefined) this.#perform(this.#synchrony?.pulse() ?? []);
  }

  crash(): void {
    this.detached = 'crashed';
    this.#up.length = 0;
    this.#daemon?.end();
  }

  /** What can travel now. */
  ways(): (() => void)[] {
    const ways: (() => void)[] = [];
    if (this.frozen) return ways;
    if (this.#up.length > 0) ways.push(() => this.#daemon?.receive(Buffer.from(this.#up.shift()!)));
    if (this.#down.length > 0) ways.push(() => this.#arrive(this.#down.shift()!));
    return ways;
  }

  #arrive(piece: Uint8Array | 'closed'): void {
    if (this.detached !== undefined) return;
    this.#act(piece === 'closed' ? this.#session.ended('closed') : this.#session.receive(piece));
  }

  #act(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      if (this.detached !== undefined) return;
      if (action.kind === 'write') this.#up.push(action.bytes);
      else if (action.kind === 'open') this.#opened(action.privateGroup);
      else if (action.kind === 'failed') this.detached = action.error.message;
      else this.#perform(this.#synchrony!.handle(action.message));
    }
  }

  #opened(privateGroup: string): void {
    const gone = this.#goneWithDaemon;
    const limits = { pulsesUnheard: 6, pulsesMute: 3, ...(gone && { goneWithDaemon: gone }) };
    this.#synchrony = new Synchrony({
      self: this.id,
      privateGroup,
      group: GROUP,
      cluster: 'test',
      ...limits,
    });
    this.#up.push(this.#session.join(GROUP));
  }

  #perform(actions: readonly SynchronyAction[]): void {
    for (const action of actions) {
      if (action.kind === 'send') this.#up.push(this.#session.multicast([GROUP], action.bytes));
      else if (action.kind === 'deliver') this.events.push(action.event);
      else if (action.kind === 'detach') this.#detach(action.reason);
    }
  }

  #detach(reason: string): void {
    this.detached = reason;
    this.#up.push(this.#session.kill());
  }
}

function checkHistory(member: Member): void {
  const { events, views, id } = member;
  const epochs = views.map(({ epoch }) => epoch);
  expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
  for (const view of views) expect(view.members).toContain(id);
  if (events.length > 0) expect(events[0]!.kind).toBe('view');
  let signals = 0;
  for (const event of events.slice(1)) {
    if (event.kind === 'transitional') signals += 1;
    if (event.kind !== 'view') continue;
    expect(signals).toBe(1);
    signals = 0;
  }
  // Each once and in the order it was sent in: what is missing was lost at the end.
  const own = member.texts().filter((text) => text.startsWith(`${id} `));
  expect(own).toEqual(member.sent.slice(0, own.length));
}

function stepsOf(member: Member): { readonly way: string; readonly texts: readonly string[] }[] {
  const steps: { way: string; texts: string[] }[] = [];
  let from: string | undefined;
  let texts: string[] = [];
  for (const event of member.events) {
    if (event.kind === 'message') texts.push(`${event.sender}: ${Buffer.from(event.bytes).toString()}`);
    if (event.kind !== 'view') continue;
    if (from !== undefined) steps.push({ way: `${from} to ${event.view.id}`, texts });
    [from, texts] = [event.view.id, []];
  }
  return steps;
}
