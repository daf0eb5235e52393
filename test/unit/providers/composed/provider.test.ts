/** What becomes of the pair when one half fails, is late, dies, or says nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { createComposedProvider } from '../../../../providers/composed/provider.ts';
import { createMemoryProvider, type MemoryProvider } from '../../../../providers/memory/provider.ts';
import type { Vip } from '../../../../src/model/vip.ts';
import type { Provider, ProviderEvent } from '../../../../src/provider/provider.ts';
import { vip } from '../../agent/config.ts';

const placement = { interface: 'eth9', prefix: { 4: 32, 6: 128 } } as const;
const V1: Vip = { ...vip('v1'), addresses: [{ family: 4, address: '10.1.0.1', prefixLength: 24 }] };
const V2 = vip('v2');
const SIGNAL = new AbortController().signal;

let outer: MemoryProvider;
let guest: MemoryProvider;
let pair: Provider;
let events: ProviderEvent[];
/** Every call of a half, in order, as `half.verb vip`. */
let calls: string[];

function watched(half: 'outer' | 'guest', provider: MemoryProvider): MemoryProvider {
  for (const verb of ['acquire', 'release', 'renew'] as const) {
    const real = provider[verb].bind(provider) as (...all: unknown[]) => Promise<never>;
    (provider as unknown as Record<string, unknown>)[verb] = (
      first: readonly (Vip | { vip: Vip })[],
      ...rest: unknown[]
    ) => {
      calls.push(...first.map((one) => `${half}.${verb} ${'vip' in one ? one.vip.id : one.id}`));
      return real(first, ...rest);
    };
  }
  return provider;
}

beforeEach(async () => {
  events = [];
  calls = [];
  outer = watched('outer', createMemoryProvider('outer'));
  guest = watched('guest', createMemoryProvider('guest'));
  pair = createComposedProvider('both', placement, { outer, guest });
  await pair.start([V1, V2], (event) => events.push(event));
});

const acquire = (vips: readonly Vip[] = [V1], signal = SIGNAL) =>
  pair.acquire(
    vips.map((one) => ({ vip: one, guard: { kind: 'at-once' } })),
    7,
    signal,
  );
const heldBy = async (half: Provider) =>
  (await half.inspect([V1, V2], SIGNAL)).filter(({ held }) => held).map(({ vip: id }) => id);

/** The half answers the verb like this from now on; `real` is what it would do. */
function play(
  half: Provider,
  verb: 'acquire' | 'release' | 'renew' | 'inspect',
  act: (real: () => Promise<never>) => unknown,
): void {
  const real = (half[verb] as (...all: unknown[]) => Promise<never>).bind(half);
  (half as unknown as Record<string, unknown>)[verb] = (...all: unknown[]) => act(() => real(...all));
}

describe('the order', () => {
  it('is outside first when it comes, inside first when it goes', async () => {
    expect(await acquire()).toMatchObject([{ vip: 'v1', held: true, code: 'ok' }]);
    await pair.release([V1], SIGNAL);
    expect(calls).toEqual(['outer.acquire v1', 'guest.acquire v1', 'guest.release v1', 'outer.release v1']);
  });

  it('puts it on the interface that is named, as a host route, whatever the VIP says', async () => {
    let asked: Vip | undefined;
    const real = guest.acquire.bind(guest);
    guest.acquire = (requests, ...rest) => {
      asked = requests[0]?.vip;
      expect(requests[0]?.guard).toEqual({ kind: 'at-once' });
      return real(requests, ...rest);
    };
    await acquire();
    expect(asked?.addresses).toEqual([
      { family: 4, address: '10.1.0.1', prefixLength: 32, interface: 'eth9' },
    ]);
  });
});

