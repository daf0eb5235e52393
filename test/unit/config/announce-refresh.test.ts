import { describe, expect, it } from 'vitest';
import { file, parse, problemsOf } from './parse-text.ts';

const COROSYNC = '{ engine: corosync, members: [a, b] }';
const SPREAD = '{ engine: spread, members: [a, b] }';

function refreshOf(group: string | undefined, local: string): number | undefined {
  const changes = { providers: `{ local: ${local} }`, ...(group !== undefined && { group }) };
  const result = parse(file(changes));
  if (!result.ok) throw new Error(problemsOf(file(changes)).join('\n'));
  const [provider] = Object.values(result.config.providers);
  return provider?.kind === 'local' ? provider.announce_refresh_ms : undefined;
}

describe('providers.local.announce_refresh', () => {
  it('is 3 s where another engine carries the group, and off with our own', () => {
    expect(refreshOf(COROSYNC, '{ interface: eth0 }')).toBe(3000);
    expect(refreshOf(SPREAD, '{ interface: eth0 }')).toBe(3000);
    expect(refreshOf(undefined, '{ interface: eth0 }')).toBeUndefined();
  });

  it('is what the file says, 0s being off with every engine', () => {
    expect(refreshOf(undefined, '{ interface: eth0, announce_refresh: 10s }')).toBe(10_000);
    expect(refreshOf(COROSYNC, '{ interface: eth0, announce_refresh: 0s }')).toBeUndefined();
  });

  it('is refused where it would be a flood, with its place and how to mend it', () => {
    const text = file({ providers: '{ local: { interface: eth0, announce_refresh: 499ms } }' });
    const result = parse(text);
    expect(result.ok).toBe(false);
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^3:\d+ providers\.local\.announce_refresh: is a flood of announcements/),
    ]);
    expect(refreshOf(undefined, '{ interface: eth0, announce_refresh: 500ms }')).toBe(500);
  });
});
