/** Completion for zsh: a file for a folder of `fpath`, or to be sourced behind `compinit`. */
import {
  type ArgumentWords,
  type CommandWords,
  everyCommand,
  type OptionWords,
  type Value,
} from './words.ts';

export function zshScript(program: CommandWords): string {
  return `#compdef wackamole
# Completion of wackamole for zsh, made of the definition of its command line.
${everyCommand(program).map(functionFor).join('\n')}
if [[ $funcstack[1] == _wackamole ]]; then
  _wackamole "$@"
else
  compdef _wackamole wackamole
fi
`;
}

function functionFor(command: CommandWords): string {
  const { path, options, commands } = command;
  const name = functionName(path);
  const specs = options.map(optionSpec);
  if (commands.length === 0) {
    const words = [...specs, ...command.arguments.map(argumentSpec)];
    return `${name}() {\n  _arguments ${words.map((word) => `\\\n    ${word}`).join(' ')}\n}`;
  }
  const described = commands.map((inner) => quote(`${inner.path.at(-1)}:${inner.description}`));
  const cases = commands.map((inner) => `        ${inner.path.at(-1)}) ${functionName(inner.path)} ;;`);
  return `${name}() {
  local context state line
  typeset -A opt_args
  local -a commands=(
    ${described.join('\n    ')}
  )
  _arguments -C ${specs.map((spec) => `\\\n    ${spec}`).join(' ')} \\
    '1: :->command' '*:: :->words'
  case $state in
    command) _describe -t commands command commands ;;
    words)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
}

function functionName(path: readonly string[]): string {
  return ['_wackamole', ...path].join('_').replaceAll('-', '_');
}

/** `'(-c --config)'{-c,--config}'[what it is]:file:_files'` */
function optionSpec({ long, short, description, value }: OptionWords): string {
  const rest = `[${inBrackets(description)}]${value === undefined ? '' : `:${long.slice(2)}:${action(value)}`}`;
  if (short === undefined) return quote(long + rest);
  return `${quote(`(${short} ${long})`)}{${short},${long}}${quote(rest)}`;
}

function argumentSpec({ name, required, variadic, value }: ArgumentWords): string {
  const colon = required ? ':' : '::';
  return quote(`${variadic ? '*:' : colon}${inBrackets(name)}:${action(value)}`);
}

function action(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `(${value.choices.join(' ')})`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'free':
      return ' ';
  }
}

function inBrackets(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
