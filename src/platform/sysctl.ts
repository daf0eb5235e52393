/** Kernel settings under `/proc/sys`, by path segments: an interface's name may hold dots. */
import { readFileSync, writeFileSync } from 'node:fs';

/** The setting's text without its line end; `undefined` where the kernel has none of that name (or it may not be read).
 * Throws RangeError for a path that would lead out of `/proc/sys`. */
export function readSysctl(...path: readonly string[]): string | undefined {
  const file = pathOf(path);
  try {
    return readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** Sets it; `false` when the kernel or a read-only `/proc/sys` refuses. */
export function writeSysctl(value: string, ...path: readonly string[]): boolean {
  const file = pathOf(path);
  try {
    writeFileSync(file, value);
    return true;
  } catch {
    return false;
  }
}

function pathOf(segments: readonly string[]): string {
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..' || /[/\0]/.test(segment)) {
      throw new RangeError(`not a part of a setting's name: ${JSON.stringify(segment)}`);
    }
  }
  return `/proc/sys/${segments.join('/')}`;
}
