/** Completion for fish. */
import { type CommandWords, everyCommand, type OptionWords, type Value } from './words.ts';

export function fishScript(program: CommandWords): string {
  const commands = everyCommand(program);
  return `# Completion of wackamole for fish, made of the definition of its command line.
function __wackamole_at
    set -l at ''
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$at:$word"
${commands.flatMap(pathCases).join('\n')}
        end
    end
    test "$at" = "$argv[1]"
end
complete -c wackamole -f
${commands.flatMap(linesFor).join('\n')}
`;
}

function pathCases({ path, options, commands }: CommandWords): readonly string[] {
  const at = path.join(' ');
  const valued = options
    .filter(({ value }) => value !== undefined)
    .flatMap(({ long, short }) => (short === undefined ? [long] : [short, long]));
  const deeper = commands.map(
    (inner) =>
      `            case ${quote(`${at}:${inner.path.at(-1)}`)}\n                set at ${quote(inner.path.join(' '))}`,
  );
  if (valued.length === 0) return deeper;
  const names = valued.map((name) => quote(`${at}:${name}`)).join(' ');
  return [`            case ${names}\n                set skip 1`, ...deeper];
}

function linesFor(command: CommandWords): readonly string[] {
  const at = `complete -c wackamole -n ${quote(`__wackamole_at ${quote(command.path.join(' '))}`)}`;
  const commands = command.commands.map(
    (inner) => `${at} -a ${quote(inner.path.at(-1)!)} -d ${quote(inner.description)}`,
  );
  const first = command.commands.length === 0 ? command.arguments[0]?.value : undefined;
  const words = first === undefined ? '' : valueWords(first);
  return [
    ...commands,
    ...command.options.map((option) => `${at} ${optionWords(option)}`),
    ...(words === '' ? [] : [`${at}${words}`]),
  ];
}

function optionWords({ long, short, description, value }: OptionWords): string {
  const names = short === undefined ? `-l ${long.slice(2)}` : `-s ${short.slice(1)} -l ${long.slice(2)}`;
  const takes = value === undefined ? '' : ` -r${valueWords(value)}`;
  return `${names}${takes} -d ${quote(description)}`;
}

function valueWords(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return ` -f -a ${quote(value.choices.join(' '))}`;
    case 'file':
      return ' -F';
    case 'folder':
      return ` -f -a '(__fish_complete_directories)'`;
    case 'free':
      return ' -f';
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
}
