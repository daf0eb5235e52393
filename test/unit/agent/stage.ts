/** What tests of the agent begin with: a world, everybody in one view, who has how much, and a judge for promise 1. */
import type { Config } from '../../../src/config/config.ts';
import type { Vip } from '../../../src/model/vip.ts';
import { config, vips } from './config.ts';
import { World } from './world.ts';

/** No rebalancing by itself. */
export const quiet: Partial<Config> = {
  balance: { enabled: false, interval_ms: 2000, moves_per_round_max: 2, hold_down_ms: 3000 },
};

export interface Setup {
  readonly hosts?: readonly string[];
  readonly list?: readonly Vip[];
  readonly overrides?: Partial<Config>;
  readonly of?: (name: string) => Partial<Config>;
}

export function world({
  hosts = ['a', 'b', 'c'],
  list = vips(6),
  overrides = {},
  of = () => ({}),
}: Setup = {}): World {
  const configOf = (member: string) =>
    config({ member, members: hosts, vips: list, overrides: { ...overrides, ...of(member) } });
  return new World({ seed: 1, hosts, configOf });
}

/** All hosts see each other. */
export function together(w: World, names: readonly string[] = [...w.hosts.keys()]): World {
  w.form(
    names.map((name) => w.host(name).id),
    'host',
  );
  return w;
}

export const guardsIn = (w: World) =>
  w.actions.flatMap(({ action }) =>
    action.kind === 'acquire' ? action.requests.map((r) => r.guard.kind) : [],
  );

export const loads = (w: World) => Object.fromEntries([...w.hosts.values()].map((h) => [h.name, h.up.size]));

/** Fails at the first instant at which two hosts that are in one component hold a VIP. */
export function never2(w: World, list: readonly Vip[] = vips(6)): World {
  w.check = () => {
    for (const { id } of list) {
      const holders = w.holders(id).filter((h) => h.alive || h.up.size > 0);
      if (holders.length > 1)
        throw new Error(`${id} is held by ${holders.map((h) => h.name).join(' and ')} at ${w.now}`);
    }
  };
  return w;
}
