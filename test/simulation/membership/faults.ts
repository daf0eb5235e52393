/** A seeded stretch of misfortune: what goes wrong when. Everything it breaks can be mended by `calm`. */
import type { Random } from '../../../src/simulation/world/random.ts';
import type { Host, Process, World } from './world.ts';

export type FaultKind =
  | 'crash'
  | 'power'
  | 'leave'
  | 'start'
  | 'pause'
  | 'freeze'
  | 'hang'
  | 'split'
  | 'one-way'
  | 'pair'
  | 'heal'
  | 'stream';

const KINDS: readonly FaultKind[] = [
  'crash',
  'power',
  'leave',
  'start',
  'start',
  'start',
  'pause',
  'freeze',
  'hang',
  'split',
  'one-way',
  'pair',
  'heal',
  'heal',
  'stream',
  'stream',
];

/** Enters faults into the agenda for the stretch of time from now. */
export function plague(
  world: World,
  random: Random,
  { length, pace }: { length: number; pace: number },
): void {
  const end = world.now + length;
  for (let at = random.between(0, pace); at < length; at += random.between(0, 2 * pace)) {
    const kind = random.pick(KINDS);
    const together = random.chance(0.2) ? 2 : 1;
    const busy = random.chance(0.7);
    world.agenda.after(at, () => {
      if (busy) burst(world, random);
      const soon = busy ? random.between(0, 4 * world.settings.delay.max) : 0;
      for (let i = 0; i < together; i++)
        world.agenda.at(Math.min(end, world.now + soon), () => strike(world, random, kind));
    });
  }
}

/** Messages from everywhere just now, so that the fault that follows finds them half delivered. */
function burst(world: World, random: Random): void {
  for (const { process } of world.hosts) {
    for (let i = random.integer(0, 4); process && i > 0; i--) {
      world.agenda.after(random.between(0, 4 * world.settings.delay.max), () => world.multicast(process));
    }
  }
}

/** Steady traffic from random members. */
export function chatter(
  world: World,
  random: Random,
  { length, pace }: { length: number; pace: number },
): void {
  for (let at = random.between(0, pace); at < length; at += random.between(0, 2 * pace)) {
    world.agenda.after(at, () => {
      const process = someProcess(world, random);
      for (let i = random.integer(1, 4); process && i > 0; i--) world.multicast(process);
    });
  }
}

/** Ends all faults: everything is connected, thawed, ticking, and every host runs an agent. */
export function calm(world: World): void {
  world.heal();
  for (const host of world.hosts) {
    if (host.process) host.process.hung = false;
    thaw(world, host);
    if (!host.process) world.start(host);
  }
}

function strike(world: World, random: Random, kind: FaultKind): void {
  if (world.settings.verbose) console.log(`${world.now.toFixed(1)} ---- ${kind}`);
  // The representative orders everything, so its end is the most interesting one.
  const process = random.chance(0.4)
    ? world.hosts.find((h) => h.process)?.process
    : someProcess(world, random);
  const host = random.chance(0.3) && process ? process.host : random.pick(world.hosts);
  if (kind === 'start') {
    if (!host.process && !host.frozen) world.start(host);
  } else if (kind === 'heal') world.heal();
  else if (kind === 'split') split(world, random);
  else if (kind === 'one-way' || kind === 'pair') cutPair(world, random, kind);
  else if (kind === 'power') powerOff(world, host);
  else if (process && !process.host.frozen) strikeProcess(world, random, { kind, process });
}

function strikeProcess(
  world: World,
  random: Random,
  { kind, process }: { readonly kind: FaultKind; readonly process: Process },
): void {
  const { timers } = world.settings;
  const length = random.between(0.1, 3) * timers.heartbeat_timeout_ms;
  if (kind === 'crash') world.stop(process, true);
  else if (kind === 'leave') world.give(process, { kind: 'leave' });
  else if (kind === 'stream') {
    const other = someProcess(world, random);
    if (other && other !== process) world.breakStream(process, other);
  } else if (kind === 'hang') {
    process.hung = true;
    world.agenda.after(length, () => {
      process.hung = false;
    });
  } else {
    if (kind === 'freeze') process.host.frozen = true;
    world.pause(process);
    world.agenda.after(length, () => thaw(world, process.host));
  }
}

function powerOff(world: World, host: Host): void {
  host.frozen = false;
  world.powerOff(host);
}

function thaw(world: World, host: Host): void {
  host.frozen = false;
  if (host.process) world.resume(host.process);
}

function split(world: World, random: Random): void {
  const sides = world.hosts.map(() => random.integer(0, 1));
  for (const a of world.hosts) {
    for (const b of world.hosts) if (sides[a.index] !== sides[b.index]) world.cut(a, b, true);
  }
}

function cutPair(world: World, random: Random, kind: 'one-way' | 'pair'): void {
  const a = random.pick(world.hosts);
  const b = random.pick(world.hosts);
  if (a === b) return;
  world.cut(a, b, true);
  if (kind === 'pair') world.cut(b, a, true);
}

function someProcess(world: World, random: Random): Process | undefined {
  const running = world.hosts.flatMap((host) => (host.process ? [host.process] : []));
  return running.length === 0 ? undefined : random.pick(running);
}
