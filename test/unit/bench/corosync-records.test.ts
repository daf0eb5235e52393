/** What agents noted of corosync, read as what was theirs and what was ours. */
import { expect, test } from 'vitest';
import { nameOfPlace } from '../../../src/group/corosync/memberships.ts';
import { type CpgNote, noteOf, noteText, sideOnCorosync } from '../../bench/corosync-records.ts';

const PLACES = [
  { node: 1, pid: 10 },
  { node: 2, pid: 20 },
];
const addresses = PLACES.map((place) => ({ ...place, reason: 0 }));
const ring = { kind: 'ring', ring: { node: 1, seq: 12n }, nodes: [1, 2] } as const;
const joined = {
  kind: 'members',
  members: addresses,
  left: [],
  joined: [{ ...addresses[1]!, reason: 4 }],
} as const;
const word = { kind: 'message', node: 2, pid: 20, bytes: Buffer.from('word') } as const;

const SPOKEN: readonly CpgNote[] = [
  { at: 100, own: 5, waited: 1, worked: 50, kind: 'idle' },
  // It looked at 200; before, it had a processor for 0.25 ms and waited for one for 0.5.
  { at: 200, own: 5.25, waited: 1.5, worked: 51, kind: 'told', events: [joined, ring, word] },
  { at: 201, own: 6, waited: 1.5, worked: 52, kind: 'sent', bytes: Buffer.from('answer') },
];

test('a note is the same when it was written down', () => {
  for (const note of SPOKEN) expect(noteOf(noteText(note).trimEnd())).toEqual(note);
});

test('a message could be read before the thread looked: for as long as it was on its way there', () => {
  const done: readonly CpgNote[] = [{ at: 210, own: 1, waited: 0, worked: 60, kind: 'acquire' }];
  const side = sideOnCorosync({
    ...PLACES[0]!,
    cpgGroup: 'g',
    spoken: SPOKEN.map((note) => noteOf(noteText(note))),
    done,
  });
  expect(side.privateGroup).toBe(nameOfPlace(PLACES[0]!));
  expect(side.heard.map(({ at, read, message }) => [at, read.at, message.kind])).toEqual([
    [199.25, 200, 'membership'],
    [199.25, 200, 'message'],
  ]);
  expect(side.heard[1]!.message).toMatchObject({ sender: nameOfPlace(PLACES[1]!), data: word.bytes });
  expect(side.written(Buffer.from('answer'))?.at).toBe(201);
  expect(side.written(Buffer.from('other'))).toBeUndefined();
  expect(side.acquires).toEqual(done);
});
