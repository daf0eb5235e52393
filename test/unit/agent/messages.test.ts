import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AgentMessage, clip, decodeMessage, encodeMessage } from '../../../src/agent/messages.ts';
import { memberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';

const a = memberId('a', '0000000000000001');
const view = viewId(7, a);
const standing = {
  mature: true,
  draining: false,
  barred: '',
  leaving: false,
  capacity: 1,
  unfit: [['v1', 'no carrier']] as const,
};

const examples: AgentMessage[] = [
  {
    kind: 'report',
    view,
    round: 0,
    ...standing,
    digest: 'd',
    votes: 1,
    primary: true,
    quorum: '3 of 3',
    complete: true,
    held: ['v4'],
    claims: ['v1'],
    pinned: [],
    passed: [['v2', 'failed']],
    doubts: ['v3'],
    rules: 2,
    zone: 'east',
    tags: { tier: 'edge' },
    slots: [['aws', 4, 1]],
    carriers: [
      { provider: 'local', askable: true, lasts: 4100 },
      { provider: 'aws', askable: false, lasts: 30_000, vips: ['v1'] },
    ],
    lasting: [{ vip: 'v1', provider: 'aws', askable: false, rest: 12.5 }],
  },
  {
    kind: 'definitions',
    view,
    round: 1,
    vips: [{ id: 'v1', addresses: ['10.0.0.1/32'], prefer: [], weight: 1, policy: 'primary', spread: 'web' }],
  },
  { kind: 'standing', view, ...standing },
  { kind: 'released', view, vips: ['v1'] },
  { kind: 'acquired', view, vips: [] },
  { kind: 'failed', view, vips: [['v1', 'address-in-use']] },
  { kind: 'retry', view, vips: ['v1'] },
  { kind: 'moves', view, moves: [{ vip: 'v1', from: a, to: a, reason: 'levels' }] },
  { kind: 'proceed', view, round: 0, without: [a] },
  { kind: 'operator', command: { kind: 'move', vip: 'v1', to: 'b' }, via: 'a', number: 3 },
  { kind: 'operator', command: { kind: 'drain', member: 'b' }, via: 'a', number: 4 },
  { kind: 'operator', command: { kind: 'rebalance' }, via: 'a', number: 5 },
  {
    kind: 'neighbours',
    neighbours: [
      ['10.0.0.9', '02:00:00:00:00:09'],
      ['fe80::9', '52:54:00:ab:cd:ef'],
    ],
  },
];

describe('messages', () => {
  it.each(examples.map((m) => [m.kind, m] as const))('%s survives the wire', (_, message) => {
    const decoded = decodeMessage(encodeMessage(message));
    expect(decoded).toMatchObject({ ok: true, message });
  });

  it('name the field that is wrong', () => {
    for (const message of examples) {
      const object: Record<string, unknown> = {
        ...JSON.parse(new TextDecoder().decode(encodeMessage(message))),
      };
      for (const field of Object.keys(object)) {
        const bytes = new TextEncoder().encode(JSON.stringify({ ...object, [field]: { wrong: true } }));
        expect(decodeMessage(bytes).ok, `${message.kind}.${field}`).toBe(false);
      }
    }
  });

  it.each([
    ['a group as link address', [['10.0.0.9', '01:00:5e:00:00:09']]],
    ['everybody as link address', [['10.0.0.9', 'ff:ff:ff:ff:ff:ff']]],
    ['no link address', [['10.0.0.9', '00:00:00:00:00:00']]],
    ['a short link address', [['10.0.0.9', '02:00:00:00:09']]],
    ['a number as link address', [['10.0.0.9', 2]]],
    ['a name', [['www.example.org', '02:00:00:00:00:09']]],
    ['a zone', [['fe80::9%eth0', '02:00:00:00:00:09']]],
    ['an address of any length', [[`${'0'.repeat(100_000)}::`, '02:00:00:00:00:09']]],
    ['a triple', [['10.0.0.9', '02:00:00:00:00:09', 1]]],
    ['more than 512', Array(513).fill(['10.0.0.9', '02:00:00:00:00:09'])],
  ])('refuse neighbours with %s', (_, neighbours) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ v: 1, kind: 'neighbours', neighbours }));
    expect(decodeMessage(bytes)).toEqual({ ok: false, error: 'neighbours: field neighbours' });
  });

  it('never throw on any bytes, nor on any JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.json().map((t) => new TextEncoder().encode(t)),
        ),
        (bytes) => {
          expect(decodeMessage(bytes)).toHaveProperty('ok');
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never throw on mutated traffic', () => {
    fc.assert(
      fc.property(fc.constantFrom(...examples), fc.nat(), fc.nat(255), (message, at, value) => {
        const bytes = encodeMessage(message);
        bytes[at % bytes.length] = value;
        expect(decodeMessage(bytes)).toHaveProperty('ok');
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse a foreign version by name', () => {
    expect(decodeMessage(new TextEncoder().encode('{"v":2,"kind":"retry"}'))).toEqual({
      ok: false,
      error: 'message version 2',
    });
  });

  it('clip reasons to what the other side accepts', () => {
    const message: AgentMessage = { kind: 'failed', view, vips: [['v1', clip('x'.repeat(10_000))]] };
    expect(decodeMessage(encodeMessage(message)).ok).toBe(true);
  });
});
