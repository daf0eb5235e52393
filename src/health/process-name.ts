/** Names of a process, from what the kernel tells of it (`man 5 proc`). Pure. */

/**
 * What it may be called by: the name the kernel keeps (15 characters) and the last part of the first word of its command line.
 * Empty for one that has ended and is not buried yet.
 */
export function parseProcessName(stat: string, cmdline: string): readonly string[] {
  const open = stat.indexOf('(');
  const close = stat.lastIndexOf(')');
  if (open < 0 || close < open) return [];
  const state = stat.slice(close + 2, close + 3);
  if (state === 'Z' || state === 'X') return [];
  const first = cmdline.split('\0')[0] ?? '';
  const called = first.slice(first.lastIndexOf('/') + 1);
  return [stat.slice(open + 1, close), ...(called === '' ? [] : [called])];
}