describe('an acquire', () => {
  it('that fails outside touches the guest not at all', async () => {
    outer.refuse('v1', { code: 'limit', reason: 'no slot left' });
    expect(await acquire([V1, V2])).toMatchObject([
      { vip: 'v1', held: false, code: 'limit' },
      { vip: 'v2', held: true, code: 'ok' },
    ]);
    expect(calls).not.toContain('guest.acquire v1');
  });

  it('that fails in the guest counts as half held, and a release takes both away', async () => {
    guest.refuse('v1', { code: 'interface-missing', reason: 'no eth9' });
    expect(await acquire()).toEqual([
      {
        vip: 'v1',
        held: true,
        code: 'interface-missing',
        reason: 'brought here, but not up in the guest: no eth9',
      },
    ]);
    expect(await pair.inspect([V1], SIGNAL)).toMatchObject([
      {
        held: false,
        code: 'failed',
        reason: 'half of it is in place: brought here, and not up in the guest',
      },
    ]);
    expect(await pair.release([V1], SIGNAL)).toMatchObject([{ held: false, code: 'ok' }]);
    expect([await heldBy(outer), await heldBy(guest)]).toEqual([[], []]);
  });

  it('that the guest could not have up is not begun outside', async () => {
    guest.setFit('v1', false, 'no carrier');
    expect(await acquire([V1, V2])).toMatchObject([
      { vip: 'v2', held: true, code: 'ok' },
      { vip: 'v1', held: false, code: 'link-down', reason: 'in the guest: no carrier' },
    ]);
    expect(calls).not.toContain('outer.acquire v1');
  });

  it('of many at once is one call outside', async () => {
    const sizes: number[] = [];
    const real = outer.acquire.bind(outer);
    outer.acquire = (requests, ...rest) => {
      sizes.push(requests.length);
      return real(requests, ...rest);
    };
    await acquire([V1, V2, V1]);
    expect(sizes).toEqual([2]);
  });

  it('that is given up between the two is half held, not aborted', async () => {
    const abort = new AbortController();
    play(outer, 'acquire', async (real) => {
      const answer = await real();
      abort.abort();
      return answer;
    });
    expect(await acquire([V1], abort.signal)).toMatchObject([{ held: true, code: 'failed' }]);
    expect([await heldBy(outer), await heldBy(guest)]).toEqual([['v1'], []]);
  });

  it('of which the answer outside is lost until it is given up holds what is there', async () => {
    const abort = new AbortController();
    play(outer, 'acquire', async (real) => {
      await real();
      await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
      return [{ vip: 'v1', held: true, code: 'aborted', reason: 'the answer was lost' }];
    });
    const answer = acquire([V1], abort.signal);
    setTimeout(() => abort.abort(), 20);
    expect(await answer).toMatchObject([{ held: true, code: 'aborted' }]);
    expect(calls).not.toContain('guest.acquire v1');
    expect(await pair.release([V1], SIGNAL)).toMatchObject([{ held: false }]);
  });

  it('that is released meanwhile puts nothing up in the guest', async () => {
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    play(outer, 'acquire', async (real) => {
      const answer = await real();
      await gate;
      return answer;
    });
    const answer = acquire();
    await pair.release([V1], SIGNAL);
    go();
    expect(await answer).toMatchObject([{ held: false, code: 'aborted' }]);
    expect([await heldBy(outer), await heldBy(guest)]).toEqual([[], []]);
  });

  it('during which the guest loses it again is half held', async () => {
    play(guest, 'acquire', async (real) => {
      const answer = await real();
      guest.lose('v1', 'another tool');
      return answer;
    });
    expect(await acquire()).toMatchObject([{ held: true, code: 'failed' }]);
  });

  it('after the agent died between the two finds a guest that is swept, and completes', async () => {
    await outer.acquire([{ vip: V1, guard: { kind: 'at-once' } }], 1, SIGNAL);
    expect(await pair.inspect([V1], SIGNAL)).toMatchObject([{ held: false, code: 'failed' }]);
    expect(await acquire()).toMatchObject([{ held: true, code: 'ok' }]);
    expect(await pair.inspect([V1], SIGNAL)).toMatchObject([{ held: true, code: 'ok' }]);
  });

  it('tells the reason of whoever throws to whoever asked: nothing is known then', async () => {
    play(guest, 'acquire', () => Promise.reject(new Error('broken')));
    await expect(acquire()).rejects.toThrow('broken');
  });
});

