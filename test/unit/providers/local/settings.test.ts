/** Settings that the provider could not live by are refused where they are read. */
import { describe, expect, it } from 'vitest';
import { stallBound } from '../../../../providers/local/leases.ts';
import { parseConfig } from '../../../../src/config/parse.ts';
import { PROFILES } from '../../../../src/config/profiles.ts';

/** @param guardianTimeout absent: the default */
function parse(guardianTimeout?: string) {
  const written = guardianTimeout === undefined ? '' : `, guardian_timeout: ${guardianTimeout}`;
  const text = [
    'cluster: web',
    'group: { peers: { a: 10.0.0.1 }, insecure: true }',
    `providers: { local: { interface: eth0${written} } }`,
    'vips: { one: 10.0.0.100 }',
  ].join('\n');
  return parseConfig(text, { fileName: 'test.yaml', hostName: 'a' });
}

describe('guardian_timeout', () => {
  it('may be 500 ms', () => {
    expect(parse('500ms')).toMatchObject({ ok: true });
  });

  it.each(['200ms', '499ms'])('of %s, so near to the tick of a healthy agent, is refused', (value) => {
    const result = parse(value);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).toContain('out of range, which is from 500ms to 10m');
    expect(JSON.stringify(result)).toContain('guardian_timeout');
  });
});

describe('patience with an agent that stands still', () => {
  /** The agent ticks its guardian so often, ms. */
  const TICK = 200;
  /** A view change, reports, and the first question to the link, on a machine that is not idle, ms. */
  const READY = 80;
  const defaults = () => {
    const result = parse();
    if (!result.ok) throw new Error('refused');
    return result.config;
  };

  it.each(['lan', 'fast'] as const)(
    'by default the guardian acts when the others are ready, profile %s',
    (profile) => {
      const timers = PROFILES[profile];
      // A heartbeat is read up to a probe interval late, and who hangs is waited for one more.
      const noticed = timers.heartbeat_timeout_ms + 2 * timers.probe_interval_ms;
      const { guardian_timeout_ms } = defaults().providers['local'] as { guardian_timeout_ms: number };
      expect(guardian_timeout_ms - TICK).toBeGreaterThanOrEqual(noticed + READY);
    },
  );

  it('nothing goes up any more once the others may have noticed, however patient the guardian', () => {
    const timers = PROFILES.lan;
    const noticedFirst = timers.heartbeat_timeout_ms;
    expect(stallBound(1500)).toBeLessThanOrEqual(noticedFirst);
    expect(stallBound(1000)).toBe(1000);
    expect(stallBound(500)).toBe(500);
    expect(stallBound(60_000)).toBe(40_000);
  });
});
