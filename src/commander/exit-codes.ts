/** What the process says when it ends. The table of docs/exit-codes.md; a test keeps the two equal. */

export interface ExitCodeEntry {
  readonly code: number;
  readonly name: string;
  readonly meaning: string;
}

export const EXIT_CODES = [
  {
    code: 0,
    name: 'ok',
    meaning: 'Done; for `config check`: the file is right; for `providers test`: a failover would work.',
  },
  {
    code: 1,
    name: 'refused',
    meaning:
      'The agent refused, a check failed (`providers test`: a failover would fail), or the work could not be done; the message says why.',
  },
  {
    code: 2,
    name: 'usage',
    meaning:
      'The command line or the configuration is wrong; nothing was done. For `providers test` also: it could not be told whether a failover would work.',
  },
  { code: 3, name: 'no-agent', meaning: 'No agent is running where one was asked for.' },
  {
    code: 4,
    name: 'unknown',
    meaning:
      'It could not be told: no answer in time, the connection broke, or no right to ask. It may have been done.',
  },
  { code: 70, name: 'bug', meaning: 'An error in Wackamole itself; please report the message.' },
] as const satisfies readonly ExitCodeEntry[];

export type ExitName = (typeof EXIT_CODES)[number]['name'];

export function exitCode(name: ExitName): number {
  return EXIT_CODES.find((entry) => entry.name === name)!.code;
}
