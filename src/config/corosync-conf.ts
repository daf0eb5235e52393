/**
 * Reads a corosync.conf as corosync 3 does: a line opens a section, closes one, or sets a key; `#` begins a line that counts for nothing. Pure;
 * never throws.
 */

export interface CorosyncSetting {
  readonly value: string;
  readonly line: number;
}

export interface CorosyncConf {
  /** By path, `totem.token`; the last one counts where it stands more than once, as for corosync. */
  readonly settings: ReadonlyMap<string, CorosyncSetting>;
  /** Sections `nodelist.node`. */
  readonly nodes: number;
}

export type CorosyncConfResult =
  | { readonly ok: true; readonly conf: CorosyncConf }
  | { readonly ok: false; readonly line: number; readonly what: string; readonly mend: string };

/** What corosync trims. */
const BLANKS = /^[\s\u00a0]+|[\s\u00a0]+$/g;

export function readCorosyncConf(text: string): CorosyncConfResult {
  const settings = new Map<string, CorosyncSetting>();
  const path: string[] = [];
  let nodes = 0;
  const lines = text.split('\n');
  for (const [index, whole] of lines.entries()) {
    const line = index + 1;
    const words = whole.replace(BLANKS, '');
    if (words === '' || words.startsWith('#')) continue;
    const wrong = (what: string, mend: string) => ({ ok: false, line, what, mend }) as const;
    const brace = words.indexOf('{');
    const colon = words.indexOf(':');
    if (brace >= 0) {
      const name = words.slice(0, brace).replace(BLANKS, '');
      if (name === '') return wrong('a section without a name', 'write its name before {');
      if (brace !== words.length - 1) return wrong('words behind {', 'begin a new line after {');
      path.push(name);
      if (path.join('.') === 'nodelist.node') nodes += 1;
    } else if (colon >= 0) {
      const key = words.slice(0, colon).replace(BLANKS, '');
      if (key === '') return wrong('a value without a key', 'write KEY: VALUE');
      settings.set([...path, key].join('.'), { value: words.slice(colon + 1).replace(BLANKS, ''), line });
    } else if (words === '}') {
      if (path.pop() === undefined) return wrong('} closes nothing', 'drop it, or open a section before');
    } else if (words.includes('}')) return wrong('words beside }', 'give } a line of its own');
    else return wrong('neither a section nor KEY: VALUE', 'write KEY: VALUE, NAME { or }');
  }
  if (path.length === 0) return { ok: true, conf: { settings, nodes } };
  const what = `the section ${path.join('.')} is not closed`;
  return { ok: false, line: lines.length, what, mend: 'write } at its end' };
}
