/** The command line as plain data, for what is made of its definition: completion and manual pages. */
import type { Argument, Command, Option } from 'commander';

/** What stands for a value: a choice, a file of the host, or anything. */
export type Value =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'free' };

export interface OptionWords {
  /** With its dashes. */
  readonly long: string;
  readonly short?: string;
  /** As help writes it: `-c, --config <file>`. */
  readonly flags: string;
  readonly description: string;
  readonly preset?: string;
  /** Absent: the option takes none. */
  readonly value?: Value;
}

export interface ArgumentWords {
  readonly name: string;
  readonly description: string;
  readonly preset?: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly value: Value;
}

export interface CommandWords {
  /** From below the program: `['config', 'check']`; empty: the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly OptionWords[];
  readonly arguments: readonly ArgumentWords[];
  readonly commands: readonly CommandWords[];
}

export function wordsOf(command: Command, path: readonly string[] = []): CommandWords {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    options: help.visibleOptions(command).map(optionWords),
    arguments: command.registeredArguments.map(argumentWords),
    commands: command.commands.map((inner) => wordsOf(inner, [...path, inner.name()])),
  };
}

/** The command and all below it. */
export function everyCommand(command: CommandWords): readonly CommandWords[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

function optionWords(option: Option): OptionWords {
  const { flags, description, short, argChoices } = option;
  const preset = presetOf(option.defaultValue, option.defaultValueDescription);
  const takes = option.required || option.optional;
  return {
    long: option.long ?? `--${option.name()}`,
    flags,
    description,
    ...(short != null && { short }),
    ...(takes && preset !== undefined && { preset }),
    ...(takes && { value: valueNamed(/[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? '', argChoices) }),
  };
}

function argumentWords(argument: Argument): ArgumentWords {
  const { description, required, variadic, argChoices } = argument;
  const preset = presetOf(argument.defaultValue, argument.defaultValueDescription);
  return {
    name: argument.name(),
    description,
    required,
    variadic,
    ...(preset !== undefined && { preset }),
    value: valueNamed(argument.name(), argChoices),
  };
}

function presetOf(value: unknown, said: string | undefined): string | undefined {
  if (said !== undefined) return said;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Names say it: they are what help prints between the brackets. */
function valueNamed(name: string, choices: readonly string[] | undefined): Value {
  if (choices !== undefined) return { kind: 'choices', choices };
  if (/^(?:files?|path|from)(?:\.\.\.)?$/.test(name)) return { kind: 'file' };
  return { kind: name === 'folder' ? 'folder' : 'free' };
}
