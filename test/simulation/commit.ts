/** Which state of the source runs, for the report of a failure. */
import { execFileSync } from 'node:child_process';

export function commit(): string {
  try {
    const told = execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return told.trim();
  } catch {
    return 'unknown';
  }
}
