/** Hooks as an agent has them: with a thread for the programs, and the record of its predecessor. */
import type { Config } from '../config/config.ts';
import { openProgramRunner } from '../platform/program-runner.ts';
import { Hooks, type HooksParts } from './hooks.ts';
import { openUpRecord } from './up-record.ts';

/** Beside the socket, where only this user writes. */
export function recordPath({ control: { socket } }: Pick<Config, 'control'>): string {
  return `${socket.replace(/\.sock$/, '')}.hooks`;
}

/** To be called when it is settled that no other agent of this cluster runs here. Never rejects. */
export async function openHooks(config: Config, parts: Pick<HooksParts, 'logger' | 'wall'>): Promise<Hooks> {
  const runner = openProgramRunner();
  const path = recordPath(config);
  try {
    const { record, left } = await openUpRecord(path);
    const hooks = new Hooks(config, { ...parts, runner, record });
    hooks.tellLeft(left);
    return hooks;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const reason = `${path}: ${why}; should this agent die, nobody will tell on_down for what it held`;
    parts.logger.warn({ reason }, 'what hooks are told cannot be kept');
    return new Hooks(config, { ...parts, runner, record: undefined });
  }
}
