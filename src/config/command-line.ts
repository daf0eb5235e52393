/**
 * A command in one line of text, split into words without a shell: blanks separate words, `'…'` and `"…"` keep them together, and a
 * backslash outside of single quotes takes the next character as it is. Nothing else means anything; what a shell would do
 * something about is refused outside of quotes, so that nobody waits for it in vain.
 */

export type Split =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly what: string; readonly mend: string };

/** What a shell would act on. */
const SHELL_ONLY = /[|&;<>()$`*?[\]#~!]/;

export function splitCommand(text: string): Split {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === "'" || character === '"') {
      const quoted = readQuoted(text, at);
      if (quoted === undefined) return unclosed(character);
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (character === '\\') {
      if (at + 1 === text.length)
        return { ok: false, what: 'ends with a backslash', mend: 'drop it, or double it' };
      at += 1;
      word = (word ?? '') + text[at]!;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (SHELL_ONLY.test(character)) return shellOnly(character, text);
    else word = (word ?? '') + character;
  }
  if (word !== undefined) words.push(word);
  return { ok: true, words };
}

/** `end`: of the closing quote. */
function readQuoted(
  text: string,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  const quote = text[start];
  let read = '';
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === quote) return { text: read, end: at };
    if (quote === '"' && text[at] === '\\' && at + 1 < text.length) at += 1;
    read += text[at];
  }
  return undefined;
}

function unclosed(quote: string): Split {
  return {
    ok: false,
    what: `a ${quote} is not closed`,
    mend: `add the closing ${quote}, or write \\${quote} for the sign itself`,
  };
}

function shellOnly(sign: string, text: string): Split {
  const what = `${sign} means nothing here, since no shell reads it`;
  const script = text.includes("'") ? '…' : text;
  return {
    ok: false,
    what,
    mend: `put it in quotes if it is meant as it is, else write [/bin/sh, -c, '${script.slice(0, 60)}']`,
  };
}
