/** All fuzz targets. */
import type { AnyTarget } from './target.ts';
import { agentMessages } from './targets/agent-messages.ts';
import { agents, agentsForLong } from './targets/agents.ts';
import { configs } from './targets/configs.ts';
import { controlLines, controlRequests, controlResponses } from './targets/control.ts';
import { datagrams } from './targets/datagrams.ts';
import { engines, enginesForLong } from './targets/engines.ts';
import { execAnswers } from './targets/exec-answers.ts';
import { frames, heartbeats } from './targets/frames.ts';
import { importsKeepalived, importsOriginal } from './targets/imports.ts';
import { netlink, packets, pings } from './targets/packets.ts';
import { providerAnswers } from './targets/provider-answers.ts';
import { spreadEnvelopes, spreadSessions, spreadSynchrony } from './targets/spread.ts';
import { hellos, streams } from './targets/streams.ts';

export const TARGETS: readonly AnyTarget[] = [
  frames,
  heartbeats,
  datagrams,
  streams,
  hellos,
  spreadSessions,
  spreadEnvelopes,
  spreadSynchrony,
  agentMessages,
  controlRequests,
  controlResponses,
  controlLines,
  configs,
  importsOriginal,
  importsKeepalived,
  providerAnswers,
  execAnswers,
  netlink,
  packets,
  pings,
  engines,
  enginesForLong,
  agents,
  agentsForLong,
];

export function targetNamed(name: string): AnyTarget | undefined {
  return TARGETS.find((target) => target.name === name);
}