describe('a release', () => {
  it('that fails in the guest leaves the traffic here: nobody else is to have it while this host answers', async () => {
    await acquire();
    play(guest, 'release', async () => [{ vip: 'v1', held: true, code: 'failed', reason: 'netlink: busy' }]);
    expect(await pair.release([V1], SIGNAL)).toMatchObject([
      { held: true, code: 'failed', reason: 'in the guest: netlink: busy' },
    ]);
    expect(calls).not.toContain('outer.release v1');
  });

  it('that fails outside is held, though the guest has let go', async () => {
    await acquire();
    play(outer, 'release', async () => [{ vip: 'v1', held: true, code: 'timeout', reason: 'no answer' }]);
    expect(await pair.release([V1], SIGNAL)).toMatchObject([{ held: true, code: 'timeout' }]);
    expect(await heldBy(guest)).toEqual([]);
  });

  it('that is given up in between says what is still there', async () => {
    await acquire();
    const abort = new AbortController();
    play(guest, 'release', async (real) => {
      const answer = await real();
      abort.abort();
      return answer;
    });
    expect(await pair.release([V1], abort.signal)).toMatchObject([{ held: true, code: 'aborted' }]);
    expect([await heldBy(outer), await heldBy(guest)]).toEqual([['v1'], []]);
  });
});

describe('a renewal', () => {
  it('prolongs the lease in the guest though the cloud does not answer, and takes nothing away for that', async () => {
    await acquire();
    play(outer, 'renew', () => new Promise(() => undefined));
    for (let round = 0; round < 3; round++)
      expect(await pair.renew([V1], SIGNAL)).toMatchObject([{ held: true, code: 'ok' }]);
    expect(calls.filter((call) => call === 'guest.renew v1')).toHaveLength(3);
    expect(await heldBy(guest)).toEqual(['v1']);
  });

  it('drops the address in the guest when the cloud says late that it is gone', async () => {
    await acquire();
    play(outer, 'renew', async () => {
      await delay(200);
      return [{ vip: 'v1', held: false, code: 'lost', reason: 'it is at i-2 now' }];
    });
    expect(await pair.renew([V1], SIGNAL)).toMatchObject([{ held: true }]);
    expect(await pair.renew([V1], SIGNAL)).toMatchObject([{ held: true }]);
    await expect.poll(() => events).toEqual([{ kind: 'lost', vip: 'v1', reason: 'it is at i-2 now' }]);
    expect(await heldBy(guest)).toEqual([]);
  });

  it('believes no late word about a hold that is over', async () => {
    await acquire();
    play(outer, 'renew', async () => {
      await delay(200);
      return [{ vip: 'v1', held: false, code: 'lost', reason: 'old news' }];
    });
    await pair.renew([V1], SIGNAL);
    await pair.release([V1], SIGNAL);
    await acquire();
    await delay(250);
    expect(events).toEqual([]);
    expect(await heldBy(guest)).toEqual(['v1']);
  });

  it('loses nothing because it was interrupted', async () => {
    await acquire();
    play(outer, 'renew', async () => [{ vip: 'v1', held: false, code: 'timeout', reason: 'no answer' }]);
    expect(await pair.renew([V1], SIGNAL)).toMatchObject([{ held: true, code: 'ok' }]);
  });

  it('loses what the guest has lost', async () => {
    await acquire();
    play(guest, 'renew', async () => [{ vip: 'v1', held: false, code: 'lease-expired', reason: 'too late' }]);
    expect(await pair.renew([V1], SIGNAL)).toMatchObject([{ held: false, code: 'lease-expired' }]);
  });
});

