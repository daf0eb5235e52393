import { describe, expect, it } from 'vitest';
import { type Access, accessOf, type Clearance, Doubts } from '../../../src/agent/doubts.ts';

const settings = { leaseBound: 4100, takeover: 'at-once' } as const;
const strict = { leaseBound: 4100, takeover: 'strict' } as const;

function ask(
  doubts: Doubts,
  now: number,
  {
    access = 'link',
    doubtedSince,
    astray = false,
  }: { access?: Access; doubtedSince?: number; astray?: boolean } = {},
): Clearance | undefined {
  return doubts.clearance('v1', { now, settings, access, doubtedSince, astray });
}

describe('a provider', () => {
  const traits = { families: [4], scope: 'link', atomicTakeover: false } as const;
  it.each([
    [traits, 'link'],
    [{ ...traits, scope: 'region' } as const, 'blind'],
    [{ ...traits, scope: 'region', atomicTakeover: true } as const, 'atomic'],
    [undefined, 'blind'],
  ])('%j knows of other holders by way of: %s', (given, access) => {
    expect(accessOf(given)).toBe(access);
  });
});

describe('where the agent of the holder is gone and its host answers', () => {
  function gone(): Doubts {
    const doubts = new Doubts();
    doubts.departed('v1', 'process', { now: 100, settings });
    return doubts;
  }

  it('the link is asked until the lease must be over', () => {
    expect(ask(gone(), 150)).toEqual({ guard: { kind: 'when-silent', until: 4200 }, notBefore: undefined });
  });

  it('who cannot ask waits for the lease, and no longer', () => {
    expect(ask(gone(), 150, { access: 'blind' })).toEqual({ guard: { kind: 'at-once' }, notBefore: 4200 });
    expect(ask(gone(), 4200, { access: 'blind' })).toEqual({
      guard: { kind: 'at-once' },
      notBefore: undefined,
    });
  });

  it('who takes it in one step need not wait', () => {
    expect(ask(gone(), 150, { access: 'atomic' })).toEqual({
      guard: { kind: 'at-once' },
      notBefore: undefined,
    });
  });

  it('the word of another member counts like our own', () => {
    const blind = ask(new Doubts(), 150, { access: 'blind', doubtedSince: 120 });
    expect(blind).toEqual({ guard: { kind: 'at-once' }, notBefore: 4220 });
    expect(ask(gone(), 4000, { access: 'blind', doubtedSince: 3900 })?.notBefore).toBe(8000);
  });
});

describe('where the host of the holder is silent', () => {
  it('who cannot ask takes it at once', () => {
    const doubts = new Doubts();
    doubts.departed('v1', 'host', { now: 100, settings });
    expect(ask(doubts, 150, { access: 'blind' })).toEqual({
      guard: { kind: 'at-once' },
      notBefore: undefined,
    });
  });

  it('with takeover strict everybody waits for the lease', () => {
    for (const access of ['link', 'blind', 'atomic'] as const) {
      const doubts = new Doubts();
      doubts.departed('v1', 'host', { now: 100, settings: strict });
      expect(ask(doubts, 150, { access })?.notBefore).toBe(4200);
      expect(ask(doubts, 4200, { access })?.notBefore).toBeUndefined();
    }
  });
});

describe('a release that was seen', () => {
  function released(at: number): Doubts {
    const doubts = new Doubts();
    doubts.cleared('v1', at);
    return doubts;
  }

  it('is trusted for two seconds', () => {
    expect(ask(released(100), 2100)?.guard.kind).toBe('at-once');
    expect(ask(released(100), 2101)?.guard.kind).toBe('when-silent');
  });

  it('is not trusted alone while somebody is astray: another part may have been given it just now', () => {
    expect(ask(released(100), 110, { astray: true })?.guard.kind).toBe('when-silent');
    expect(ask(released(100), 110, { astray: true, access: 'blind' })?.guard.kind).toBe('at-once');
  });

  it('is void once somebody has it', () => {
    const doubts = released(100);
    doubts.taken('v1');
    expect(ask(doubts, 101)?.guard.kind).toBe('when-silent');
  });

  it('is not trusted alone for two seconds after somebody parted, though it came later', () => {
    const doubts = new Doubts();
    doubts.parted(50);
    doubts.cleared('v1', 100);
    expect(ask(doubts, 101)?.guard.kind).toBe('when-silent');
    doubts.cleared('v1', 2051);
    expect(ask(doubts, 2051)?.guard.kind).toBe('at-once');
  });
});

describe('while somebody in another view contests ours', () => {
  function contested(): Doubts {
    const doubts = new Doubts();
    doubts.contested = true;
    return doubts;
  }

  it.each(['link', 'blind', 'atomic'] as const)('nothing is taken (%s)', (access) => {
    expect(ask(contested(), 100, { access })).toBeUndefined();
  });

  it('only what was released to us is asked for on the link', () => {
    const doubts = contested();
    doubts.cleared('v1', 100);
    expect(ask(doubts, 110)?.guard).toEqual({ kind: 'when-silent', until: 2110 });
    expect(ask(doubts, 110, { access: 'blind' })).toBeUndefined();
  });
});

describe('after all is forgotten', () => {
  it('who cannot ask waits for whatever lease may still run; what is released from then on is taken at once', () => {
    const doubts = new Doubts();
    doubts.reset(100);
    expect(ask(doubts, 150, { access: 'blind' })?.notBefore).toBe(4200);
    expect(ask(doubts, 150)?.notBefore).toBeUndefined();
    doubts.cleared('v1', 160);
    expect(ask(doubts, 170, { access: 'blind' })?.notBefore).toBeUndefined();
  });

  it('who begins has nothing to forget', () => {
    expect(ask(new Doubts(), 0, { access: 'blind' })?.notBefore).toBeUndefined();
  });
});

it('remembers each way in which a VIP may still be with somebody who went', () => {
  const doubts = new Doubts();
  const [one, other] = [['10.1.0.1'], ['10.1.0.1', '10.1.0.2']];
  doubts.lasts('v1', { provider: 'cloud', askable: false, lasts: 30_000 }, { addresses: one, now: 0 });
  doubts.lasts('v1', { provider: 'local', askable: true, lasts: 4_100 }, { addresses: one, now: 28_000 });
  expect(doubts.lasting(29_000)).toEqual([
    { vip: 'v1', provider: 'cloud', askable: false, rest: 1_000, addresses: one },
    { vip: 'v1', provider: 'local', askable: true, rest: 3_100, addresses: one },
  ]);
  doubts.lasts('v1', { provider: 'cloud', askable: false, lasts: 10 }, { addresses: other, now: 29_000 });
  expect(doubts.lasting(29_000)[0], 'the later end, and all addresses').toEqual({
    vip: 'v1',
    provider: 'cloud',
    askable: false,
    rest: 1_000,
    addresses: other,
  });
  expect(doubts.lasting(31_000)).toHaveLength(1);
  doubts.held('v1');
  expect(doubts.lasting(31_000)).toEqual([]);
});
