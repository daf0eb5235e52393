/** What an isolated provider's agent believes while the thread is gone, and takes back when it runs again. */
import { expect, it } from 'vitest';
import { Beliefs } from '../../../src/isolation/beliefs.ts';
import type { Vip } from '../../../src/model/vip.ts';
import type { ProviderEvent } from '../../../src/provider/provider.ts';

const vip = (id: string): Vip => ({
  id,
  addresses: [{ family: 4, address: '192.0.2.1', prefixLength: 32 }],
  prefer: [],
  weight: 1,
  policy: 'primary',
  providers: ['p'],
});

it('a host that is told unable while a slow start is under way is able again after it', () => {
  const beliefs = new Beliefs();
  const told: ProviderEvent[] = [];
  const tell = (event: ProviderEvent) => told.push(event);
  beliefs.startAnew();
  // The start takes longer than the thread may be gone without a word.
  beliefs.unable([vip('a'), vip('b')], 'the thread is gone', tell);
  beliefs.unable([vip('a'), vip('b')], 'the thread is gone', tell);
  expect(told.map((event) => event.kind === 'fitness' && event.fit)).toEqual([false, false]);
  beliefs.notice({ kind: 'fitness', vip: 'b', fit: false, reason: 'says the new run' });
  told.length = 0;
  beliefs.startedAnew(tell);
  expect(told).toEqual([{ kind: 'fitness', vip: 'a', fit: true, reason: 'the provider runs again' }]);
});
