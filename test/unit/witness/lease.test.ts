import { describe, expect, it } from 'vitest';
import { Lease, type LeaseAction } from '../../../src/witness/lease.ts';
import { FAIR, LEASE, type Member, RENEW, WitnessWorld } from './world.ts';

const want = (member: Member, wanted = true, fence = 100) => member.give({ kind: 'want', wanted, fence });

function pair(seed = 1): { w: WitnessWorld; a: Member; b: Member } {
  const w = new WitnessWorld(seed);
  const [a, b] = w.members as [Member, Member];
  w.check = () => {
    const voters = w.voters();
    if (voters.length > 1) throw new Error(`${voters.join(' and ')} have the vote at ${w.now}`);
  };
  return { w, a, b };
}

describe('the vote of a witness', () => {
  it('is had within one call there and back where nobody has it', () => {
    const { w, a } = pair();
    want(a);
    w.run(200);
    expect(w.voters()).toEqual(['a']);
    expect(w.writes).toBe(1);
  });

  it('is kept while it is renewed, and had by the other one a lease after it is not', () => {
    const { w, a, b } = pair();
    want(a);
    w.run(200);
    want(b);
    w.run(60_000);
    expect(w.voters()).toEqual(['a']);
    const writes = w.writes;
    a.alive = false;
    const died = w.now;
    w.run(1.1 * LEASE + RENEW + 300);
    expect(w.voters()).toEqual(['b']);
    expect(w.writes).toBe(writes + 1 + Math.floor((w.now - w.gains.at(-1)!.at) / RENEW));
    expect(w.gains.at(-1)!.at - died).toBeGreaterThan(0.9 * LEASE);
  });

  it('is free at once where it is given back', () => {
    const { w, a, b } = pair();
    want(a);
    w.run(200);
    want(b);
    w.run(5_000);
    want(a, false);
    expect(w.voters()).toEqual([]);
    w.run(RENEW + 300);
    expect(w.voters()).toEqual(['b']);
  });

  it('is had again at once by who wants it again while it is being given back', () => {
    const { w, a } = pair();
    want(a);
    w.run(200);
    want(a, false);
    want(a);
    expect(w.voters()).toEqual([]);
    w.run(400);
    expect(w.voters()).toEqual(['a']);
  });

  it('is dropped by who stood still before anything else, and before the other one can have it', () => {
    const { w, a, b } = pair();
    want(a);
    w.run(200);
    want(b);
    w.run(1_000);
    a.frozen = true;
    w.run(3 * LEASE);
    expect(w.voters()).toEqual(['b']);
    a.thaw();
    expect(a.has).toBe(false);
    w.run(5_000);
    expect(w.voters()).toEqual(['b']);
  });

  it('is lost at once when the store cannot be reached for nine tenths of a lease, and not before', () => {
    const { w, a } = pair();
    want(a);
    w.run(200);
    a.weather = { ...FAIR, hang: 1 };
    w.run(0.9 * LEASE - RENEW - 500);
    expect(w.voters()).toEqual(['a']);
    w.run(RENEW + 500);
    expect(a.has).toBe(false);
    a.weather = FAIR;
    w.run(3_000);
    expect(w.voters()).toEqual(['a']);
  });

  it('is known to be ours though the answer of the write was lost, from when it was sent', () => {
    const { w, a } = pair();
    a.weather = { ...FAIR, lost: 0 };
    want(a);
    // The look is answered; of the write only the doing arrives.
    while (a.lease.nextTimeout() !== undefined && w.writes === 0) {
      a.weather = w.record === undefined && w.now > 0 ? { ...FAIR, lost: 0.999 } : FAIR;
      w.run(1);
      if (w.now > 3_000) a.weather = FAIR;
    }
    a.weather = FAIR;
    w.run(3_000);
    expect(w.voters()).toEqual(['a']);
  });

  it('comes with a fence above that of whoever had it before, and with an equal one to whom had it last', () => {
    const { w, a, b } = pair();
    want(a, true, 500);
    w.run(200);
    want(a, false);
    w.run(200);
    want(b, true, 100);
    w.run(3_000);
    expect(w.gains.map(({ by, fence }) => [by, fence])).toEqual([
      ['a', 500],
      ['b', 501],
    ]);
    expect(w.record?.record.fence).toBe(501);
  });

  it('is dropped as soon as a look shows it with somebody else, however that came', () => {
    const { w, a } = pair();
    want(a);
    w.run(200);
    w.record = { version: 'edited', record: { owner: 'stranger', fence: 1, nonce: 'x' } };
    w.run(RENEW + 300);
    expect(a.has).toBe(false);
  });

  it('costs a look a minute while it is not needed', () => {
    const { w, a } = pair();
    want(a, false);
    w.run(100);
    let reads = 0;
    const real = w.call.bind(w);
    w.call = (member, action) => {
      if (action.kind === 'read') reads += 1;
      real(member, action);
    };
    w.run(600_000);
    expect(reads).toBeLessThanOrEqual(10);
    expect(w.writes).toBe(0);
  });

  it('says what is wrong with the store, once, and when it is over', () => {
    const lease = new Lease({ self: 'a', lease: LEASE, renew: RENEW, look: 60_000 }, () => 'n');
    const troubles: (string | undefined)[] = [];
    const take = (actions: readonly LeaseAction[]) => {
      for (const action of actions) if (action.kind === 'trouble') troubles.push(action.reason);
      return actions.find((action) => action.kind === 'read')?.number ?? 0;
    };
    let number = take(lease.handle({ kind: 'want', wanted: true, fence: 1 }, 0));
    take(lease.handle({ kind: 'failed', number, reason: 'denied' }, 10));
    number = take(lease.handle({ kind: 'timeout' }, 1_000));
    take(lease.handle({ kind: 'failed', number, reason: 'denied' }, 1_010));
    number = take(lease.handle({ kind: 'timeout' }, 3_000));
    take(lease.handle({ kind: 'read', number, reading: { kind: 'absent' } }, 3_010));
    expect(troubles).toEqual(['denied', undefined]);
  });
});

