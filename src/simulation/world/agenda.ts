/**
 * Virtual time: what is to happen, in order of instants, and of being entered where instants are equal. A heap on plain
 * arrays, since most of a simulation's time is spent here: nothing is allocated for an entry but its action.
 */

/** More at one instant is no cluster but a loop. */
const AT_ONCE_MAX = 100_000;
const ROOM_AT_FIRST = 1024;

export class Agenda {
  now = 0;
  #ats = new Float64Array(ROOM_AT_FIRST);
  #orders = new Float64Array(ROOM_AT_FIRST);
  readonly #actions: (() => void)[] = [];
  #size = 0;
  #entered = 0;

  at(instant: number, action: () => void): void {
    if (this.#size === this.#ats.length) this.#grow();
    this.#rise(Math.max(instant, this.now), action);
  }

  after(delay: number, action: () => void): void {
    this.at(this.now + delay, action);
  }

  /** Runs everything up to this instant. Throws when time stands still: what happens brings about the next without end. */
  runUntil(end: number): void {
    let atOnce = 0;
    while (this.#size > 0 && this.#ats[0]! <= end) {
      const at = this.#ats[0]!;
      atOnce = at > this.now ? 0 : atOnce + 1;
      if (atOnce > AT_ONCE_MAX) throw new Error(`time stands still at ${this.now}`);
      this.now = at;
      this.#removeFirst()();
    }
    this.now = end;
  }

  #grow(): void {
    const ats = new Float64Array(2 * this.#size);
    const orders = new Float64Array(2 * this.#size);
    ats.set(this.#ats);
    orders.set(this.#orders);
    this.#ats = ats;
    this.#orders = orders;
  }

  #removeFirst(): () => void {
    const first = this.#actions[0]!;
    const action = this.#actions.pop()!;
    if (--this.#size > 0) this.#sink(action);
    return first;
  }

  /** Moves the hole up from the end until the new entry fits, and puts it there. */
  #rise(at: number, action: () => void): void {
    const order = this.#entered++;
    const ats = this.#ats;
    const orders = this.#orders;
    const actions = this.#actions;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = ats[parent]!;
      if (above < at || (above === at && orders[parent]! < order)) break;
      ats[hole] = above;
      orders[hole] = orders[parent]!;
      actions[hole] = actions[parent]!;
      hole = parent;
    }
    ats[hole] = at;
    orders[hole] = order;
    actions[hole] = action;
  }

  /** Moves the hole down from the top until what was last fits. */
  #sink(action: () => void): void {
    const ats = this.#ats;
    const orders = this.#orders;
    const actions = this.#actions;
    const at = ats[this.#size]!;
    const order = orders[this.#size]!;
    let hole = 0;
    for (let child = 1; child < this.#size; child = 2 * hole + 1) {
      const right = child + 1;
      if (right < this.#size && before(ats, orders, { a: right, b: child })) child = right;
      const below = ats[child]!;
      if (at < below || (at === below && order < orders[child]!)) break;
      ats[hole] = below;
      orders[hole] = orders[child]!;
      actions[hole] = actions[child]!;
      hole = child;
    }
    ats[hole] = at;
    orders[hole] = order;
    actions[hole] = action;
  }
}

function before(ats: Float64Array, orders: Float64Array, { a, b }: { a: number; b: number }): boolean {
  return ats[a]! < ats[b]! || (ats[a]! === ats[b]! && orders[a]! < orders[b]!);
}
