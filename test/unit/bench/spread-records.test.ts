import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/agent/messages.ts';
import { encodeEnvelope } from '../../../src/group/spread/envelope.ts';
import { encodeFrame } from '../../../src/group/spread/frame.ts';
import { CAUSE_BITS, NAME_BYTES, REGULAR_MEMBERSHIP, SERVICE_BITS } from '../../../src/group/spread/wire.ts';
import { memberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { type AgentNote, partsOf, type Side, sideOf, type TapRecord } from '../../bench/spread-records.ts';
import { report } from '../agent/reports.ts';

const CLUSTER = 'lab';
const GROUP = 'g';
const NAMES = { a: '#wk~000000a#d1', b: '#wk~000000b#d2', c: '#wk~000000c#d3' };
type Name = keyof typeof NAMES;
const memberOf = (name: Name) => memberId(name, '0000000000000001');
const VIEW = viewId(7, memberOf('a'));
const round = { id: { daemon: 1, time: 2, index: 3 }, passedOver: 0 };

function membership(): Uint8Array {
  const data = Buffer.alloc(24 + NAME_BYTES);
  data.writeInt32LE(1, 0);
  data.writeInt32LE(2, 4);
  data.writeInt32LE(3, 8);
  data.writeUInt32LE(1, 12);
  data.writeUInt32LE(1, 20);
  data.write(NAMES.c, 24, 'latin1');
  const type = REGULAR_MEMBERSHIP | CAUSE_BITS.disconnect;
  return frame({ type, name: GROUP, groups: [NAMES.a, NAMES.b], data });
}

function frame(parts: { type: number; name: string; groups: readonly string[]; data: Uint8Array }) {
  return encodeFrame({ little: true, hint: 0, hintLittle: true, ...parts });
}

function multicast(sender: Name, data: Uint8Array): Uint8Array {
  return frame({ type: SERVICE_BITS.agreed, name: NAMES[sender], groups: [GROUP], data });
}

function announcement(sender: Name): Uint8Array {
  const envelope = { kind: 'announce', round, member: memberOf(sender), number: 1, barred: [] } as const;
  return multicast(sender, encodeEnvelope(envelope, CLUSTER));
}

function said(sender: Name): Uint8Array {
  const bytes = encodeMessage(report(VIEW));
  return multicast(sender, encodeEnvelope({ kind: 'part', view: VIEW, last: true, bytes }, CLUSTER));
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** What came to one agent: when it could be read, when it was, and for how long its thread had had a processor by then. */
type Came = readonly [at: number, read: number, worked: number, bytes: Uint8Array];
/** What it did. */
type Did = readonly [at: number, worked: number, bytes: Uint8Array | 'acquire'];

function side(name: Name, came: readonly Came[], did: readonly Did[]): Side {
  const privateGroup = Buffer.from(NAMES[name], 'latin1');
  const answer = Buffer.concat([Buffer.from([1, 5, 0, 1, privateGroup.length]), privateGroup]);
  const all: readonly Came[] = [[0, 0.1, 0, Buffer.from('\x04NULL', 'latin1')], [1, 1.1, 0, answer], ...came];
  const records = all.map(([at, , , bytes]): TapRecord => ({ at, client: 1, bytes: base64(bytes) }));
  const reads = all.map(
    ([, at, worked, bytes]): AgentNote => ({ at, worked, kind: 'read', bytes: base64(bytes) }),
  );
  const deeds = did.map(
    ([at, worked, bytes]): AgentNote =>
      bytes === 'acquire'
        ? { at, worked, kind: 'acquire', bytes: '' }
        : { at, worked, kind: 'written', bytes: base64(bytes) },
  );
  return sideOf(records, [...reads, ...deeds])!;
}

/** Both have all; b announces itself last and reports last; a takes over. */
function takeover(): { readonly a: Side; readonly b: Side } {
  const a = side(
    'a',
    [
      [10, 10.2, 100, membership()],
      [13, 13.1, 101, announcement('a')],
      [14, 14.1, 102, announcement('b')],
      [17, 17.1, 103, said('a')],
      [18, 18.2, 104, said('b')],
    ],
    [
      [11, 100.5, announcement('a')],
      [15, 102.5, said('a')],
      [19.5, 105, 'acquire'],
    ],
  );
  const b = side(
    'b',
    [
      [10.5, 10.8, 50, membership()],
      [13, 13.1, 51, announcement('a')],
      [14, 14.5, 52, announcement('b')],
      [17, 17.1, 53, said('a')],
      [18, 18.1, 54, said('b')],
    ],
    [
      [12, 50.9, announcement('b')],
      [16.5, 53, said('b')],
    ],
  );
  return { a, b };
}

function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'number' ? Math.round(part * 1e6) / 1e6 : part,
    ),
  );
}

describe('the division of a takeover', () => {
  it('goes along the messages that the acquire waited for, at whoever was last', () => {
    const { a, b } = takeover();
    expect(rounded(partsOf({ sides: [a, b], taker: a, from: 5, cluster: CLUSTER }))).toEqual({
      announce: { all: 1.5, reading: 0.3, working: 0.9 },
      report: { all: 2.5, reading: 0.5, working: 1 },
      acquire: { all: 1.5, reading: 0.2, working: 1 },
      daemons: 4,
      all: 9.5,
    });
  });

  it('says nothing of who took nothing over', () => {
    const { a, b } = takeover();
    expect(partsOf({ sides: [a, b], taker: b, from: 5, cluster: CLUSTER })).toBeUndefined();
  });

  it('says nothing where what was waited for came before', () => {
    const { a, b } = takeover();
    expect(partsOf({ sides: [a, b], taker: a, from: 12, cluster: CLUSTER })).toBeUndefined();
  });

  it('says nothing where the member whose report came last was not looked at', () => {
    const { a } = takeover();
    expect(partsOf({ sides: [a], taker: a, from: 5, cluster: CLUSTER })).toBeUndefined();
  });

  it('takes what another cluster says for nothing', () => {
    const { a, b } = takeover();
    expect(partsOf({ sides: [a, b], taker: a, from: 5, cluster: 'another' })).toBeUndefined();
  });

  it('counts what was read in pieces as read with its last one', () => {
    const bytes = Buffer.from(membership());
    const whole = side('a', [[10, 10.2, 100, bytes]], []);
    const pieces = side(
      'a',
      [
        [10, 10.2, 100, bytes.subarray(0, 50)],
        [11, 11.3, 101, bytes.subarray(50)],
      ],
      [],
    );
    expect(whole.heard.map(({ at, read }) => [at, read.at])).toEqual([[10, 10.2]]);
    expect(pieces.heard.map(({ at, read }) => [at, read.at])).toEqual([[11, 11.3]]);
  });

  it('knows no side before the daemon has given it a name', () => {
    const record = { at: 0, client: 1, bytes: base64(Buffer.from('\x04NULL', 'latin1')) };
    expect(sideOf([record], [])).toBeUndefined();
  });
});
