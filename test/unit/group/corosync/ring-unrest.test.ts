/** Whether a part may serve while the ring does not settle. */
import { describe, expect, it } from 'vitest';
import { RingUnrest } from '../../../../src/group/corosync/ring-unrest.ts';

const PATIENCE = 10;
const CALM = 40;
const ALL = [1, 2, 3];

function ringsOf(patience: number | undefined = PATIENCE) {
  const unrest = new RingUnrest({ patience, calm: CALM });
  let seq = 0n;
  return {
    unrest,
    ring: (nodes: readonly number[], quorate = nodes.length >= 2) => {
      seq += 4n;
      unrest.synchronised({ kind: 'quorum', quorate, seq, nodes });
    },
    /** The quorum of the ring there is. */
    votes: (nodes: readonly number[], quorate: boolean) => {
      unrest.synchronised({ kind: 'quorum', quorate, seq, nodes });
    },
    totem: (lost: readonly number[], found: readonly number[] = []) => {
      for (const node of lost) unrest.formed({ node, present: false });
      for (const node of found) unrest.formed({ node, present: true });
    },
    quiet: (turns: number) => {
      for (let turn = 0; turn < turns; turn += 1) unrest.turn({ silent: 0, hasDevice: false });
    },
    silence: (turns: number, hasDevice = false) => {
      for (let silent = 1; silent <= turns; silent += 1) unrest.turn({ silent, hasDevice });
    },
  };
}

describe('unrest of the ring', () => {
  it('lets a part serve that was cut off cleanly, with quorum and without', () => {
    for (const nodes of [[1], [2, 3]]) {
      const { unrest, ring, quiet } = ringsOf();
      ring(ALL);
      ring(nodes);
      quiet(CALM);
      expect(unrest.reason).toBeUndefined();
      expect(unrest.isUnsettled).toBe(false);
    }
  });

  it('takes joins, deaths and merges one after the other for no unrest', () => {
    const { unrest, ring } = ringsOf();
    for (const nodes of [[1], [1, 2], ALL, [1, 2], [1], ALL]) ring(nodes);
    expect(unrest.isUnsettled).toBe(false);
  });

  it('takes a ring for unsettled that forms again with the same nodes: without quorum it must hold nothing', () => {
    const { unrest, ring } = ringsOf();
    ring(ALL);
    ring([1]);
    expect(unrest.reason).toBeUndefined();
    ring([1]);
    expect(unrest.isUnsettled).toBe(true);
    expect(unrest.reason).toContain('nodes 1, which are without quorum');
  });

  it('lets the part with quorum serve all the while', () => {
    const { unrest, ring } = ringsOf();
    ring(ALL);
    for (let time = 0; time < 20; time += 1) ring([2, 3]);
    expect(unrest.isUnsettled).toBe(true);
    expect(unrest.reason).toBeUndefined();
  });

  it('takes no word of the votes within a ring for a ring', () => {
    const { unrest, ring, votes } = ringsOf();
    ring([1, 2]);
    votes([1, 2], false);
    votes([1, 2], true);
    expect(unrest.isUnsettled).toBe(false);
  });

  it('ends with a ring that has quorum, and otherwise after a while in which things are delivered', () => {
    const { unrest, ring, quiet, silence } = ringsOf();
    ring(ALL);
    ring([1]);
    ring([1]);
    silence(CALM * 2);
    quiet(CALM);
    expect(unrest.reason).toBeDefined();
    ring(ALL);
    expect(unrest.reason).toBeUndefined();
    expect(unrest.isUnsettled).toBe(true);
    quiet(CALM + 1);
    ring([1]);
    expect(unrest.isUnsettled).toBe(false);
    expect(unrest.reason).toBeUndefined();
  });

  it('each sign begins the while anew', () => {
    const { unrest, ring, quiet } = ringsOf();
    ring([1]);
    ring([1]);
    quiet(CALM);
    ring([1]);
    quiet(CALM);
    expect(unrest.reason).toBeDefined();
    quiet(1);
    expect(unrest.reason).toBeUndefined();
  });
});

