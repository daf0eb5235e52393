import { describe, expect, it } from 'vitest';
import { MemoryLink } from '../../../../providers/memory/link.ts';
import { createMemoryProvider } from '../../../../providers/memory/provider.ts';
import type { Vip } from '../../../../src/model/vip.ts';

const VIP: Vip = {
  id: 'web',
  addresses: [{ family: 4, address: '192.0.2.1', prefixLength: 32 }],
  prefer: [],
  weight: 1,
  policy: 'component',
  providers: ['memory'],
};
const SIGNAL = new AbortController().signal;
const AT_ONCE = [{ vip: VIP, guard: { kind: 'at-once' as const } }];

describe('memory providers on one link', () => {
  it('see each other, in time that is given to them', async () => {
    const link = new MemoryLink();
    let now = 0;
    const sleep = async (length: number): Promise<void> => {
      now += length;
    };
    const [a, b] = ['a', 'b'].map((name) =>
      createMemoryProvider(name, { latency: 5 }, { link, now: () => now, sleep }),
    );
    await a!.acquire(AT_ONCE, 1, SIGNAL);
    expect(now).toBe(5);
    const waiting = { vip: VIP, guard: { kind: 'when-silent' as const, until: 50 } };
    expect(await b!.acquire([waiting], 1, SIGNAL)).toMatchObject([{ held: false, code: 'address-in-use' }]);
    expect(now).toBe(50);
    await a!.release([VIP], SIGNAL);
    expect(await b!.acquire([waiting], 1, SIGNAL)).toMatchObject([{ held: true }]);
    expect(link.answering('192.0.2.1')).toHaveLength(1);
  });

  it('fail as told', async () => {
    const provider = createMemoryProvider('m');
    provider.refuse('web', { code: 'limit', reason: 'no room' });
    expect(await provider.acquire(AT_ONCE, 1, SIGNAL)).toMatchObject([
      { held: false, code: 'limit', reason: 'no room' },
    ]);
    provider.refuse('web', undefined);
    expect(await provider.acquire(AT_ONCE, 1, SIGNAL)).toMatchObject([{ held: true }]);
  });
});
