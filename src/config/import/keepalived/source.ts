/** Files that are read by an import, and what can be wrong with them; nothing here opens a file. */

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Where something stands; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Complaint extends Place {
  readonly what: string;
  readonly mend: string;
}

/** An `include` whose files are wanted. */
export interface Wanted {
  readonly pattern: string;
  /** File that says so: the pattern is relative to its folder. */
  readonly from: string;
}

/** The files of an `include`, in order; undefined: not looked for yet. */
export type Includes = (wanted: Wanted) => readonly SourceFile[] | undefined;

/** Ends the reading of a file; caught at the edge of the import. */
export class Wrong extends Error {
  readonly complaint: Complaint;

  constructor({ file, line, column }: Place, what: string, mend: string) {
    super(what);
    this.complaint = { file, line, column, what, mend };
  }
}

/** Ends it because files are wanted first; caught there too. */
export class Missing extends Error {
  readonly wanted: Wanted;

  constructor(wanted: Wanted) {
    super(`wants ${wanted.pattern}`);
    this.wanted = wanted;
  }
}

/** What people wrote, for a message: one line, not too long. */
export function shown(text: string): string {
  const plain = text.replaceAll(/[\p{C}\u2028\u2029]/gu, '?');
  return JSON.stringify(plain.length > 60 ? `${plain.slice(0, 60)}…` : plain);
}
