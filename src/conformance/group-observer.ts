/** Watches one member of a group: keeps its events, waits for some, and checks what must hold for any history. */
import type { GroupCommunication, GroupEvent } from '../group/group.ts';
import { nameOf } from '../model/member.ts';
import type { View } from '../model/view.ts';
import { must, mustEqual } from './expectations.ts';

const PATIENCE_MS = 15_000;
const TICK_MS = 100;

export interface Step {
  readonly from: string;
  readonly to: string;
  /** Delivered between the two views, with their senders. */
  readonly texts: readonly string[];
}

type MessageEvent = GroupEvent & { readonly kind: 'message' };

export class Observer {
  readonly group: GroupCommunication;
  readonly name: string;
  readonly events: GroupEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #ticking: NodeJS.Timeout | undefined;

  constructor(group: GroupCommunication) {
    this.group = group;
    this.name = nameOf(group.self);
  }

  async join(): Promise<void> {
    const joined = this.group.join((event) => {
      this.events.push(event);
      for (const look of [...this.#waiting]) look();
    });
    this.#ticking = setInterval(() => this.group.tick(), TICK_MS);
    await joined;
  }

  async leave(): Promise<void> {
    await this.group.leave();
    this.stopTicking();
  }

  stopTicking(): void {
    clearInterval(this.#ticking);
  }

  get views(): View[] {
    return this.events.flatMap((event) => (event.kind === 'view' ? [event.view] : []));
  }

  get lastView(): View | undefined {
    return this.views.at(-1);
  }

  get messages(): MessageEvent[] {
    return this.events.filter((event) => event.kind === 'message');
  }

  texts(): string[] {
    return this.messages.map(({ bytes }) => Buffer.from(bytes).toString());
  }

  /** What was delivered from each view to the next. */
  readonly steps = (): Step[] => {
    const steps: Step[] = [];
    let from: string | undefined;
    let texts: string[] = [];
    for (const event of this.events) {
      if (event.kind === 'message') texts.push(`${event.sender}: ${Buffer.from(event.bytes).toString()}`);
      if (event.kind !== 'view') continue;
      if (from !== undefined) steps.push({ from, to: event.view.id, texts });
      from = event.view.id;
      texts = [];
    }
    return steps;
  };

  async view(fits: (view: View) => boolean): Promise<void> {
    await this.#until('a view that fits', () => this.lastView !== undefined && fits(this.lastView));
  }

  async message(text: string): Promise<void> {
    await this.#until(`message "${text}"`, () => this.texts().includes(text));
  }

  async messageCount(count: number): Promise<void> {
    await this.#until(`${count} messages`, () => this.messages.length >= count);
  }

  async detached(): Promise<void> {
    await this.#until('detached', () => this.events.some(({ kind }) => kind === 'detached'));
  }

  async event(fits: (event: GroupEvent) => boolean): Promise<void> {
    await this.#until('an event', () => this.events.some(fits));
  }

  /** Until `condition` holds, looked at after each event of this member and every now and then; `what` is for the message. */
  async eventually(what: string, condition: () => boolean): Promise<void> {
    const looking = setInterval(() => {
      for (const look of [...this.#waiting]) look();
    }, TICK_MS);
    try {
      await this.#until(what, condition);
    } finally {
      clearInterval(looking);
    }
  }

  /** G1, G5, G7 and that view ids are never used twice. */
  expectSoundHistory(): void {
    const { self } = this.group;
    const ids = this.views.map(({ id }) => id);
    must(new Set(ids).size === ids.length, () => `${self} installed a view id twice: ${ids.join(', ')}`);
    const epochs = this.views.map(({ epoch }) => epoch);
    mustEqual(
      [...epochs].sort((a, b) => a - b),
      epochs,
      `the epochs of the views of ${self}`,
    );
    for (const { id, members } of this.views)
      must(members.includes(self), () => `view ${id} was told to ${self}, which is not in it`);
    const detachedAt = this.events.findIndex(({ kind }) => kind === 'detached');
    must(
      detachedAt < 0 || detachedAt === this.events.length - 1,
      () => `${self} is told something after "detached"`,
    );
    this.#expectTransitionalSignals();
  }

  /** Every view but the first is announced by exactly one transitional signal; no message comes before the first view. */
  #expectTransitionalSignals(): void {
    const { self } = this.group;
    const kinds = this.events
      .map(({ kind }) => kind)
      .filter((kind) => kind !== 'outranked' && kind !== 'quorum' && kind !== 'bystanders');
    if (kinds.length > 0 && kinds[0] !== 'detached')
      mustEqual(kinds[0], 'view', `the first event of ${self}`);
    let signals = 0;
    for (const kind of kinds.slice(1)) {
      if (kind === 'transitional') signals += 1;
      if (kind !== 'view') continue;
      mustEqual(signals, 1, `transitional signals before a view of ${self}`);
      signals = 0;
    }
  }

  async #until(what: string, met: () => boolean): Promise<void> {
    if (met()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!met()) return;
        clearTimeout(late);
        this.#waiting.delete(look);
        resolve();
      };
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        const views = this.views.map(({ members }) => members.join('+')).join(' | ');
        reject(new Error(`${this.group.self} waited ${PATIENCE_MS} ms for ${what}; its views: ${views}`));
      }, PATIENCE_MS);
      this.#waiting.add(look);
    });
  }
}
