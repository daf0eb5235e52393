/** What becomes of the original's `RunDynamic`: a commented-out section `hooks` to be filled with programs. Pure. */
import type { OriginalNote } from './original.ts';

/** Each function once in a remark, then the section that would run a program of its name. */
export function hookLines(notes: readonly OriginalNote[], printable: (text: string) => string): string[] {
  const events = new Map<string, string[]>();
  const remarks: string[] = [];
  for (const { keyword, text } of notes) {
    const found = keyword === 'RunDynamic' ? /^(.*) (on|post) (up|down)$/s.exec(text) : null;
    if (found === null) continue;
    const [, code = '', when, direction] = found;
    remarks.push(
      `# RunDynamic ${printable(text)}: ours loads no code; write a program that does the same, and switch it on below (docs/hooks.md).`,
    );
    const event = `${when}_${direction}`;
    events.set(event, [...(events.get(event) ?? []), programOf(code)]);
  }
  if (remarks.length === 0) return [];
  const section = [...events].map(
    ([event, programs]) => `#   ${event}: [${[...new Set(programs)].join(', ')}]`,
  );
  return [...remarks, '# hooks:', ...section];
}

/** `funcs:killhup` and `example::dump` give the program its name, as far as they can be one. */
function programOf(code: string): string {
  const name = code
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 40);
  return `/usr/local/bin/${name === '' ? 'hook' : name}`;
}
