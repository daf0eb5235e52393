/**
 * What hooks are to be told next: a state machine without clock or processes. Keeps the order of each VIP, and never more than two
 * things waiting for one, however slow the hooks are.
 *
 * - One VIP is told one thing at a time; its comings and goings alternate, and the last one told is the truth.
 * - A coming that nobody was told of yet is undone by the going that follows: neither is told. A going is always told; if the
 *   VIP comes, goes and comes again before it could be, the hooks hear of one going and one coming.
 * - `post_…` comes after everything of its round. Rounds that end before it could be told share one.
 */
import type { HookEvent } from '../config/hooks-section.ts';
import type { VipId } from '../model/vip.ts';

/** Something to be told; what it carries beside this is the caller's. */
export interface Telling {
  readonly event: HookEvent;
  /** Of `on_…` the VIP; of `post_…` those of the round. */
  readonly vips: readonly VipId[];
}

interface Lane<T> {
  running: T | undefined;
  /** At most a going and the coming after it. */
  readonly waiting: T[];
}

interface Post<T> {
  readonly telling: T;
  /** What must be told before. */
  readonly after: Set<T>;
}

export class HookQueue<T extends Telling> {
  readonly #parallelMax: () => number;
  readonly #join: (earlier: T, later: T) => T;
  readonly #lanes = new Map<VipId, Lane<T>>();
  /** All that wait in lanes, in order of arrival. */
  readonly #line = new Set<T>();
  #posts: Post<T>[] = [];
  #runningPost: T | undefined;
  #running = 0;
  /** Tellings that were undone or joined because hooks are slower than what happens. */
  coalesced = 0;

  /** `join`: makes one of two `post_…` of a kind. */
  constructor(parallelMax: () => number, join: (earlier: T, later: T) => T) {
    this.#parallelMax = parallelMax;
    this.#join = join;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#line.size + this.#posts.length;
  }

  add(telling: T): void {
    if (telling.event === 'post_up' || telling.event === 'post_down') return this.#addPost(telling);
    const lane = this.#laneOf(telling);
    const last = lane.waiting.at(-1);
    if (telling.event === 'on_down' && last?.event === 'on_up') return this.#undo(lane, last);
    lane.waiting.push(telling);
    this.#line.add(telling);
  }

  /** Of a coming nobody was told of: what was told or waits before it says that the VIP is not here. */
  #undo(lane: Lane<T>, coming: T): void {
    lane.waiting.pop();
    this.#forget(coming);
    this.coalesced += 2;
    this.#tidy(lane, coming);
  }

  /** What to tell now; each must be given to {@link done} when it was. */
  next(): T[] {
    const begun: T[] = [];
    for (const telling of this.#line) {
      if (this.#running >= this.#parallelMax()) return begun;
      const lane = this.#laneOf(telling);
      if (lane.running !== undefined || lane.waiting[0] !== telling) continue;
      lane.waiting.shift();
      lane.running = telling;
      this.#line.delete(telling);
      this.#running += 1;
      begun.push(telling);
    }
    const post = this.#posts[0];
    if (post?.after.size === 0 && this.#runningPost === undefined && this.#running < this.#parallelMax()) {
      this.#posts.shift();
      this.#runningPost = post.telling;
      this.#running += 1;
      begun.push(post.telling);
    }
    return begun;
  }

  done(telling: T): void {
    this.#running -= 1;
    if (this.#runningPost === telling) {
      this.#runningPost = undefined;
      return;
    }
    const lane = this.#laneOf(telling);
    lane.running = undefined;
    this.#forget(telling);
    this.#tidy(lane, telling);
  }

  #addPost(telling: T): void {
    const same = this.#posts.find((post) => post.telling.event === telling.event);
    const after = this.#unfinished(telling);
    if (same === undefined) {
      this.#posts.push({ telling, after });
      return;
    }
    this.coalesced += 1;
    this.#posts = this.#posts.filter((post) => post !== same);
    const joined = this.#join(same.telling, telling);
    this.#posts.push({ telling: joined, after: new Set([...same.after, ...after]) });
  }

  /** What the VIPs of a round still have to be told. */
  #unfinished({ vips }: T): Set<T> {
    const found = new Set<T>();
    for (const vip of vips) {
      const lane = this.#lanes.get(vip);
      for (const telling of [lane?.running, ...(lane?.waiting ?? [])])
        if (telling !== undefined) found.add(telling);
    }
    return found;
  }

  #tidy(lane: Lane<T>, { vips }: T): void {
    if (lane.running === undefined && lane.waiting.length === 0) this.#lanes.delete(vips[0]!);
  }

  #forget(telling: T): void {
    this.#line.delete(telling);
    for (const { after } of this.#posts) after.delete(telling);
  }

  #laneOf({ vips }: T): Lane<T> {
    const vip = vips[0]!;
    let lane = this.#lanes.get(vip);
    if (lane === undefined) {
      lane = { running: undefined, waiting: [] };
      this.#lanes.set(vip, lane);
    }
    return lane;
  }
}
