/** Prints what parts takeovers had: medians of all, ms. */
import type { Parts, Span } from './spread-records.ts';
import { summarize, summaryText } from './statistics.ts';

export function reportTakeovers(what: string, rows: readonly Parts[], takeovers: number): void {
  console.log(`${what}: ${rows.length} hosts took over after ${takeovers} agents were killed, ms`);
  const line = (name: string, of: (parts: Parts) => number) =>
    console.log(`  ${name.padEnd(40)} ${summaryText(summarize(rows.map(of)))}`);
  const ours = ({ announce, report, acquire }: Parts) => [announce, report, acquire];
  const sum = (spans: readonly Span[], of: (span: Span) => number) =>
    spans.reduce((all, one) => all + of(one), 0);
  line('ours: membership → announced', ({ announce }) => announce.all);
  line('ours: announcements → reported', ({ report }) => report.all);
  line('ours: reports → acquire', ({ acquire }) => acquire.all);
  line('ours together', (parts) => sum(ours(parts), ({ all }) => all));
  line('  of it waking up', (parts) => sum(ours(parts), ({ reading }) => reading));
  line('  of it our code, on a processor', (parts) => sum(ours(parts), ({ working }) => working));
  line('  of it others on the processor', (parts) =>
    sum(ours(parts), ({ all, reading, working }) => all - reading - working),
  );
  line('daemons: membership told, two rounds', ({ daemons }) => daemons);
  line('all: membership → acquire', ({ all }) => all);
}
