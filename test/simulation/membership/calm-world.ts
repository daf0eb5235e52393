/** A world without accidents, for scenarios told step by step: fixed delays, no losses, everybody started and together. */
import type { View } from '../../../src/model/view.ts';
import { Random } from '../../../src/simulation/world/random.ts';
import type { Trace } from '../../../src/simulation/world/trace.ts';
import { LAN } from './run-seed.ts';
import type { Host, Process } from './world.ts';
import { World } from './world.ts';

/** One-way delay in ms. */
export const DELAY = 0.1;

export function calmWorld(
  hosts: number,
  {
    deaf = [],
    detours = [],
  }: { readonly deaf?: readonly number[]; readonly detours?: readonly (readonly [string, number])[] } = {},
): World {
  const settings = {
    hosts,
    timers: LAN,
    delay: { min: DELAY, max: DELAY },
    detours: new Map(detours),
    loss: 0,
    streamPatience: 2_000,
    encoded: true,
    deaf: new Set(deaf),
    verbose: false,
  };
  const world = new World(settings, new Random(1));
  for (const host of world.hosts) world.start(host);
  pass(world, 2_000);
  return world;
}

export function pass(world: World, length: number): void {
  world.agenda.runUntil(world.now + length);
}

export function processOf(host: Host | undefined): Process {
  if (!host?.process) throw new Error('nothing runs there');
  return host.process;
}

export function views(trace: Trace): { readonly view: View; readonly at: number }[] {
  return trace.events.flatMap((event) => (event.kind === 'view' ? [{ view: event.view, at: event.at }] : []));
}

export function lastView(process: Process): { readonly view: View; readonly at: number } {
  const last = views(process.trace).at(-1);
  if (!last) throw new Error(`${process.member} never had a view`);
  return last;
}
