/** A group under test: who joined, waiting until they are together, and what must hold for all that anybody saw. */
import type { GroupCommunication } from '../group/group.ts';
import type { MemberId } from '../model/member.ts';
import { mustEqual } from './expectations.ts';
import { Observer } from './group-observer.ts';

export interface GroupCluster {
  /** A fresh member of one group, not joined; names are unique among those that live. */
  member(name: string): GroupCommunication | Promise<GroupCommunication>;
  /** Ends the member's engine as a crash would: no goodbye; its host lives on. */
  crash(group: GroupCommunication): Promise<void>;
  /** Ends everything. */
  dispose(): Promise<void>;
}

export class Play {
  readonly cluster: GroupCluster;
  readonly #observers: Observer[] = [];

  constructor(cluster: GroupCluster) {
    this.cluster = cluster;
  }

  async observe(name: string): Promise<Observer> {
    const observer = new Observer(await this.cluster.member(name));
    this.#observers.push(observer);
    return observer;
  }

  async join(name: string): Promise<Observer> {
    const observer = await this.observe(name);
    await observer.join();
    return observer;
  }

  /** In one view of exactly them. */
  async three(): Promise<readonly [Observer, Observer, Observer]> {
    const [a, b, c] = await Promise.all([this.join('a'), this.join('b'), this.join('c')]);
    await together([a, b, c]);
    return [a, b, c];
  }

  async two(): Promise<readonly [Observer, Observer]> {
    const [a, b] = await Promise.all([this.join('a'), this.join('b')]);
    await together([a, b]);
    return [a, b];
  }

  /** Whatever a case was about, these hold for all it saw. */
  async end(): Promise<void> {
    for (const observer of this.#observers) observer.stopTicking();
    await this.cluster.dispose();
    for (const observer of this.#observers) observer.expectSoundHistory();
    expectViewsAgree(this.#observers);
    expectVirtualSynchrony(this.#observers);
  }
}

/** Until all of them are in one view of exactly themselves. */
export async function together(observers: readonly Observer[]): Promise<void> {
  const wanted = observers.map(({ group }) => group.self).sort();
  for (const observer of observers) {
    await observer.view((view) => JSON.stringify([...view.members].sort()) === JSON.stringify(wanted));
  }
  const ids = new Set(observers.map(({ lastView }) => lastView!.id));
  // A late second view would make them differ; then the first was not the last word.
  if (ids.size > 1) {
    await soon();
    await together(observers);
  }
}

export function soon(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** G2: equal ids mean equal members in equal order. */
function expectViewsAgree(observers: readonly Observer[]): void {
  const members = new Map<string, readonly MemberId[]>();
  for (const view of observers.flatMap(({ views }) => views)) {
    const known = members.get(view.id);
    if (known !== undefined)
      mustEqual(view.members, known, `the members of view ${view.id} at another member`);
    members.set(view.id, view.members);
  }
}

/** G4: members that go from one view to the next together delivered the same messages in it. */
function expectVirtualSynchrony(observers: readonly Observer[]): void {
  const delivered = new Map<string, readonly string[]>();
  for (const { steps } of observers) {
    for (const { from, to, texts } of steps()) {
      const known = delivered.get(`${from} ${to}`);
      if (known !== undefined) mustEqual(texts, known, `messages delivered from view ${from} to ${to}`);
      delivered.set(`${from} ${to}`, texts);
    }
  }
}
