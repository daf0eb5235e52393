/** Bits of YAML as an import writes them: everything that could be read as something else stands in quotes. Pure. */

/** Plain where YAML reads it as the text it is. */
export function quoted(text: string): string {
  const plain =
    /^[A-Za-z][A-Za-z0-9_-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

export function flow(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`;
}

/** On one line, whatever it holds. */
export function comment(text: string): string {
  const plain = text.replaceAll(/[\p{C}\u2028\u2029]/gu, '?');
  return `# ${plain.length > 400 ? `${plain.slice(0, 400)}…` : plain}`;
}
