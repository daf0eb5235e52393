/** The `hooks` section: programs of the operator's that are run when VIPs come to this host or go. */
import { z } from 'zod';
import type { Millis } from '../model/time.ts';
import { DEFAULTS } from './defaults.ts';
import { parseDuration } from './duration.ts';
import { command, commandText, duration, integer, userName } from './schema-parts.ts';

/** A program and its bounds, as the operator wrote them. */
export interface ProgramConfig {
  /** Never empty; the first word is an absolute path. */
  readonly argv: readonly string[];
  /** After this it is ended, with all it started. */
  readonly timeout_ms: Millis;
  /** User it runs as, by name or number; absent: the agent's. */
  readonly user?: string;
}

export const HOOK_EVENTS = ['on_up', 'on_down', 'post_up', 'post_down'] as const;
/** `on_…`: for each VIP. `post_…`: once after a round in which any came or went. */
export type HookEvent = (typeof HOOK_EVENTS)[number];

export interface HooksConfig {
  /** In the order in which they are run. */
  readonly commands: Readonly<Record<HookEvent, readonly ProgramConfig[]>>;
  /** How many programs run at once, at most. */
  readonly parallel: number;
  /** Longest time that the end of a stopping agent waits for its hooks, after everything is released and handed over. */
  readonly stop_timeout_ms: Millis;
}

const program = z.strictObject({
  command: command().describe(
    'Program with its arguments: a text, split at blanks (quotes and backslash as in a shell, nothing else), or a list of words',
  ),
  timeout: duration('100ms', '1h')
    .prefault(DEFAULTS.hooks.timeout)
    .describe('After this it is ended, with all it started'),
  user: userName()
    .optional()
    .describe("User it runs as (only where the agent runs as root); absent: the agent's"),
});

const programs = (description: string) =>
  z
    .union([commandText(), z.array(z.union([commandText(), program])).max(16)])
    .optional()
    .describe(description);

export const HOOKS_SECTION = z.strictObject({
  on_up: programs('Run when this host has acquired a VIP, for each: one command, or a list of them'),
  on_down: programs('Run when this host no longer has a VIP, for each'),
  post_up: programs('Run once after a round in which any were acquired'),
  post_down: programs('Run once after a round in which any were released or lost'),
  parallel: integer(1, 64).prefault(DEFAULTS.hooks.parallel).describe('How many run at once, at most'),
  stop_timeout: duration('0s', '10m')
    .prefault(DEFAULTS.hooks.stop_timeout)
    .describe('Longest the end of a stopping agent waits for its hooks, after everything is handed over'),
});

type HooksShape = z.output<typeof HOOKS_SECTION>;

/** `undefined` where nothing is to be run. */
export function hooksOf(section: HooksShape | undefined): HooksConfig | undefined {
  if (section === undefined) return undefined;
  const commands = {
    on_up: programsOf(section.on_up),
    on_down: programsOf(section.on_down),
    post_up: programsOf(section.post_up),
    post_down: programsOf(section.post_down),
  };
  if (HOOK_EVENTS.every((event) => commands[event].length === 0)) return undefined;
  return { commands, parallel: section.parallel, stop_timeout_ms: section.stop_timeout };
}

function programsOf(shape: HooksShape['on_up']): readonly ProgramConfig[] {
  if (shape === undefined) return [];
  return isWords(shape) ? [programOf(shape)] : shape.map(programOf);
}

/** One command, which became its words; never empty, and a list of commands has no text in it. */
function isWords(shape: NonNullable<HooksShape['on_up']>): shape is readonly string[] {
  return typeof shape[0] === 'string';
}

type ProgramShape = readonly string[] | z.output<typeof program>;

function programOf(shape: ProgramShape): ProgramConfig {
  if ('command' in shape) {
    const { command: argv, timeout, user } = shape;
    return { argv, timeout_ms: timeout, ...(user !== undefined && { user }) };
  }
  return { argv: shape, timeout_ms: parseDuration(DEFAULTS.hooks.timeout)! };
}
