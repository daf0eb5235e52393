/** Frames of the membership protocol and heartbeats: what was encoded comes back, what decodes has one encoding. */
import fc from 'fast-check';
import { decodeFrame, decodeHeartbeat, encodeFrame, encodeHeartbeat } from '../../../src/membership/codec.ts';
import type { Decoded, Frame, Heartbeat } from '../../../src/membership/messages.ts';
import { nearly } from '../bytes.ts';
import { demand, demandSmall, hex, sameData, type Target } from '../target.ts';
import { recorded } from '../traffic.ts';
import { WIDE, wire } from '../wire.ts';

type Input<T> = { readonly value: T } | { readonly bytes: Buffer };

interface Codec<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => Decoded<T>;
}

function checkCodec<T>({ encode, decode }: Codec<T>, input: Input<T>): void {
  if ('value' in input) {
    const decoded = decode(encode(input.value));
    demand(decoded.ok, () => `its own encoding is refused: ${decoded.ok ? '' : decoded.error}`);
    demand(sameData(decoded.value, input.value), () => 'it comes back changed');
    return;
  }
  const { bytes } = input;
  const decoded = decode(bytes);
  if (!decoded.ok) return demand(decoded.error !== '', () => 'refused without a reason');
  demandSmall(decoded.value, bytes.length);
  const again = encode(decoded.value);
  demand(Buffer.compare(again, bytes) === 0, () => `two encodings: ${hex(bytes)} and ${hex(again)}`);
}

const { frame, heartbeat } = wire(WIDE);

function inputs<T>(values: fc.Arbitrary<T>, corpus: readonly Uint8Array[]): fc.Arbitrary<Input<T>> {
  return fc.oneof(
    { arbitrary: values.map((value) => ({ value })), weight: 1 },
    { arbitrary: nearly(corpus).map((bytes) => ({ bytes })), weight: 6 },
  );
}

export const frames: Target<Input<Frame>> = {
  name: 'frames',
  about: 'membership frames over streams (src/membership/codec.ts)',
  share: 20,
  inputs: () => {
    const made = fc.sample(frame, { numRuns: 300, seed: 1 }).map(encodeFrame);
    return inputs(frame, [...recorded('frames'), ...made]);
  },
  check: (input) => checkCodec({ encode: encodeFrame, decode: decodeFrame }, input),
};

export const heartbeats: Target<Input<Heartbeat>> = {
  name: 'heartbeats',
  about: 'heartbeats in datagrams (src/membership/codec.ts)',
  share: 12,
  inputs: () => {
    const made = fc.sample(heartbeat, { numRuns: 100, seed: 1 }).map(encodeHeartbeat);
    return inputs(heartbeat, [...recorded('heartbeats'), ...made]);
  },
  check: (input) => checkCodec({ encode: encodeHeartbeat, decode: decodeHeartbeat }, input),
};
