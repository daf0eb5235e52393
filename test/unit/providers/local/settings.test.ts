/** Settings that the provider could not live by are refused where they are read. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config/parse.ts';

function parse(guardianTimeout: string) {
  const text = [
    'cluster: web',
    'group: { peers: { a: 10.0.0.1 }, insecure: true }',
    `providers: { local: { interface: eth0, guardian_timeout: ${guardianTimeout} } }`,
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
