/**
 * A step of the gate: asks the registry for known holes in what we ship (`npm audit`). Fails for severe ones. Where the registry
 * cannot be asked (no network, a mirror without that service) it says so and lets pass: the gate needs no network.
 */
import { spawnSync } from 'node:child_process';

/** At most so long, ms. */
const PATIENCE = 30_000;
/** What fails the gate; the others are told. */
const SEVERE = ['high', 'critical'];

export interface AuditVerdict {
  readonly ok: boolean;
  /** One line for people. */
  readonly says: string;
}

/** @param output of `npm audit --json`, whatever it is */
export function auditVerdict(output: string): AuditVerdict {
  const report = parsed(output);
  const counts = report?.metadata?.vulnerabilities;
  if (counts === undefined) return { ok: true, says: `not asked: ${complaintOf(report)}` };
  const found = Object.entries(counts).filter(([kind, count]) => kind !== 'total' && count > 0);
  if (found.length === 0) return { ok: true, says: 'no known holes in what is shipped' };
  const holes = Object.entries(report?.vulnerabilities ?? {}).map(
    ([name, { severity }]) => `${name} (${severity})`,
  );
  const ok = !found.some(([severity]) => SEVERE.includes(severity));
  return { ok, says: `known holes: ${holes.join(', ')}; see \`npm audit --omit=dev\`` };
}

interface Report {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

function parsed(output: string): Report | undefined {
  try {
    const report: unknown = JSON.parse(output);
    return typeof report === 'object' && report !== null ? report : undefined;
  } catch {
    return undefined;
  }
}

function complaintOf(report: Report | undefined): string {
  const reason = report?.error?.summary || report?.message;
  return reason ? `the registry says: ${reason}` : 'the registry gave no answer';
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    encoding: 'utf8',
    timeout: PATIENCE,
  });
  const { ok, says } = auditVerdict(stdout ?? '');
  console.log(`audit: ${says}`);
  process.exitCode = ok ? 0 : 1;
}
