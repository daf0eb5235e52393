/** Rehearsals of clouds where there is no cloud: each provider says so itself, on its own thread, and none is waited for in vain. */
import { expect, it } from 'vitest';
import { testProviders } from '../../../src/bin/test-providers.ts';
import { configOf } from '../config/parse-text.ts';

const NOWHERE = 'metadata_endpoint: "http://127.0.0.1:9"';
const FILE = `cluster: web
group: { peers: { a: 10.0.0.1, b: 10.0.0.2, c: 10.0.0.3 }, key_file: k }
providers:
  eip: { kind: aws, mode: elastic-ip, ${NOWHERE} }
  alias: { kind: gcp, mode: alias-ip, ${NOWHERE} }
  overlay: { kind: gcp, mode: route, ${NOWHERE} }
vips:
  web-1: { addresses: [198.51.100.1], providers: [eip] }
  web-2: { addresses: [10.0.0.50], providers: [alias] }
  web-3: { addresses: [10.9.0.1], providers: [overlay] }
`;

it('no cloud and no credentials: every provider says what is missing, and how to mend it', async () => {
  const checks = await testProviders({
    config: configOf(FILE),
    // Far more than it takes; what is asked for is that nobody ends by it.
    timeout: 60_000,
  });
  for (const provider of ['eip', 'alias', 'overlay']) {
    const bad = checks.filter((check) => check.provider === provider && check.verdict !== 'pass');
    const fails = bad.filter(({ verdict }) => verdict === 'fail');
    expect(fails.length, provider).toBeGreaterThan(0);
    expect(
      bad.filter(({ verdict }) => verdict === 'unknown'),
      provider,
    ).toEqual([]);
    for (const { mend } of bad) expect(mend).not.toBe('');
  }
}, 90_000);
