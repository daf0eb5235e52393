import { describe, expect, test } from 'vitest';
import { FLOOD, FloodGate } from '../../../src/group/flood-gate.ts';

/** So many windows, the first one from that instant on. */
interface Span {
  readonly count: number;
  readonly from?: number;
}

describe('the flood gate', () => {
  /** Windows with so many arrivals per second at the other side of the kernel; what is looked at in each. */
  function windows(gate: FloodGate, perSecond: number, { count, from = 0 }: Span): number[] {
    return Array.from({ length: count }, (_, index) => {
      const now = from + index * FLOOD.window_ms;
      const arriving = Math.floor((perSecond * FLOOD.window_ms * gate.share) / 1000);
      let looked = 0;
      for (let one = 0; one < arriving; one += 1) if (gate.admit(now)) looked += 1;
      gate.pass(now + FLOOD.window_ms);
      return looked;
    });
  }

  test('lets everything through while little comes', () => {
    const gate = new FloodGate();
    expect(windows(gate, 1000, { count: 8 })).toEqual(Array(8).fill(250));
    expect(gate.share).toBe(1);
  });

  test('looks at no more than its budget from the first window on, and soon little more arrives', () => {
    const gate = new FloodGate();
    const looked = windows(gate, 1_000_000, { count: 12 });
    expect(Math.max(...looked)).toBeLessThanOrEqual(FLOOD.per_window_max);
    expect(gate.share).toBeLessThan(0.01);
    expect(looked.at(-1)).toBeGreaterThan(0);
  });

  test('opens again when it is over', () => {
    const gate = new FloodGate();
    windows(gate, 1_000_000, { count: 4 });
    windows(gate, 0, { count: 40, from: 10_000 });
    expect(gate.share).toBe(1);
  });

  test('stays open a crack, however much comes', () => {
    const gate = new FloodGate();
    for (let window = 0; window < 50; window += 1) {
      for (let one = 0; one < 100_000; one += 1) gate.admit(window * FLOOD.window_ms);
    }
    expect(gate.share).toBe(FLOOD.share_min);
  });
});
