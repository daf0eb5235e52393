/** When the agent hears what corosync says of its quorum. */
import { describe, expect, it } from 'vitest';
import { QuorumGate } from '../../../../src/group/corosync/quorum-gate.ts';

const ring = (seq: number) => ({ node: 1, seq: BigInt(seq) });
const said = (quorate: boolean, seq: number) =>
  ({ kind: 'quorum', quorate, seq: BigInt(seq), nodes: [1, 2] }) as const;

describe('the gate of quorum', () => {
  it('brings what is known with the first view, and nothing before', () => {
    const gate = new QuorumGate();
    expect(gate.learn(said(true, 8))).toBeUndefined();
    expect(gate.look({ ring: ring(8), settled: true })).toBeUndefined();
    expect(gate.beforeView(ring(8))).toMatchObject({
      primary: true,
      reason: expect.stringContaining('1, 2'),
    });
    expect(gate.beforeView(ring(8))).toBeUndefined();
  });

  it('does not believe an answer about another ring: the view of a ring it knows nothing of is not primary', () => {
    const gate = new QuorumGate();
    gate.learn(said(true, 8));
    expect(gate.beforeView(ring(8))).toMatchObject({ primary: true });
    expect(gate.beforeView(ring(12))).toMatchObject({
      primary: false,
      reason: expect.stringContaining('not said yet'),
    });
    expect(gate.look({ ring: ring(12), settled: true })).toBeUndefined();
    gate.learn(said(true, 12));
    expect(gate.look({ ring: ring(12), settled: true })).toMatchObject({ primary: true });
  });

  it('knows of the ring before while the next one forms', () => {
    const gate = new QuorumGate();
    gate.learn(said(true, 8));
    gate.learn(said(true, 12));
    expect(gate.beforeView(ring(8))).toMatchObject({ primary: true });
    gate.learn(said(false, 16));
    expect(gate.beforeView(ring(12))).toBeUndefined();
  });

  it('tells a loss at once, whatever the group does', () => {
    const gate = new QuorumGate();
    gate.learn(said(true, 8));
    gate.beforeView(ring(8));
    expect(gate.learn(said(false, 12))).toMatchObject({ primary: false });
    expect(gate.learn(said(false, 16))).toBeUndefined();
  });

  it('tells a gain with the view of its ring, not while the old view stands', () => {
    const gate = new QuorumGate();
    gate.learn(said(false, 8));
    gate.beforeView(ring(8));
    gate.learn(said(true, 12));
    expect(gate.look({ ring: ring(8), settled: true })).toBeUndefined();
    expect(gate.look({ ring: ring(12), settled: false })).toBeUndefined();
    expect(gate.beforeView(ring(12))).toMatchObject({ primary: true });
  });

  it('tells a gain within a view: a device has given its vote', () => {
    const gate = new QuorumGate();
    gate.learn(said(false, 8));
    gate.beforeView(ring(8));
    gate.learn(said(true, 8));
    expect(gate.look({ ring: ring(8), settled: true })).toMatchObject({ primary: true });
  });
});
