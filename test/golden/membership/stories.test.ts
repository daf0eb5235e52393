/** What three members are told, and what they say to each other, in a few everyday stories. Times in ms since the event. */
import { describe, expect, it } from 'vitest';
import type { MemberId } from '../../../src/model/member.ts';
import { nameOf } from '../../../src/model/member.ts';
import type { Delivered } from '../../../src/simulation/world/trace.ts';
import { calmWorld, pass, processOf } from '../../simulation/membership/calm-world.ts';
import type { World } from '../../simulation/membership/world.ts';

function names(members: readonly MemberId[]): string {
  return members.map(nameOf).join(' ');
}

function line(event: Delivered): string {
  if (event.kind === 'message') return `message ${event.number} of ${nameOf(event.sender)}`;
  if (event.kind === 'outranked')
    return event.by !== undefined ? 'outranked' : event.contested ? 'contested' : 'outranked no more';
  if (event.kind !== 'view') return event.kind;
  const { epoch, members, cause, joined, departed } = event.view;
  const gone = departed.map(({ member, how }) => `${nameOf(member)} (${how})`).join(' ');
  return `view ${epoch}: ${names(members)}; ${cause}; joined: ${names(joined) || '-'}; departed: ${gone || '-'}`;
}

/** Runs the story and prints what was delivered since it began, and how many frames of a view change were sent. */
function tell(world: World, story: () => void): string {
  const begin = world.now;
  world.counts.clear();
  story();
  const told = world.traces
    .flatMap((trace) => trace.events.map((event) => ({ event, who: nameOf(trace.member) })))
    .filter(({ event }) => event.at >= begin)
    .sort((a, b) => a.event.at - b.event.at)
    .map(({ event, who }) => `${(event.at - begin).toFixed(1).padStart(8)} ${who} ${line(event)}`);
  const kinds = ['prepare', 'promise', 'install', 'installed', 'fill', 'goodbye', 'farewell'];
  const frames = kinds.flatMap((kind) =>
    world.counts.has(kind) ? [`${kind} ${world.counts.get(kind)}`] : [],
  );
  return `${told.join('\n')}\nframes: ${frames.join(', ')}\n`;
}

describe('stories of three members', () => {
  it('one crashes while messages are under way', async () => {
    const world = calmWorld(3);
    const text = tell(world, () => {
      world.multicast(processOf(world.hosts[1]));
      world.multicast(processOf(world.hosts[2]));
      pass(world, 0.15);
      world.stop(processOf(world.hosts[0]), true);
      pass(world, 1_000);
    });
    await expect(text).toMatchFileSnapshot('crash-of-the-representative.txt');
  });

  it('one leaves politely', async () => {
    const world = calmWorld(3);
    const text = tell(world, () => {
      world.multicast(processOf(world.hosts[1]));
      world.give(processOf(world.hosts[1]), { kind: 'leave' });
      pass(world, 1_000);
    });
    await expect(text).toMatchFileSnapshot('leave.txt');
  });

  it('one is cut off and comes back', async () => {
    const world = calmWorld(3);
    const text = tell(world, () => {
      for (const other of [0, 1]) {
        world.cut(world.hosts[2]!, world.hosts[other]!, true);
        world.cut(world.hosts[other]!, world.hosts[2]!, true);
      }
      world.multicast(processOf(world.hosts[2]));
      pass(world, 1_000);
      world.heal();
      pass(world, 2_000);
    });
    await expect(text).toMatchFileSnapshot('cut-off-and-back.txt');
  });

  it('one restarts at once', async () => {
    const world = calmWorld(3);
    const text = tell(world, () => {
      world.stop(processOf(world.hosts[1]), true);
      world.start(world.hosts[1]!);
      pass(world, 1_000);
    });
    await expect(text).toMatchFileSnapshot('restart.txt');
  });
});
