import { expect, test } from 'vitest';
import type { GroupEvent } from '../../../src/group/group.ts';
import { Outbound } from '../../../src/group/outbound.ts';
import { type Parcel, WAITING_BYTES_MAX } from '../../../src/group/worker-messages.ts';
import { memberId } from '../../../src/model/member.ts';

const B = memberId('b', '0000000000000001');

function message(bytes: Uint8Array): GroupEvent {
  return { kind: 'message', sender: B, bytes };
}

test('events and log lines of one turn leave together, in order, each message in a buffer of its own', async () => {
  const posts: (Parcel & { transfer: readonly ArrayBuffer[] })[] = [];
  const outbound = new Outbound((parcel, transfer) => posts.push({ ...parcel, transfer }));
  const line = { level: 'info', message: 'a view is near', fields: {} } as const;
  outbound.note(line);
  const received = Buffer.from('a large packet with a message in it');
  outbound.add(message(received.subarray(15, 22)));
  outbound.add({ kind: 'transitional' });
  expect(posts).toEqual([]);
  await Promise.resolve();
  expect(posts).toHaveLength(1);
  expect(posts[0]!.events.map(({ kind }) => kind)).toEqual(['message', 'transitional']);
  expect(posts[0]!.lines).toEqual([line]);
  expect(posts[0]!.transfer.map(({ byteLength }) => byteLength)).toEqual([7]);
});

test('a log line without an event leaves in its own turn', async () => {
  const posts: Parcel[] = [];
  const outbound = new Outbound((parcel) => posts.push(parcel));
  const line = { level: 'warn', message: 'something is limited', fields: {} } as const;
  outbound.note(line);
  await Promise.resolve();
  await Promise.resolve();
  expect(posts).toEqual([{ events: [], lines: [line] }]);
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
