/** What is wrong with a configuration, where, and how to mend it. */

export interface Problem {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** Key path as people write it, `vips.web-2.addresses[1]`; empty for the file as a whole. */
  readonly path: string;
  readonly what: string;
  /** How to mend it. */
  readonly mend: string;
}

/** A finding before it is known where in the file it stands. */
export interface Finding {
  readonly path: Path;
  readonly what: string;
  readonly mend: string;
  /** Point at the key itself instead of its value. */
  readonly atKey?: boolean;
}

export type Path = readonly (string | number)[];

/** `file:line:column: path: what (mend)`, the form that editors and terminals make clickable. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  return `${where}: ${path}${problem.what}; ${problem.mend}`;
}

/** Keys with dots or spaces in them are quoted, so that the path says unambiguously where. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else
      text += `${text === '' ? '' : '.'}${/^[A-Za-z0-9_{}-]+(\.\.\d+\}[A-Za-z0-9_-]*)?$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return text;
}