describe('an event', () => {
  it('that the traffic goes elsewhere takes the address down before anybody hears of it', async () => {
    await acquire();
    outer.lose('v1', 'reassigned to i-2');
    await expect.poll(() => events).toEqual([{ kind: 'lost', vip: 'v1', reason: 'reassigned to i-2' }]);
    expect(await heldBy(guest)).toEqual([]);
  });

  it('of the guardian in the guest stays one', async () => {
    await acquire();
    guest.lose('v1', 'gone');
    expect(events).toEqual([{ kind: 'lost', vip: 'v1', reason: 'in the guest: gone' }]);
  });

  it('says unfit while either is, and fit when both are', () => {
    outer.setFit('v1', false, 'wrong subnet');
    guest.setFit('v1', false, 'no carrier');
    outer.setFit('v1', true, 'fine');
    guest.setFit('v1', true, 'up');
    expect(events.map((event) => (event.kind === 'fitness' ? [event.fit, event.reason] : []))).toEqual([
      [false, 'wrong subnet'],
      [false, 'wrong subnet'],
      [false, 'in the guest: no carrier'],
      [true, 'in the guest: up'],
    ]);
  });
});

describe('neighbours', () => {
  const event = { kind: 'neighbours', neighbours: [['10.0.0.9', '02:00:00:00:00:09']], again: 9 } as const;

  it('that other members know are told to the guest, which has a link to tell them on', () => {
    const heard: unknown[] = [];
    Object.assign(guest, { neighbours: (known: unknown) => heard.push(known) });
    pair.neighbours?.(event.neighbours);
    expect(heard).toEqual([event.neighbours]);
  });

  it('that the guest has are told to the other members', async () => {
    const start = guest.start.bind(guest);
    guest.start = (vips, listener) => {
      listener(event);
      return start(vips, listener);
    };
    pair = createComposedProvider('both', placement, { outer, guest });
    await pair.start([V1, V2], (told) => events.push(told));
    expect(events).toContainEqual(event);
  });
});

describe('the pair', () => {
  it('takes over as the outer one does, and lasts as long as the guest', () => {
    const traits = (more: object) => ({ ...createMemoryProvider('x'), ...more }) as unknown as Provider;
    const cloud = traits({ traits: { families: [4, 6], scope: 'region', atomicTakeover: true } });
    const local = traits({
      traits: { families: [4], scope: 'link', atomicTakeover: false, leaseBound: 4100 },
    });
    expect(createComposedProvider('both', placement, { outer: cloud, guest: local }).traits).toEqual({
      families: [4],
      scope: 'region',
      atomicTakeover: true,
      leaseBound: 4100,
    });
  });

  it('starts neither when one cannot start', async () => {
    const stopped: string[] = [];
    const [a, b] = [createMemoryProvider('a'), createMemoryProvider('b')];
    a.start = () => Promise.reject(new Error('no credentials'));
    b.stop = async () => void stopped.push('b');
    const broken = createComposedProvider('both', placement, { outer: a, guest: b });
    await expect(broken.start([], () => undefined)).rejects.toThrow('no credentials');
    expect(stopped).toEqual(['b']);
  });
});

describe('a rehearsal', () => {
  it('tells of both, and not of neighbours, whom a cloud does not have', async () => {
    const warn = { verdict: 'warn', detail: 'd', mend: 'm' } as const;
    outer.test = async () => [{ what: 'region', verdict: 'pass', detail: 'd' }];
    guest.test = async () => [
      { what: 'rights', verdict: 'pass', detail: 'd' },
      { what: 'arp_ignore of lo', ...warn },
      { what: 'interface lo', ...warn },
      { what: 'interface eth1', verdict: 'fail', detail: 'd', mend: 'm' },
      { what: 'rp_filter of eth1', ...warn },
    ];
    expect((await pair.test([V1], SIGNAL)).map(({ what }) => what)).toEqual([
      'region',
      'in the guest: rights',
      'in the guest: interface eth1',
      'in the guest: rp_filter of eth1',
    ]);
  });
});
