/** Collects what is wrong (errors) and what is merely odd (warnings) while a configuration is built. */
import type { Finding, Path } from './problem.ts';

export class Findings {
  readonly errors: Finding[] = [];
  readonly warnings: Finding[] = [];

  error(path: Path, { what, mend, atKey = false }: { what: string; mend: string; atKey?: boolean }): void {
    this.errors.push({ path, what, mend, atKey });
  }

  warn(path: Path, { what, mend, atKey = false }: { what: string; mend: string; atKey?: boolean }): void {
    this.warnings.push({ path, what, mend, atKey });
  }
}
