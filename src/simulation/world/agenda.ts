/** Virtual time: what is to happen, in order of instants, and of being entered where instants are equal. */
interface Entry {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** More at one instant is no cluster but a loop. */
const AT_ONCE_MAX = 100_000;

export class Agenda {
  now = 0;
  private heap: Entry[] = [];
  private entered = 0;

  at(instant: number, action: () => void): void {
    this.heap.push({ at: Math.max(instant, this.now), order: this.entered++, action });
    this.up(this.heap.length - 1);
  }

  after(delay: number, action: () => void): void {
    this.at(this.now + delay, action);
  }

  /** Runs everything up to this instant. Throws when time stands still: what happens brings about the next without end. */
  runUntil(end: number): void {
    let atOnce = 0;
    for (let first = this.heap[0]; first && first.at <= end; first = this.heap[0]) {
      atOnce = first.at > this.now ? 0 : atOnce + 1;
      if (atOnce > AT_ONCE_MAX) throw new Error(`time stands still at ${this.now}`);
      this.now = first.at;
      this.removeFirst();
      first.action();
    }
    this.now = end;
  }

  private removeFirst(): void {
    const last = this.heap.pop()!;
    if (this.heap.length === 0) return;
    this.heap[0] = last;
    this.down(0);
  }

  private up(from: number): void {
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!before(this.heap[i]!, this.heap[parent]!)) return;
      [this.heap[i], this.heap[parent]] = [this.heap[parent]!, this.heap[i]!];
      i = parent;
    }
  }

  private down(from: number): void {
    for (let i = from; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < this.heap.length && before(this.heap[child]!, this.heap[least]!)) least = child;
      }
      if (least === i) return;
      [this.heap[i], this.heap[least]] = [this.heap[least]!, this.heap[i]!];
      i = least;
    }
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
