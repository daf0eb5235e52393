/** Collects garbage that has grown old before there is much of it. Changes nothing but how much memory this process has. */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Of old objects, and of what C code keeps for them, in bytes. */
const GROWTH_MAX = 1 << 20;

/**
 * The runtime collects what has grown old when there are 8 MB more of it than after the last time: in an agent once in some ten
 * minutes on the group's thread, and in hours on the main one. On it hang dead streams' state and buffers, which stand in the C
 * library's heap, as many bytes again. So what an agent takes would creep up by a tenth while its neighbours come and go. A
 * collection takes some 10 ms; an idle agent needs one in an hour. One for each thread.
 */
export class OldGarbage {
  #kept: number | undefined;

  /** To be called now and then. The first call collects what the start has left. */
  look(): void {
    const now = oldBytes();
    if (this.#kept !== undefined && now - this.#kept < GROWTH_MAX) {
      this.#kept = Math.min(this.#kept, now);
      return;
    }
    collect ??= bind();
    collect();
    this.#kept = oldBytes();
  }
}

/** What is young goes by itself every few seconds. */
function oldBytes(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name }) => !space_name.startsWith('new_'));
  const used = old.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
  return used + getHeapStatistics().external_memory;
}

let collect: (() => void) | undefined;

/** The flag works for contexts that are made after it, and costs a start nothing where it is set this late. */
function bind(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
