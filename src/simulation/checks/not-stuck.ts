/**
 * Once all faults have stopped: within a bound all members are in one view, agree about who holds what, every address is
 * up exactly once and where they say; and it stays so.
 */
import type { Host } from '../world/host.ts';
import type { World } from '../world/world.ts';
import { recoveryBound } from './bounds.ts';

const QUIET = 1_500;

/** What is wrong now; undefined: all is well. */
export function whatIsWrong(world: World): string | undefined {
  const wrong = whatIsMissing(world);
  if (wrong !== undefined) return wrong;
  for (const host of world.hosts) {
    const other = disagrees(world, host);
    if (other !== undefined) return other;
  }
  return undefined;
}

/** As far as it shows without asking the agents for their status, which takes long. */
function whatIsMissing(world: World): string | undefined {
  const views = new Set(world.hosts.map(({ agent }) => agent?.facts.view?.id));
  if (views.size !== 1 || views.has(undefined))
    return `not in one view: ${world.hosts.map((host) => `${host.name} ${host.agent?.facts.view?.id}`).join('; ')}`;
  const phase = world.hosts.find(({ agent }) => agent?.core.phase !== 'settled');
  if (phase) return `${phase.name} is ${phase.agent?.core.phase}`;
  for (const vip of world.vips) {
    for (const { address } of vip.addresses) {
      const holders = world.segment.holders(address);
      if (holders.length !== 1)
        return `${vip.id}: ${address} is up on [${holders.map(({ name }) => name).join(' ')}]`;
    }
  }
  return undefined;
}

function disagrees(world: World, host: Host): string | undefined {
  for (const vip of world.vips) {
    const [holder] = world.segment.holders(vip.addresses[0]!.address);
    const told = host.agent?.told(vip.id);
    if (told !== holder?.name)
      return `${host.name} tells that ${vip.id} is held by ${told}, but it is up on ${holder?.name}`;
  }
  return undefined;
}

/** Runs until all is well and has stayed so; returns how long it took, or what is wrong at the bound. */
export function recover(
  world: World,
  undrain: () => void,
): { readonly after: number } | { readonly wrong: string } {
  const from = world.now;
  let wellSince: number | undefined;
  let wrong: string | undefined;
  let undrainAt = from + 1_000;
  const bound = recoveryBound(world.cluster.timers) + (world.isHybrid ? 30_000 : 0);
  while (world.now < from + bound) {
    world.runUntil(world.now + 100);
    if (world.now >= undrainAt) {
      undrain();
      undrainAt = world.now + 3_000;
    }
    const sure = wellSince === undefined || world.now - wellSince >= QUIET;
    wrong = sure ? whatIsWrong(world) : whatIsMissing(world);
    if (wrong !== undefined) wellSince = undefined;
    else wellSince ??= world.now;
    if (wellSince !== undefined && world.now - wellSince >= QUIET) return { after: wellSince - from };
  }
  return { wrong: wrong ?? 'it does not stay well' };
}
