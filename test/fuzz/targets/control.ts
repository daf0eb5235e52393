/** The operator's socket, both ways: what clients send to an agent, what an agent (or what pretends to be one) sends to a client. */
import fc from 'fast-check';
import { ChangeFeed } from '../../../src/commander/change-feed.ts';
import { renderStatus, summaryLine } from '../../../src/commander/render.ts';
import { decodeRequest, decodeResponse, encodeLine } from '../../../src/control/codec.ts';
import { LineSplitter } from '../../../src/control/lines.ts';
import type { ControlRequest } from '../../../src/control/messages.ts';
import { nearly, nearlyText } from '../bytes.ts';
import { nearlyJson } from '../json.ts';
import { demand, demandSmall, sameData, type Target } from '../target.ts';
import { recorded } from '../traffic.ts';

const name = fc.constantFrom('a', 'web-1', 'x'.repeat(63));
const request: fc.Arbitrary<ControlRequest> = fc.oneof(
  fc.record({ kind: fc.constantFrom('status', 'watch', 'reload') }),
  fc.record({
    kind: fc.constant('command' as const),
    command: fc.oneof(
      fc.record({ kind: fc.constantFrom('drain', 'undrain'), member: name }),
      fc.record({ kind: fc.constant('move' as const), vip: name, to: name }),
      fc.record({ kind: fc.constant('rebalance' as const) }),
    ),
  }),
);

type RequestInput = { readonly request: ControlRequest } | { readonly bytes: Buffer };

const withoutEnd = (line: string) => Buffer.from(line.trimEnd());

function checkRequest(input: RequestInput): void {
  const bytes = 'request' in input ? withoutEnd(encodeLine(input.request)) : input.bytes;
  const decoded = decodeRequest(bytes);
  if ('request' in input)
    demand(decoded.ok && sameData(decoded.request, input.request), () => 'a request comes back changed');
  if (!decoded.ok)
    return demand(decoded.message !== '' && decoded.message.length < 300, () => 'no reason, or a long one');
  demandSmall(decoded.request, bytes.length);
  const again = decodeRequest(withoutEnd(encodeLine(decoded.request)));
  demand(
    again.ok && sameData(again.request, decoded.request),
    () => 'understood differently the second time',
  );
}

export const controlRequests: Target<RequestInput> = {
  name: 'control-requests',
  about: "what an operator's program sends (src/control/codec.ts)",
  share: 8,
  inputs: () =>
    fc.oneof(
      { arbitrary: request.map((value) => ({ request: value })), weight: 1 },
      { arbitrary: nearly(recorded('control-requests')).map((bytes) => ({ bytes })), weight: 3 },
      {
        arbitrary: nearlyJson(recorded('control-requests').map(String)).map((text) => ({
          bytes: Buffer.from(text),
        })),
        weight: 3,
      },
    ),
  check: checkRequest,
};

const NOW = Date.UTC(2026, 0, 2);
/** Steers a terminal; colours off, nothing of the kind may be left. */
const STEERING = /(?!\n)\p{Cc}/u;

/** An answer that is taken for one can be shown. */
function checkResponse({ text }: { text: string }): void {
  const bytes = Buffer.from(text);
  const response = decodeResponse(bytes);
  if (response === undefined) return;
  demandSmall(response, bytes.length);
  if (!response.ok || !('status' in response)) return;
  for (const width of [40, undefined]) {
    const shown = renderStatus(response.status, {
      now: NOW,
      color: false,
      ...(width !== undefined && { width }),
    });
    demand(!STEERING.test(shown), () => 'what is shown would steer the terminal');
  }
  const lines = [summaryLine(response.status), ...new ChangeFeed().news(response.status)];
  demand(!lines.some((line) => STEERING.test(line)), () => 'a line that is told would steer the terminal');
}

export const controlResponses: Target<{ readonly text: string }> = {
  name: 'control-responses',
  about:
    "what the operator's program is answered, up to the picture of it (src/control/codec.ts, src/commander/render.ts)",
  share: 3,
  inputs: () => {
    const corpus = recorded('control-responses').map(String);
    return fc.record({ text: fc.oneof(nearlyText(corpus), nearlyJson(corpus)) });
  },
  check: checkResponse,
};

interface LinesInput {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  readonly longest: number;
}

/** Lines, and whether there was too much. */
function split(chunks: readonly Buffer[], longest: number): { lines: string[]; overflow: boolean } {
  const splitter = new LineSplitter(longest);
  const lines: string[] = [];
  for (const chunk of chunks) {
    const complete = splitter.push(chunk);
    if (complete === 'overflow') return { lines, overflow: true };
    for (const line of complete) lines.push(Buffer.from(line).toString('latin1'));
  }
  return { lines, overflow: false };
}

function checkLines({ bytes, cuts, longest }: LinesInput): void {
  const expected = bytes.toString('latin1').split('\n');
  const tooLong = expected.some((line) => line.length > longest);
  const places = [0, ...cuts.map((cut) => Math.floor((cut / 256) * bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  );
  const result = split(
    places.slice(1).map((end, index) => bytes.subarray(places[index], end)),
    longest,
  );
  demand(result.overflow === tooLong, () => `overflow: ${result.overflow}, a line is too long: ${tooLong}`);
  const lines = tooLong ? expected.slice(0, result.lines.length) : expected.slice(0, -1);
  demand(sameData(result.lines, lines), () => 'lines are not what was sent');
}

export const controlLines: Target<LinesInput> = {
  name: 'control-lines',
  about: 'how a stream is cut into lines (src/control/lines.ts)',
  share: 10,
  inputs: () => {
    const corpus = [...recorded('control-requests'), Buffer.from('{"kind":"status"}\n{"kind":"watch"}\n\n')];
    const several = fc.array(nearly(corpus), { maxLength: 4 }).map((parts) => Buffer.concat(parts));
    return fc.record({
      bytes: several,
      cuts: fc.array(fc.nat(255), { maxLength: 6 }),
      longest: fc.constantFrom(0, 1, 17, 64, 65_536),
    });
  },
  check: checkLines,
};