describe('a ring that delivers nothing', () => {
  it('is adrift when the others have had time to form theirs, and until it has one with quorum or is calm', () => {
    const { unrest, ring, quiet, silence } = ringsOf();
    ring(ALL);
    silence(PATIENCE);
    expect(unrest.reason).toBeUndefined();
    silence(PATIENCE + 1);
    expect(unrest.reason).toContain('the others may have one');
    quiet(1);
    expect(unrest.reason, 'delivered by the old ring').toBeDefined();
    ring([1]);
    expect(unrest.reason).toContain('without quorum');
    ring(ALL);
    expect(unrest.reason).toBeUndefined();
  });

  it('is not adrift while Totem has it, with most of its nodes', () => {
    const { unrest, ring, totem, silence } = ringsOf();
    ring(ALL);
    totem([1]);
    silence(10 * PATIENCE);
    expect(unrest.reason).toBeUndefined();
    expect(unrest.isThere).toBe(true);
  });

  it('is not adrift when Totem has just formed it whole again, and is when that does not synchronise in time either', () => {
    const { unrest, ring, totem } = ringsOf();
    const later = (turns: number) => {
      for (let turn = 0; turn < turns; turn += 1) unrest.turn({ silent: 20 * PATIENCE, hasDevice: false });
    };
    ring(ALL);
    totem([1]);
    later(PATIENCE);
    totem([], [1]);
    later(PATIENCE);
    expect(unrest.reason).toBeUndefined();
    expect(unrest.isThere).toBe(true);
    later(1);
    expect(unrest.isThere).toBe(false);
    expect(unrest.reason).toContain('the others may have one');
  });

  it('is adrift at once with the lesser part, whatever Totem has just said', () => {
    const { unrest, ring, totem } = ringsOf();
    ring(ALL);
    totem([1, 2]);
    unrest.turn({ silent: PATIENCE + 1, hasDevice: false });
    expect(unrest.reason).toContain('the others may have one');
  });

  it('is adrift with the lesser part of its nodes, unless it may wait for a quorum device', () => {
    for (const hasDevice of [false, true]) {
      const { unrest, ring, totem, silence } = ringsOf();
      ring([1, 2], true);
      totem([2]);
      silence(10 * PATIENCE, hasDevice);
      expect(unrest.reason === undefined).toBe(hasDevice);
      expect(unrest.isThere).toBe(false);
    }
  });

  it('is not adrift while it is known to form again and again with quorum; it lets go as soon as Totem has lost most of it', () => {
    const { unrest, ring, totem, silence } = ringsOf();
    ring(ALL);
    ring([2, 3]);
    totem([1]);
    ring([2, 3]);
    silence(10 * PATIENCE);
    expect(unrest.reason).toBeUndefined();
    expect(unrest.isThere).toBe(true);
    totem([3]);
    expect(unrest.reason).toContain('nodes 2, all that Totem has left of 2, 3');
    expect(unrest.isThere).toBe(false);
  });

  it('is not adrift where somebody was just lost and quorum is left: it may form again, and not be told of', () => {
    const { unrest, ring, totem, silence } = ringsOf();
    ring(ALL);
    ring([2, 3]);
    totem([1]);
    silence(10 * PATIENCE);
    expect(unrest.reason).toBeUndefined();
    expect(unrest.isThere).toBe(true);
    expect(unrest.isUnsettled).toBe(true);
    totem([3]);
    expect(unrest.reason).toContain('nodes 2, all that Totem has left');
    const later = ringsOf();
    later.ring(ALL);
    later.ring([2, 3]);
    later.quiet(CALM + 1);
    later.silence(PATIENCE + 1);
    expect(later.unrest.reason, 'long ago').toContain('the others may have one');
  });

  it('does not mind whether Totem or the ring was read first', () => {
    const { unrest, ring, totem, silence, quiet } = ringsOf();
    ring(ALL);
    ring([1, 2]);
    totem([3]);
    ring(ALL);
    totem([], [3]);
    quiet(CALM + 1);
    silence(PATIENCE + 1);
    expect(unrest.reason).toContain('the others may have one');
  });

  it('is never adrift where nobody knows how long a ring takes', () => {
    const { unrest, ring, silence } = ringsOf();
    const unknown = new RingUnrest({ patience: undefined, calm: CALM });
    unknown.synchronised({ kind: 'quorum', quorate: true, seq: 4n, nodes: ALL });
    for (let silent = 1; silent < 1000; silent += 1) unknown.turn({ silent, hasDevice: false });
    expect(unknown.reason).toBeUndefined();
    silence(1000);
    expect(unrest.reason, 'before its first ring').toBeUndefined();
    ring(ALL);
    silence(1000);
    expect(unrest.reason).toBeDefined();
  });
});
