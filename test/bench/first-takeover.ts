/**
 * What the first takeover of a process's life costs its agent core, from the view without the lost member to `acquire`: processor time in
 * a fresh process that has only joined before, and in one that has practised. `node test/bench/first-takeover.ts [runs]`, medians, ms.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { Agent, type AgentSettings } from '../../src/agent/agent.ts';
import type { AgentEvent } from '../../src/agent/events.ts';
import { encodeMessage } from '../../src/agent/messages.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import { compileSparingly } from '../../src/platform/compilers.ts';
import { readClock } from '../../src/platform/libc.ts';
import { plainEngine } from '../../src/practice/plain-group.ts';
import { TAKEOVERS } from '../../src/practice/practice.ts';
import { Stage } from '../../src/practice/stage.ts';
import { config, vips } from '../unit/agent/config.ts';
import { summarize, summaryText } from './statistics.ts';

/** Of clock_gettime(2): for how long this thread has had a processor. */
const CLOCK_THREAD_CPUTIME_ID = 3;
const PROGRAM = fileURLToPath(import.meta.url);
const MEMBER = 'host-a';

/** What a core was told, and when. */
interface Told {
  readonly event: AgentEvent;
  readonly now: Instant;
}

const SETTINGS: AgentSettings = {
  config: config({ member: MEMBER, members: ['host-a', 'host-b', 'host-c'], vips: vips(6) }),
  traits: new Map([['memory', { families: [4, 6], scope: 'link', atomicTakeover: false, leaseBound: 4100 }]]),
  version: 'test',
};

/** Processor time of a first takeover, ms, each in a process of its own. */
export function firstTakeovers(practised: boolean, runs: number): Millis[] {
  const { member, told } = recording();
  const input = serialize({ member, told });
  const mode = practised ? 'practised' : 'cold';
  return Array.from({ length: runs }, () =>
    Number(execFileSync(process.execPath, [PROGRAM, mode], { input, encoding: 'utf8' })),
  );
}

/** All that the last member to join is told until two others were lost. */
function recording(): { readonly member: string; readonly told: readonly Told[] } {
  const heard = new Map<Agent, Told[]>();
  const names = new Map<Agent, string>();
  const handle = Reflect.get(Agent.prototype, 'handle');
  Agent.prototype.handle = function noted(this: Agent, event, now) {
    heard.set(this, [...(heard.get(this) ?? []), { event, now }]);
    if (event.kind === 'joining') names.set(this, event.self);
    return handle.call(this, event, now);
  };
  for (const _ of new Stage(SETTINGS, plainEngine).play(1));
  Agent.prototype.handle = handle;
  const third = [...heard.keys()][2]!;
  return { member: names.get(third)!.split('#')[0]!, told: heard.get(third)! };
}

function measure(told: readonly Told[], member: string, practised: boolean): Millis {
  const { config: own } = SETTINGS;
  const quorum = { votes: {}, expected_votes: 3 };
  const agent = new Agent({ ...SETTINGS, config: { ...own, member, quorum } });
  const lost = told.findIndex(
    ({ event }) =>
      event.kind === 'group' && event.event.kind === 'view' && event.event.view.departed.length > 0,
  );
  for (const { event, now } of told.slice(0, lost)) agent.handle(event, now);
  compileSparingly();
  if (practised) for (const _ of new Stage(SETTINGS, plainEngine).play(TAKEOVERS));
  const from = readClock(CLOCK_THREAD_CPUTIME_ID);
  for (const { event, now } of told.slice(lost))
    for (const action of agent.handle(event, now)) {
      if (action.kind === 'multicast') encodeMessage(action.message);
      if (action.kind === 'acquire') return readClock(CLOCK_THREAD_CPUTIME_ID) - from;
    }
  throw new Error('it took nothing over');
}

async function input(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

if (import.meta.main) {
  const [what = '10'] = process.argv.slice(2);
  if (what === 'cold' || what === 'practised') {
    const { member, told } = deserialize(await input()) as ReturnType<typeof recording>;
    process.stdout.write(String(measure(told, member, what === 'practised')));
  } else
    for (const practised of [false, true])
      console.log(
        `${practised ? 'practised' : 'cold'}: ${summaryText(summarize(firstTakeovers(practised, Number(what))))}`,
      );
}
