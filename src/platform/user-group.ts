/** Groups of users, as this host's own file has them (group(5)); directories of users are not asked, for they may be far away. */
import { readFile } from 'node:fs/promises';

/** The number of a group given by name or number; undefined: the file has no such name. */
export async function groupNumber(group: string): Promise<number | undefined> {
  if (/^\d{1,9}$/.test(group)) return Number(group);
  return numberIn(await readFile('/etc/group', 'utf8'), group);
}

/** The same of the file's text. */
export function numberIn(text: string, group: string): number | undefined {
  for (const line of text.split('\n')) {
    const [name, , number = ''] = line.split(':');
    if (name === group && /^\d{1,10}$/.test(number)) return Number(number);
  }
  return undefined;
}
