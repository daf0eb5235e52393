/** Completion for bash 4 and later, without anything else installed. */
import { type CommandWords, everyCommand, type OptionWords, type Value } from './words.ts';

export function bashScript(program: CommandWords): string {
  const commands = everyCommand(program);
  return `# Completion of wackamole for bash, made of the definition of its command line.
_wackamole() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= skip= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ -n $skip ]]; then skip=; continue; fi
    case "$path:\${COMP_WORDS[i]}" in
${commands.flatMap(pathCases).join('\n')}
    esac
  done
  COMPREPLY=()
  if [[ -n $skip ]]; then
    case "$path:$prev" in
${commands.flatMap(valueCases).join('\n')}
    esac
    return
  fi
  case "$path" in
${commands.map(wordCase).join('\n')}
  esac
}
_wackamole_words() { mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1"); }
_wackamole_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen "$2" -- "$1"); }
complete -F _wackamole wackamole
`;
}

/** Words that lead on: an option's value is to come, or a command begins. */
function pathCases({ path, options, commands }: CommandWords): readonly string[] {
  const at = path.join(' ');
  const valued = options.filter(({ value }) => value !== undefined).flatMap(namesOf);
  const deeper = commands.map(
    (inner) => `      ${quote(`${at}:${inner.path.at(-1)}`)}) path=${quote(inner.path.join(' '))} ;;`,
  );
  if (valued.length === 0) return deeper;
  return [`      ${valued.map((name) => quote(`${at}:${name}`)).join('|')}) skip=1 ;;`, ...deeper];
}

function valueCases({ path, options }: CommandWords): readonly string[] {
  return options.flatMap((option) => {
    const { value } = option;
    if (value === undefined || value.kind === 'free') return [];
    const names = namesOf(option).map((name) => quote(`${path.join(' ')}:${name}`));
    return [`      ${names.join('|')}) ${reply(value)} ;;`];
  });
}

function wordCase(command: CommandWords): string {
  const { path, options, commands } = command;
  const flags = options.flatMap(namesOf).join(' ');
  const first = command.arguments[0]?.value;
  const others =
    commands.length > 0
      ? reply({ kind: 'choices', choices: commands.map((inner) => inner.path.at(-1)!) })
      : first === undefined
        ? ':'
        : reply(first);
  return `    ${quote(path.join(' '))}) if [[ $cur == -* ]]; then _wackamole_words "$cur" ${quote(flags)}; else ${others}; fi ;;`;
}

function reply(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `_wackamole_words "$cur" ${quote(value.choices.join(' '))}`;
    case 'file':
      return '_wackamole_files "$cur" -f';
    case 'folder':
      return '_wackamole_files "$cur" -d';
    case 'free':
      return ':';
  }
}

function namesOf({ long, short }: OptionWords): readonly string[] {
  return short === undefined ? [long] : [short, long];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