describe('whatever happens', () => {
  const SEEDS = Array.from({ length: 300 }, (_, at) => at + 1);

  it('at most one has the vote at any instant, and once all is well one has it within a lease and a half', () => {
    for (const seed of SEEDS) {
      const { w, a, b } = pair(seed);
      try {
        for (let act = 0; act < 40; act++) {
          const member = w.random() < 0.5 ? a : b;
          const what = w.random();
          if (what < 0.35) want(member, w.random() < 0.7, 100 + Math.floor(w.random() * 50));
          else if (what < 0.5 && !member.frozen) {
            member.frozen = true;
            w.after(w.random() * 25_000, () => member.thaw());
          } else if (what < 0.8)
            member.weather = {
              hang: w.random() < 0.5 ? 0 : w.random(),
              lost: w.random() < 0.5 ? 0 : w.random() * 0.8,
              refused: w.random() * 0.3,
              delay: w.random() < 0.8 ? 30 : 1_200,
            };
          else member.weather = FAIR;
          w.run(w.random() < 0.3 ? w.random() * 300 : w.random() * 8_000);
        }
        for (const member of [a, b]) {
          member.weather = FAIR;
          if (member.frozen) member.thaw();
          want(member, true, 200);
        }
        w.run(1.1 * LEASE + 20_000 + 2 * RENEW);
        expect(w.voters()).toHaveLength(1);
        const fences = w.gains.map(({ fence }) => fence);
        for (const [at, { by, fence }] of w.gains.entries()) {
          const before = w.gains[at - 1];
          if (before && before.by !== by && fence <= before.fence)
            throw new Error(
              `${by} has fence ${fence} after ${before.by} had ${before.fence}: ${fences.join(' ')}`,
            );
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }, 60_000);
});
