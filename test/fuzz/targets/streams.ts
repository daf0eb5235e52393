/** What comes over a stream before it is a membership frame: frames cut anywhere, hellos, refusals, reasons. */
import fc from 'fast-check';
import {
  decodeHello,
  decodeReason,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  type Hello,
} from '../../../src/group/hello.ts';
import { judgeHello } from '../../../src/group/judge-hello.ts';
import {
  FIRST_FRAME_BYTES_MAX,
  type FrameKindCode,
  FrameReader,
  frameBytes,
  STREAM_FRAME_BYTES_MAX,
} from '../../../src/group/stream-frames.ts';
import { nearly } from '../bytes.ts';
import { nearlyJson } from '../json.ts';
import { demand, demandSmall, sameData, type Target } from '../target.ts';
import { recorded } from '../traffic.ts';
import { MEMBERS } from '../wire.ts';

interface StreamInput {
  readonly bytes: Buffer;
  /** Where the bytes are cut into what the socket hands over, each a part of the length in 1/256. */
  readonly cuts: readonly number[];
  readonly first: boolean;
}

/** All frames of the bytes, and how it ended. */
function readAll(chunks: readonly Buffer[], limit: number) {
  const reader = new FrameReader(limit);
  const frames: { kind: number; body: Buffer }[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (;;) {
      const result = reader.next();
      if (result.kind === 'wait') break;
      if (result.kind === 'malformed') return { frames, end: result.error };
      demand(result.frame.body.length < limit, () => 'a frame longer than allowed');
      frames.push({ kind: result.frame.kind, body: Buffer.from(result.frame.body) });
    }
  }
  return { frames, end: '' };
}

function checkStream({ bytes, cuts, first }: StreamInput): void {
  const limit = first ? FIRST_FRAME_BYTES_MAX : STREAM_FRAME_BYTES_MAX;
  const whole = readAll([bytes], limit);
  const places = [0, ...cuts.map((cut) => Math.floor((cut / 256) * bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  );
  const chunks = places.slice(1).map((end, index) => Buffer.from(bytes.subarray(places[index], end)));
  demand(sameData(readAll(chunks, limit), whole), () => 'it matters how the bytes were cut');
  const again = Buffer.concat(whole.frames.map(({ kind, body }) => frameBytes(kind as FrameKindCode, body)));
  demand(bytes.subarray(0, again.length).equals(again), () => 'frames are not what was sent');
}

export const streams: Target<StreamInput> = {
  name: 'streams',
  about: 'how a stream is cut into frames (src/group/stream-frames.ts)',
  share: 10,
  inputs: () => {
    const corpus = recorded('stream-frames');
    const several = fc
      .array(nearly(corpus), { minLength: 1, maxLength: 4 })
      .map((parts) => Buffer.concat(parts));
    return fc.record({ bytes: several, cuts: fc.array(fc.nat(255), { maxLength: 6 }), first: fc.boolean() });
  },
  check: checkStream,
};

type HelloInput = { readonly hello: Hello } | { readonly bytes: Buffer };

const OWN = { cluster: 'lab', member: MEMBERS[0]!, wire: { oldest: 1, newest: 1 } };

const hello: fc.Arbitrary<Hello> = fc.record({
  wireOldest: fc.nat(255),
  wireNewest: fc.nat(255),
  cluster: fc.constantFrom('lab', 'x', 'ü'.repeat(255)),
  member: fc.constantFrom(...MEMBERS),
  listen: fc.record({ host: fc.constantFrom('10.77.0.1', '::'), port: fc.nat(65_535) }),
  token: fc.constantFrom('0'.repeat(32), 'f'.repeat(32)),
  age: fc.maxSafeNat(),
});

const CONTROL = /\p{C}/u;

function checkHello(input: HelloInput): void {
  const bytes = 'hello' in input ? encodeHello(input.hello) : input.bytes;
  const decoded = decodeHello(bytes);
  if ('hello' in input) {
    demand(decoded.ok && sameData(decoded.value, input.hello), () => 'a hello comes back changed');
  }
  if (!decoded.ok) demand(decoded.error !== '', () => 'refused without a reason');
  else {
    demandSmall(decoded.value, bytes.length);
    const again = decodeHello(encodeHello(decoded.value));
    demand(again.ok && sameData(again.value, decoded.value), () => 'what was read reads differently again');
    judgeHello(OWN, { ...decoded.value, member: OWN.member }, decoded.value);
  }
  checkReasons(bytes);
}

/** The same bytes as a refusal: for a log and a terminal. */
function checkReasons(bytes: Buffer): void {
  const reason = decodeReason(bytes);
  demand(
    reason.length <= 300 && !CONTROL.test(reason.replaceAll(' ', '')),
    () => 'a reason unfit for a terminal',
  );
  const refusal = decodeRefusal(bytes);
  if (refusal === undefined) return;
  const again = decodeRefusal(encodeRefusal(refusal));
  demand(again?.code === refusal.code, () => 'a refusal changes its code');
}

export const hellos: Target<HelloInput> = {
  name: 'hellos',
  about: 'first frames, refusals and reasons (src/group/hello.ts)',
  share: 8,
  inputs: () => {
    const refusals = [1, 2, 7, 8].map((code) =>
      Buffer.from([code, ...Buffer.from('the name b is in use here')]),
    );
    const corpus = [...recorded('hellos'), ...refusals];
    return fc.oneof(
      { arbitrary: hello.map((value) => ({ hello: value })), weight: 1 },
      { arbitrary: nearly(corpus).map((bytes) => ({ bytes })), weight: 3 },
      {
        arbitrary: nearlyJson(recorded('hellos').map(String)).map((text) => ({ bytes: Buffer.from(text) })),
        weight: 3,
      },
    );
  },
  check: checkHello,
};
