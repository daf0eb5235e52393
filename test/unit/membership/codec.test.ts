import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, decodeHeartbeat, encodeFrame, encodeHeartbeat } from '../../../src/membership/codec.ts';
import type { Frame, Heartbeat } from '../../../src/membership/messages.ts';
import { HEARTBEAT_BYTES_MAX } from '../../../src/membership/messages.ts';
import { isMemberId, memberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';

const hex16 = fc.stringMatching(/^[0-9a-f]{16}$/);
const count = fc.maxSafeNat();
const member = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/), hex16)
  .filter(([name, run]) => isMemberId(`${name}#${run}`))
  .map(([name, run]) => memberId(name, run));
const view = fc.tuple(count, member).map(([epoch, representative]) => viewId(epoch, representative));
const members = fc.array(member, { maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 300 });
const attempt = fc.record({ epoch: count, proposer: member });
const absent = fc.array(
  fc.record({ member, how: fc.constantFrom('leave' as const, 'process' as const, 'host' as const) }),
  { maxLength: 4 },
);
const origin = fc.record({
  view,
  fresh: fc.boolean(),
  cut: count,
  stable: count,
  source: member,
  from: fc.array(fc.record({ member, received: count }), { maxLength: 4 }),
  departed: absent,
});
const heartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  sender: member,
  number: count,
  well: fc.boolean(),
  view,
  size: fc.nat(65_535),
  hears: fc.array(hex16, { maxLength: 100 }),
  highest: count,
  received: count,
  stable: count,
});
const message = { view, number: count, bytes };
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('prepare' as const), epoch: count, members }),
  fc.record({
    kind: fc.constant('promise' as const),
    attempt,
    view,
    received: count,
    stable: count,
    fresh: fc.boolean(),
    absent,
  }),
  fc.record({
    kind: fc.constant('refuse' as const),
    attempt,
    reason: fc.constantFrom(
      'stale' as const,
      'busy' as const,
      'unheard' as const,
      'smaller' as const,
      'leaving' as const,
    ),
    highest: count,
    size: fc.nat(65_535),
    unheard: members,
  }),
  fc.record({
    kind: fc.constant('install' as const),
    epoch: count,
    members,
    origins: fc.array(origin, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('installed' as const), view }),
  fc.record({ kind: fc.constant('cancel' as const), epoch: count }),
  fc.record({ kind: fc.constant('data' as const), ...message }),
  fc.record({ kind: fc.constant('ordered' as const), ...message, seq: count, stable: count, sender: member }),
  fc.record({ kind: fc.constant('fill' as const), ...message, seq: count, sender: member }),
  fc.record({ kind: fc.constant('ack' as const), view, received: count }),
  fc.record({ kind: fc.constant('hear' as const), heartbeat }),
  fc.record({ kind: fc.constant('goodbye' as const) }),
  fc.record({ kind: fc.constant('farewell' as const) }),
);

describe('frames', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(frame, (value) => {
        expect(decodeFrame(encodeFrame(value))).toEqual({ ok: true, value });
      }),
    );
  });

  it('are refused with a reason when any byte is missing or too many', () => {
    fc.assert(
      fc.property(frame, fc.nat(), (value, at) => {
        const whole = encodeFrame(value);
        expect(decodeFrame(whole.subarray(0, at % whole.length)).ok).toBe(false);
        expect(decodeFrame(Uint8Array.of(...whole, 0)).ok).toBe(false);
      }),
    );
  });

  it('never throw for garbage, or for frames with damaged bytes', () => {
    fc.assert(
      fc.property(
        frame,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (value, damage) => {
          const damaged = encodeFrame(value).slice();
          for (const [at, byte] of damage) damaged[at % damaged.length] = byte;
          const decoded = decodeFrame(damaged);
          if (decoded.ok) expect(encodeFrame(decoded.value)).toEqual(damaged);
          else expect(decoded.error).not.toBe('');
        },
      ),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (garbage) => typeof decodeFrame(garbage).ok === 'boolean',
      ),
    );
  });

  it('name the version that is not understood', () => {
    const bytes = encodeFrame({ kind: 'goodbye' }).slice();
    bytes[0] = 9;
    expect(decodeFrame(bytes)).toEqual({ ok: false, error: expect.stringContaining('wire version 9') });
  });

  it('refuse a length that is not there without allocating it', () => {
    const bytes = encodeFrame({
      kind: 'data',
      view: viewId(1, memberId('a', '0'.repeat(16))),
      number: 1,
      bytes: Uint8Array.of(7),
    });
    const lying = bytes.slice();
    lying.set([0, 0x3f, 0xff, 0xff], lying.length - 5);
    expect(decodeFrame(lying)).toEqual({ ok: false, error: expect.stringContaining('not there') });
  });
});

describe('heartbeats', () => {
  it('come back as they went, in a datagram that fits every path', () => {
    fc.assert(
      fc.property(heartbeat, (value) => {
        const bytes = encodeHeartbeat(value);
        expect(bytes.length).toBeLessThanOrEqual(HEARTBEAT_BYTES_MAX);
        expect(decodeHeartbeat(bytes)).toEqual({ ok: true, value });
      }),
    );
  });

  it('never throw for garbage', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1_300 }),
        (garbage) => typeof decodeHeartbeat(garbage).ok === 'boolean',
      ),
    );
  });

  it('are not frames', () => {
    expect(decodeHeartbeat(encodeFrame({ kind: 'farewell' })).ok).toBe(false);
  });
});
