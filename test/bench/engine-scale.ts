/**
 * How an engine takes more members: groups without agents, a process on each host. How long a view takes after a member is killed, and how
 * many messages a second come in one order while all members send.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LabHost } from '../../src/lab/host.ts';
import { Lab } from '../../src/lab/lab.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { eventually } from '../kernel/vocabulary.ts';
import type { Engine } from './engine-sites.ts';

export const SIZES = [3, 5, 9, 16];
const MEMBER = fileURLToPath(new URL('./engine-member.ts', import.meta.url));
const PATIENCE = 60_000;
const FLOOD_MS = 3000;
const MESSAGE_BYTES = 200;
/** Messages of each member under way. */
const WINDOW = 16;
const KILLS = 3;

export interface ScaleFigures {
  /** From the death of a member to the view of the last of the others, ms. */
  readonly views: readonly number[];
  /** Of 200 bytes, from all members, delivered to each. */
  readonly messagesPerSecond: number;
}

interface Line {
  readonly at?: number;
  readonly members?: number;
  readonly detached?: string;
  readonly delivered?: number;
  readonly took?: number;
}

class Member {
  readonly lines: Line[] = [];
  readonly #process: ChildProcess;

  constructor(host: LabHost, group: unknown) {
    const words = JSON.stringify({ member: host.name, group });
    this.#process = host.spawn([process.execPath, MEMBER, words], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout! }).on('line', (line) =>
      this.lines.push(JSON.parse(line) as Line),
    );
  }

  /** Its last view. */
  get last(): Line | undefined {
    return this.lines.findLast((line) => line.members !== undefined);
  }

  /** Why it is in no group any more, which nobody expects here. */
  get detached(): string | undefined {
    return this.lines.find((line) => line.detached !== undefined)?.detached;
  }

  /** When its last view came, if that has so many members. */
  viewOf(members: number): number | undefined {
    return this.last?.members === members ? this.last.at : undefined;
  }

  say(words: string): void {
    this.#process.stdin!.write(`${words}\n`);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** With so many hosts, a member on each. */
export async function measureScale(engine: Engine, size: number): Promise<ScaleFigures> {
  const lab = await Lab.create({ hosts: size });
  const site = await engine.open(lab, false);
  const start = (host: LabHost) => new Member(host, embeddable(engine.member(host, lab)));
  try {
    const members = lab.hosts.map(start);
    await inOneView(members, size);
    const messagesPerSecond = await flood(members);
    const views: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const victim = members.pop()!;
      const at = monotonicNow();
      victim.kill();
      views.push((await inOneView(members, size - 1)) - at);
      members.push(start(lab.hosts.at(-1)!));
      await inOneView(members, size);
    }
    return { views, messagesPerSecond };
  } finally {
    await site.close();
    await lab.dispose();
  }
}

/** A key does not travel as JSON, and is not what is measured. */
function embeddable(group: object): object {
  return { ...group, key: undefined };
}

/** When the last of them had it. */
async function inOneView(members: readonly Member[], size: number): Promise<number> {
  const views = () => members.map((member) => member.viewOf(size));
  const agreed = () => {
    const lost = members.find(({ detached }) => detached !== undefined);
    if (lost !== undefined) throw new Error(`a member is lost: ${lost.detached}`);
    return views().every((at) => at !== undefined);
  };
  try {
    await eventually(`${size} members in one view`, agreed, PATIENCE);
  } catch (error) {
    if (error instanceof Error)
      error.message += `; last views: ${members.map(({ last }) => last?.members ?? 0).join(' ')}`;
    throw error;
  }
  return Math.max(...views().map((at) => at!));
}

async function flood(members: readonly Member[]): Promise<number> {
  for (const member of members) member.say(`flood ${FLOOD_MS} ${MESSAGE_BYTES} ${WINDOW}`);
  const figures = () => members[0]!.lines.find((line) => line.delivered !== undefined);
  await eventually('the first says how much it was delivered', () => figures() !== undefined, PATIENCE);
  const { delivered = 0, took = 1 } = figures()!;
  return (1000 * delivered) / took;
}
