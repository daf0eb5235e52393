/** Manual pages (man(7)) made of the definition of the command line: one for the program, one for each command. */
import { EXIT_CODES } from './exit-codes.ts';
import { type ArgumentWords, type CommandWords, everyCommand, type OptionWords } from './words.ts';

export interface ManPage {
  /** `wackamole-config-check.1` */
  readonly name: string;
  readonly text: string;
}

export interface ManPageOptions {
  readonly version: string;
  /** Day of the release, `2026-01-31`. */
  readonly date: string;
}

export function manPages(program: CommandWords, options: ManPageOptions): readonly ManPage[] {
  const commands = everyCommand(program);
  return commands.map((command) => ({
    name: `${pageName(command)}.1`,
    text: [
      ...heading(command, options),
      ...synopsis(command),
      ...section('DESCRIPTION', [roff(sentence(command.description))]),
      ...listed('ARGUMENTS', command.arguments.map(argumentEntry)),
      ...listed('OPTIONS', command.options.map(optionEntry)),
      ...listed('COMMANDS', command.commands.flatMap(everyCommand).filter(isLeaf).map(commandEntry)),
      ...(command.path.length === 0 ? listed('FILES', FILES) : []),
      ...listed(
        'EXIT STATUS',
        EXIT_CODES.map(({ code, meaning }) => [String(code), meaning]),
      ),
      ...seeAlso(command, commands),
      '',
    ].join('\n'),
  }));
}

type Entry = readonly [term: string, text: string];

const FILES: readonly Entry[] = [
  [
    '/etc/wackamole/wackamole.yaml',
    'the configuration of this host; each cluster of several has a file of its own name beside it',
  ],
  ['/etc/wackamole/cluster.key', 'the cluster key, if the configuration names no other file'],
  ['/run/wackamole/', 'sockets at which the agents are asked'],
];

function pageName({ path }: CommandWords): string {
  return ['wackamole', ...path].join('-');
}

function isLeaf({ commands }: CommandWords): boolean {
  return commands.length === 0;
}

function heading(command: CommandWords, { version, date }: ManPageOptions): readonly string[] {
  const name = pageName(command);
  return [
    `.TH ${roff(name.toUpperCase())} 1 ${date} "wackamole ${roff(version)}" "Wackamole"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(command.description.replace(/\.$/, ''))}`,
  ];
}

function synopsis(command: CommandWords): readonly string[] {
  const words = [
    ...(command.options.length > 0 ? ['[options]'] : []),
    ...command.arguments.map(argumentTerm),
    ...(command.commands.length > 0 ? ['command ...'] : []),
  ];
  return ['.SH SYNOPSIS', `.B ${roff(['wackamole', ...command.path].join(' '))}`, roff(words.join(' '))];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`.SH ${title}`, ...lines];
}

function listed(title: string, entries: readonly Entry[]): readonly string[] {
  if (entries.length === 0) return [];
  return section(
    title,
    entries.flatMap(([term, text]) => ['.TP', `.B ${roff(term)}`, roff(sentence(text))]),
  );
}

function argumentTerm({ name, required, variadic }: ArgumentWords): string {
  const word = variadic ? `${name}...` : name;
  return required ? `<${word}>` : `[${word}]`;
}

function argumentEntry(argument: ArgumentWords): Entry {
  return [argumentTerm(argument), withPreset(argument)];
}

function optionEntry(option: OptionWords): Entry {
  return [option.flags, withPreset(option)];
}

function withPreset({ description, preset, value }: OptionWords | ArgumentWords): string {
  const choices = value?.kind === 'choices' ? ` (one of ${value.choices.join(', ')})` : '';
  return `${description}${choices}${preset === undefined || preset === '' ? '' : ` (unless said: ${preset})`}`;
}

function commandEntry({ path, description }: CommandWords): Entry {
  return [path.join(' '), description];
}

function seeAlso(command: CommandWords, commands: readonly CommandWords[]): readonly string[] {
  const others = command.path.length === 0 ? commands.slice(1) : commands.slice(0, 1);
  return section('SEE ALSO', [others.map((other) => `\\fB${roff(pageName(other))}\\fR(1)`).join(',\n')]);
}

/** As sentences begin and end. */
function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.)]$/.test(first) && !first.endsWith(')') ? first : `${first}.`;
}

/** Nothing in it means anything to the formatter. */
function roff(text: string): string {
  const plain = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('`', '\\(ga');
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}
