/** One simulation: boot, a stretch of faults, calm, and the verdict. Equal options and faults give an equal run. */
import { nameOf } from '../model/member.ts';
import { Breach } from './breach.ts';
import { AlwaysOne } from './checks/always-one.ts';
import { Barred } from './checks/barred.ts';
import { checkEngines } from './checks/engine.ts';
import { EqualTables } from './checks/equal-tables.ts';
import { HealthyFirst } from './checks/healthy-first.ts';
import { NeverTwo } from './checks/never-two.ts';
import { recover } from './checks/not-stuck.ts';
import { Orphans } from './checks/orphans.ts';
import { OwnOnly } from './checks/own-only.ts';
import { Placed } from './checks/placed.ts';
import { Steady } from './checks/steady.ts';
import { TurnsTold } from './checks/turns.ts';
import { type Fault, schedule } from './faults/kinds.ts';
import { calm, strike } from './faults/strike.ts';
import type { SimulationOptions } from './options.ts';
import { Random } from './world/random.ts';
import { World } from './world/world.ts';

export interface Failure {
  readonly invariant: string;
  readonly text: string;
  /** Virtual instant, in ms. */
  readonly at: number;
}

export interface Verdict {
  readonly failure: Failure | undefined;
  /** Virtual time that passed, in ms. */
  readonly length: number;
  /** From the end of the faults until all was well. */
  readonly recovery: number;
  readonly views: number;
  readonly messages: number;
  /** Longest duplicate within the grace of a merge. */
  readonly longestDuplicate: number;
  /** How often each rule was tried. */
  readonly tries: Readonly<Record<string, number>>;
  readonly timeline: readonly string[];
}

export function faultsOf(options: SimulationOptions): Fault[] {
  return schedule(options, new Random(options.seed * 31 + 7));
}

export function simulate(
  options: SimulationOptions,
  faults: readonly Fault[],
  { timeline = false }: { readonly timeline?: boolean } = {},
): Verdict {
  const world = new World(options, { timeline });
  const tables = new EqualTables(world);
  const twice = new NeverTwo(world);
  const one = new AlwaysOne(world);
  const own = new OwnOnly(world);
  const orphans = new Orphans(world);
  const steady = new Steady(world);
  const healthy = new HealthyFirst(world);
  const turns = new TurnsTold(world);
  const placed = new Placed();
  world.observers.push(twice, tables, new Barred(world), one, own, orphans, steady, healthy, turns, placed);
  let recovery = 0;
  let failure: Failure | undefined;
  try {
    recovery = play(world, faults);
    const [broken] = checkEngines(world);
    if (broken !== undefined) throw new Breach('engine', broken);
  } catch (error) {
    failure = failureOf(error, world.now);
    if (failure.invariant !== 'engine') world.note(undefined, `==== ${failure.invariant}: ${failure.text}`);
  }
  return {
    failure,
    length: world.now,
    recovery,
    views: world.traces.reduce(
      (sum, { events }) => sum + events.filter(({ kind }) => kind === 'view').length,
      0,
    ),
    messages: world.traces.reduce((sum, { sent }) => sum + sent, 0),
    longestDuplicate: twice.longest,
    tries: {
      tables: tables.compared,
      alwaysOne: one.checked,
      ownOnly: own.watched,
      orphans: orphans.watched,
      steady: steady.watched,
      healthyFirst: healthy.checked,
      turns: turns.told,
      placed: placed.watched,
      races: twice.races,
    },
    timeline: world.timeline ?? [],
  };
}

function play(world: World, faults: readonly Fault[]): number {
  boot(world);
  for (const fault of faults) world.agenda.at(fault.at, () => strike(world, fault));
  world.runUntil(world.options.length as number);
  calm(world);
  const end = recover(world, () => undrain(world));
  if ('wrong' in end) throw new Breach('not-stuck', end.wrong);
  return end.after;
}

/** All at once, or one after the other, or not all. */
function boot(world: World): void {
  const { random } = world;
  const pace = random.pick([0, 10, 2_000]);
  for (const host of world.hosts) {
    if (host.index > 0 && random.chance(0.1)) continue;
    world.agenda.at(random.next() * pace, () => world.start(host));
  }
}

function undrain(world: World): void {
  const speaker = world.hosts.find(({ agent }) => agent?.core.phase === 'settled')?.agent;
  for (const { member, standing } of speaker?.core.table?.seats.values() ?? [])
    if (standing.draining) speaker?.command({ kind: 'undrain', member: nameOf(member) });
}

function failureOf(error: unknown, at: number): Failure {
  if (error instanceof Breach) return { invariant: error.invariant, text: error.message, at };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { invariant: 'crash', text, at };
}
