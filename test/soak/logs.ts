/** The lines of all agents' logs around an instant, in order of time. Pure. */

export interface HostLog {
  readonly host: string;
  readonly text: string;
}

const BEFORE_MS = 3000;
const AFTER_MS = 1500;
const LINES_MAX = 60;

/** `wall`: milliseconds since 1970. */
export function logsAround(logs: readonly HostLog[], wall: number): string {
  const lines = logs.flatMap(({ host, text }) =>
    text.split('\n').flatMap((line) => {
      const time = timeOf(line);
      return time !== undefined && time >= wall - BEFORE_MS && time <= wall + AFTER_MS
        ? [{ host, line, time }]
        : [];
    }),
  );
  lines.sort((a, b) => a.time - b.time);
  const shown = lines
    .slice(0, LINES_MAX)
    .map(({ host, line, time }) => `  ${(time - wall).toFixed(0).padStart(6)} ms ${host}: ${line}`);
  return [...shown, ...(lines.length > LINES_MAX ? [`  and ${lines.length - LINES_MAX} more`] : [])].join(
    '\n',
  );
}

function timeOf(line: string): number | undefined {
  const text = /"time":"([^"]+)"/.exec(line)?.[1];
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
