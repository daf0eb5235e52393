/**
 * What the first takeover of a process's life costs its agent core, from the view without the lost member to `acquire`: processor time in
 * a fresh process that has only joined before, and in one that has practised. `node test/bench/first-takeover.ts [runs]`, medians, ms.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

/** Of the process: it has only joined; it has practised; it has, and then all garbage was collected a dozen times, which an agent takes days for. */
const MODES = ['cold', 'practised', 'aged'] as const;
export type Mode = (typeof MODES)[number];
const COLLECTIONS = 12;

/** Processor time of a first takeover, ms, each in a process of its own. */
export function firstTakeovers(mode: Mode, runs: number): Millis[] {
  const { member, told } = recording();
  const input = serialize({ member, told });
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

const stages: Stage[] = [];

function measure(all: readonly Told[], member: string, mode: Mode): Millis {
  const { config: own } = SETTINGS;
  const quorum = { votes: {}, expected_votes: 3 };
  const agent = new Agent({ ...SETTINGS, config: { ...own, member, quorum } });
  const lost = all.findIndex(
    ({ event }) =>
      event.kind === 'group' && event.event.kind === 'view' && event.event.view.departed.length > 0,
  );
  for (const { event, now } of all.slice(0, lost)) agent.handle(event, now);
  compileSparingly();
  // As with `Practice`, it stays.
  if (mode !== 'cold') stages.push(new Stage(SETTINGS, plainEngine));
  for (const stage of stages) for (const _ of stage.play(TAKEOVERS));
  if (mode === 'aged') age();
  // As from another thread.
  const told = structuredClone(all);
  const from = readClock(CLOCK_THREAD_CPUTIME_ID);
  for (const { event, now } of told.slice(lost))
    for (const action of agent.handle(event, now)) {
      if (action.kind === 'multicast') encodeMessage(action.message);
      if (action.kind === 'acquire') return readClock(CLOCK_THREAD_CPUTIME_ID) - from;
    }
  throw new Error('it took nothing over');
}

function age(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let times = 0; times < COLLECTIONS; times += 1) collect();
}

async function input(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

if (import.meta.main) {
  const [what = '10'] = process.argv.slice(2);
  const mode = MODES.find((one) => one === what);
  if (mode === undefined)
    for (const each of MODES)
      console.log(`${each}: ${summaryText(summarize(firstTakeovers(each, Number(what))))}`);
  else {
    const { member, told } = deserialize(await input()) as ReturnType<typeof recording>;
    process.stdout.write(String(measure(told, member, mode)));
  }
}
