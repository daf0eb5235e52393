import { describe, expect, it } from 'vitest';
import { MessageLog } from '../../../src/membership/message-log.ts';
import type { Promised } from '../../../src/membership/origins.ts';
import { originsOf, viewFrom } from '../../../src/membership/origins.ts';
import { OUTBOX_MESSAGES_MAX, Outbox } from '../../../src/membership/outbox.ts';
import type { View } from '../../../src/model/view.ts';
import { viewId } from '../../../src/model/view.ts';
import { m } from './members.ts';

const A = m('a');
const B = m('b');
const C = m('c');
const D = m('d');
const OLD = viewId(4, A);

function promise(part: Partial<Promised>): Promised {
  return { view: OLD, received: 0, stable: 0, fresh: false, absent: [], ...part };
}

function oldView(...members: readonly (typeof A)[]): View {
  return { id: OLD, epoch: 4, members, cause: 'join', joined: [], departed: [] };
}

describe('originsOf', () => {
  it('cuts at the longest prefix any survivor has, and names who has it', () => {
    const promises = new Map([
      [A, promise({ received: 5, stable: 3 })],
      [B, promise({ received: 9, stable: 4 })],
      [C, promise({ received: 9 })],
    ]);
    expect(originsOf([A, B, C], promises)).toMatchObject([{ view: OLD, cut: 9, stable: 4, source: B }]);
  });

  it('prefers the proposer as source when it has everything', () => {
    const promises = new Map([
      [C, promise({ received: 9 })],
      [A, promise({ received: 9 })],
    ]);
    expect(originsOf([A, C], promises)[0]!.source).toBe(A);
  });

  it.each([
    { opinions: ['host', 'process'], how: 'process' },
    { opinions: ['process', 'leave'], how: 'leave' },
    { opinions: ['host', 'host'], how: 'host' },
  ] as const)('combines $opinions to $how', ({ opinions, how }) => {
    const promises = new Map([
      [A, promise({ absent: [{ member: D, how: opinions[0] }] })],
      [B, promise({ absent: [{ member: D, how: opinions[1] }] })],
    ]);
    expect(originsOf([A, B], promises)[0]!.departed).toEqual([{ member: D, how }]);
  });

  it('keeps old views apart and does not depend on the order of promises', () => {
    const entries = [
      [A, promise({ received: 2 })],
      [C, promise({ view: viewId(2, C), received: 7 })],
    ] as const;
    const origins = originsOf([A, C], new Map(entries));
    expect(origins.map(({ cut }) => cut).sort((a, b) => a - b)).toEqual([2, 7]);
    expect(originsOf([A, C], new Map([...entries].reverse()))).toEqual(origins);
  });
});

describe('viewFrom', () => {
  const install = (promises: Map<typeof A, Promised>, members: readonly (typeof A)[]) => ({
    epoch: 5,
    members,
    origins: originsOf(members, promises),
  });

  it.each([
    { how: 'leave', cause: 'leave' },
    { how: 'process', cause: 'disconnect' },
    { how: 'host', cause: 'network' },
  ] as const)('a departure by $how has the cause $cause', ({ how, cause }) => {
    const plan = install(new Map([[A, promise({ absent: [{ member: B, how }] })]]), [A]);
    expect(viewFrom(oldView(A, B), plan.origins[0]!, plan)).toMatchObject({
      cause,
      joined: [],
      departed: [{ member: B, how }],
    });
  });

  it('calls newcomers a join, on both sides, and the meeting of two grown views a network matter', () => {
    for (const [fresh, cause] of [
      [true, 'join'],
      [false, 'network'],
    ] as const) {
      const plan = install(
        new Map([
          [A, promise({})],
          [C, promise({ view: viewId(2, C), fresh })],
        ]),
        [A, C],
      );
      const mine = plan.origins.find(({ view }) => view === OLD)!;
      const theirs = plan.origins.find(({ view }) => view !== OLD)!;
      expect(viewFrom(oldView(A), mine, plan)).toMatchObject({ cause, joined: [C] });
      expect(viewFrom({ ...oldView(C), id: viewId(2, C) }, theirs, plan)).toMatchObject({
        cause,
        joined: [A],
      });
    }
  });
});

describe('MessageLog', () => {
  const message = (number: number) => ({ sender: A, number, bytes: Uint8Array.of(number) });

  it('keeps what is not stable, and forgets what is stable and delivered', () => {
    const log = new MessageLog();
    for (let i = 1; i <= 100; i++) log.append(message(i));
    while (log.deliverNext(90));
    log.stabilise(95);
    expect(log.at(90)).toBeUndefined();
    expect(log.at(91)?.number).toBe(91);
    expect(log.retained).toBe(10);
    expect(log.retainedBytes).toBe(10);
  });

  it('does not believe that more is stable than it has', () => {
    const log = new MessageLog();
    log.append(message(1));
    log.stabilise(2);
    expect(log.stable).toBe(0);
  });
});

describe('Outbox', () => {
  it('gives each message once a view, and again what did not come back', () => {
    const outbox = new Outbox();
    for (let i = 0; i < 3; i++) outbox.push(Uint8Array.of(i));
    expect([outbox.next()?.number, outbox.next()?.number]).toEqual([1, 2]);
    outbox.settle(1);
    outbox.rewind();
    expect([outbox.next()?.number, outbox.next()?.number, outbox.next()]).toEqual([2, 3, undefined]);
  });

  it('refuses beyond its bound', () => {
    const outbox = new Outbox();
    for (let i = 0; i < OUTBOX_MESSAGES_MAX; i++) expect(outbox.push(Uint8Array.of(1))).toBe(true);
    expect(outbox.push(Uint8Array.of(1))).toBe(false);
  });
});
