/** What the gate makes of the registry's answers, whole, broken or missing. */
import { describe, expect, test } from 'vitest';
import { auditVerdict } from '../audit.ts';

/** As `npm audit --json` has it (audit report version 2), shortened. */
function report(holes: Readonly<Record<string, string>>): string {
  const counts: Record<string, number> = { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 };
  for (const severity of Object.values(holes)) {
    counts[severity]! += 1;
    counts['total']! += 1;
  }
  const vulnerabilities = Object.fromEntries(
    Object.entries(holes).map(([name, severity]) => [name, { name, severity, range: '<1.0.1', via: [] }]),
  );
  return JSON.stringify({ auditReportVersion: 2, vulnerabilities, metadata: { vulnerabilities: counts } });
}

describe('known holes in dependencies', () => {
  test('none: all is well', () => {
    expect(auditVerdict(report({}))).toEqual({ ok: true, says: 'no known holes in what is shipped' });
  });

  test.each(['high', 'critical'])('a %s one fails the gate and is named', (severity) => {
    const verdict = auditVerdict(report({ yaml: severity, pino: 'low' }));
    expect(verdict.ok).toBe(false);
    expect(verdict.says).toContain(`yaml (${severity}), pino (low)`);
  });

  test.each(['low', 'moderate'])('a %s one is told and lets pass', (severity) => {
    const verdict = auditVerdict(report({ yaml: severity }));
    expect(verdict.ok).toBe(true);
    expect(verdict.says).toContain(`yaml (${severity})`);
  });

  test.each([
    ['', 'the registry gave no answer'],
    ['npm ERR! what?', 'the registry gave no answer'],
    ['null', 'the registry gave no answer'],
    ['[]', 'the registry gave no answer'],
    ['{"message":"405 Method Not Allowed","error":{"summary":"","detail":""}}', '405 Method Not Allowed'],
    [
      '{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile."}}',
      'requires an existing lockfile',
    ],
  ])('where the registry cannot be asked (%s) that is said, and the gate goes on', (output, reason) => {
    const verdict = auditVerdict(output);
    expect(verdict.ok).toBe(true);
    expect(verdict.says).toContain(reason);
  });
});
