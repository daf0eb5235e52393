import { expect, test } from 'vitest';
import { readinessChecks } from '../../../../providers/local/readiness.ts';

const sources = (kernel: string, there: readonly string[] = ['/bin/bash', '/sbin/ip']) => ({
  kernel,
  path: ['/usr/bin', '/sbin'],
  executable: (file: string) => there.includes(file),
});
const verdicts = (...of: Parameters<typeof sources>) =>
  readinessChecks(sources(...of)).map(({ verdict }) => verdict);

test.each([
  ['6.1.0-18-amd64', ['pass', 'pass', 'pass']],
  ['5.17.15', ['pass', 'warn', 'pass']],
  ['5.18.0-rc1', ['pass', 'pass', 'pass']],
  ['3.10.0-1160.el7', ['pass', 'warn', 'pass']],
  ['3.8.13', ['fail', 'warn', 'pass']],
  ['something else', ['pass', 'pass', 'pass']],
])('Linux %s', (kernel, expected) => {
  expect(verdicts(kernel)).toEqual(expected);
});

test('names the tools that are missing, and how to get them', () => {
  expect(verdicts('6.1', ['/bin/bash'])).toEqual(['pass', 'pass', 'fail']);
  expect(readinessChecks(sources('6.1', []))[2]).toMatchObject({
    detail: expect.stringContaining('/bin/bash, ip'),
    mend: expect.stringContaining('iproute2'),
  });
});
