import { expect, test } from 'vitest';
import type { GroupEvent } from '../../../src/group/group.ts';
import { Outbound } from '../../../src/group/outbound.ts';
import { WAITING_BYTES_MAX } from '../../../src/group/worker-messages.ts';
import { memberId } from '../../../src/model/member.ts';

const B = memberId('b', '0000000000000001');

function message(bytes: Uint8Array): GroupEvent {
  return { kind: 'message', sender: B, bytes };
}

test('events of one turn leave together, in order, each message in a buffer of its own', async () => {
  const posts: { events: readonly GroupEvent[]; transfer: readonly ArrayBuffer[] }[] = [];
  const outbound = new Outbound((events, transfer) => posts.push({ events, transfer }));
  const received = Buffer.from('a large packet with a message in it');
  outbound.add(message(received.subarray(15, 22)));
  outbound.add({ kind: 'transitional' });
  expect(posts).toEqual([]);
  await Promise.resolve();
  expect(posts).toHaveLength(1);
  expect(posts[0]!.events.map(({ kind }) => kind)).toEqual(['message', 'transitional']);
  expect(posts[0]!.transfer.map(({ byteLength }) => byteLength)).toEqual([7]);
});

test('a main thread that takes nothing is told of before memory runs out, one that takes is not', () => {
  const outbound = new Outbound(() => undefined);
  const big = Buffer.alloc(1024 * 1024);
  const fits = WAITING_BYTES_MAX / big.length;
  for (let count = 0; count < fits; count += 1) expect(outbound.add(message(big))).toBeUndefined();
  expect(outbound.add(message(big))).toMatch(/does not take its events/);
  outbound.taken(fits);
  expect(outbound.add(message(big))).toBeUndefined();
});
