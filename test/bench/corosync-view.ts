/**
 * What our adapter adds: `node test/bench/corosync-view.ts [rounds]`. A daemon and a member on each of three hosts; one daemon is killed. A
 * process that is no part of the product hears of it from the daemon of a survivor, as our thread does; prints how much later the
 * survivor's main thread has the view, and how much later the daemon gave it back a single message that it sent at that moment, ms: no view
 * can be agreed on with less.
 */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CorosyncGroupConfig } from '../../src/config/config.ts';
import { createCorosyncGroup } from '../../src/group/corosync/corosync-group.ts';
import { CorosyncThread } from '../../src/group/corosync/thread.ts';
import type { GroupEvent } from '../../src/group/group.ts';
import { Lab } from '../../src/lab/lab.ts';
import { enterWorld, insideWorld } from '../../src/lab/world.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { CorosyncSite } from '../kernel/corosync-site.ts';
import { eventually } from '../kernel/vocabulary.ts';
import { summarize, summaryText } from './statistics.ts';

const WITNESS = fileURLToPath(new URL('./corosync-witness.ts', import.meta.url));
const GROUP: CorosyncGroupConfig = {
  engine: 'corosync',
  cpg_group: 'bench',
  primary_by: 'corosync',
  connect_timeout_ms: 5000,
  daemon_timeout_ms: 20_000,
  agent_timeout_ms: 5000,
};
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

interface Sized {
  readonly at: number;
  readonly members: number;
}

/** A member on the host, and the sizes of its views. */
async function member(lab: Lab, name: string, views: Sized[]): Promise<void> {
  const group = createCorosyncGroup(
    { cluster: 'bench', member: name, group: GROUP },
    { log, thread: new CorosyncThread(lab.host(name).netns) },
  );
  await group.join((event: GroupEvent) => {
    if (event.kind === 'view') views.push({ at: monotonicNow(), members: event.view.members.length });
  });
  setInterval(() => group.tick(), 200).unref();
}

async function bench(rounds: number): Promise<void> {
  const lab = await Lab.create({ hosts: 3 });
  const site = await CorosyncSite.open(lab, { times: { token: 400, consensus: 500 }, realTime: true });
  const told: number[] = [];
  const returned: number[] = [];
  const least: number[] = [];
  const witness = lab.host('a').spawn([process.execPath, WITNESS], { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: witness.stdout! }).on('line', (line) => {
    const { at, back } = JSON.parse(line) as { at?: number; back?: number };
    if (at !== undefined) told.push(at);
    if (back !== undefined) returned.push(back);
  });
  const views: Sized[] = [];
  await member(lab, 'a', views);
  await member(lab, 'b', []);
  const took: number[] = [];
  const size = (members: number) => () => views.at(-1)?.members === members;
  for (let round = 0; round < rounds; round += 1) {
    await member(lab, 'c', []);
    await eventually('all three are in a view', size(3), 20_000);
    // The witness hears of processes of its own group alone: it has one beside each member.
    const other = lab.host('c').spawn([process.execPath, WITNESS], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => other.stdout!.once('data', resolve));
    const from = monotonicNow();
    await site.signal('c', 'SIGKILL');
    await eventually('two are in a view', size(2), 20_000);
    await eventually('the witness was told', () => told.some((at) => at > from));
    const view = views.findLast(({ members }) => members === 2);
    const word = told.find((at) => at > from)!;
    took.push(view!.at - word);
    await eventually('its message is back', () => returned.some((at) => at > word));
    least.push(returned.find((at) => at > word)! - word);
    await site.start('c');
  }
  console.log(`daemon's word to our view: ${summaryText(summarize(took))} ms, ${took.length} times`);
  console.log(`daemon's word to a message's return: ${summaryText(summarize(least))} ms`);
  const added = took.map((one, index) => one - least[index]!);
  console.log(`ours beyond that: ${summaryText(summarize(added))} ms`);
  witness.kill('SIGKILL');
  await site.close();
  await lab.dispose();
  process.exit(0);
}

if (insideWorld()) await bench(Number(process.argv[2] ?? 10));
else process.exitCode = await enterWorld([process.execPath, ...process.argv.slice(1)], process.env);
