/** What agents say to each other: what was said is understood, and what is understood means the same when it is said again. */
import fc from 'fast-check';
import {
  type AgentMessage,
  decodeMessage,
  encodeMessage,
  MESSAGE_VERSION,
} from '../../../src/agent/messages.ts';
import { agentMessage } from '../agent-talk.ts';
import { nearlyText } from '../bytes.ts';
import { nearlyJson } from '../json.ts';
import { demand, demandSmall, sameData, type Target } from '../target.ts';
import { recorded } from '../traffic.ts';

type Input = { readonly message: AgentMessage } | { readonly text: string };

function check(input: Input): void {
  if ('message' in input) {
    const decoded = decodeMessage(encodeMessage(input.message));
    demand(decoded.ok, () => `its own message is refused: ${decoded.ok ? '' : decoded.error}`);
    demand(
      sameData(decoded.message, { v: MESSAGE_VERSION, ...input.message }),
      () => 'it comes back changed',
    );
    return;
  }
  const bytes = Buffer.from(input.text);
  const decoded = decodeMessage(bytes);
  if (!decoded.ok)
    return demand(decoded.error !== '' && decoded.error.length < 200, () => 'no reason, or a long one');
  demandSmall(decoded.message, bytes.length);
  const again = decodeMessage(encodeMessage(decoded.message));
  demand(
    again.ok && sameData(again.message, decoded.message),
    () => 'understood differently the second time',
  );
}

export const agentMessages: Target<Input> = {
  name: 'agent-messages',
  about: 'what agents say to each other (src/agent/messages.ts)',
  share: 6,
  inputs: () => {
    const made = fc
      .sample(agentMessage, { numRuns: 100, seed: 1 })
      .map((m) => Buffer.from(encodeMessage(m)).toString());
    const corpus = [...recorded('agent-messages').map(String), ...made];
    return fc.oneof(
      { arbitrary: agentMessage.map((message) => ({ message })), weight: 1 },
      { arbitrary: nearlyText(corpus).map((text) => ({ text })), weight: 3 },
      { arbitrary: nearlyJson(corpus).map((text) => ({ text })), weight: 3 },
    );
  },
  check,
};
