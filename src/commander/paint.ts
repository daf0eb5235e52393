/** Colour on a terminal (ECMA-48 SGR), or none. Pure. */

export type Style = 'bold' | 'dim' | 'good' | 'busy' | 'bad';

export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, string>> = { bold: '1', dim: '2', good: '32', busy: '33', bad: '31' };

export function painter(color: boolean): Paint {
  if (!color) return (_, text) => text;
  return (style, text) => (text === '' ? '' : `\u001b[${CODES[style]}m${text}\u001b[0m`);
}
