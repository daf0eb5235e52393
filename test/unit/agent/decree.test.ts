/** Who is primary where the group's engine has a rule of its own: it counts, and the votes of the configuration do not. */
import { describe, expect, it } from 'vitest';
import { config, vips } from './config.ts';
import type { Host } from './world.ts';
import { World } from './world.ts';

const HOSTS = ['a', 'b', 'c'];

/** VIPs of policy `primary`, though the two members that meet are no majority of the five that may be there. */
function scene(): { w: World; say: (name: string, primary: boolean) => void } {
  const list = vips(4).map((vip) => ({ ...vip, policy: 'primary' as const }));
  const quorum = { votes: {}, expected_votes: 7 };
  const configOf = (member: string) => config({ member, members: HOSTS, vips: list, overrides: { quorum } });
  const w = new World({ seed: 1, hosts: HOSTS, configOf });
  const say = (name: string, primary: boolean): void =>
    w.give(w.host(name), {
      kind: 'group',
      event: { kind: 'quorum', primary, reason: primary ? 'the site says so' : 'the site says no' },
    });
  return { w, say };
}

const form = (w: World): void =>
  w.form(
    HOSTS.map((name) => w.host(name).id),
    'host',
  );
const up = (w: World, names = HOSTS): number => names.reduce((sum, name) => sum + held(w.host(name)), 0);
const held = (host: Host): number => host.up.size;

describe('an engine that says who is primary', () => {
  it('is believed where the votes say no, once all members hear it', () => {
    const { w, say } = scene();
    form(w);
    w.run(300);
    expect(up(w)).toBe(0);
    say('a', true);
    say('b', true);
    w.run(300);
    expect(up(w)).toBe(0);
    say('c', true);
    w.run(300);
    expect(up(w)).toBe(4);
    expect(w.host('a').agent.table?.quorum).toBe('the site says so');
  });

  it('takes everything away at once, without a word of the others', () => {
    const { w, say } = scene();
    form(w);
    for (const name of HOSTS) say(name, true);
    w.run(300);
    expect(held(w.host('b'))).toBeGreaterThan(0);
    const from = w.actions.length;
    say('b', false);
    const released = w.actions.slice(from).filter(({ action }) => action.kind === 'release');
    expect(released.length).toBeGreaterThan(0);
    w.run(300);
    expect(up(w)).toBe(0);
  });

  it('is asked again in each connection: what an earlier one said does not count', () => {
    const { w, say } = scene();
    form(w);
    for (const name of HOSTS) say(name, true);
    w.run(300);
    expect(up(w)).toBe(4);
    for (const name of HOSTS)
      w.give(w.host(name), { kind: 'group', event: { kind: 'detached', reason: 'test' } });
    w.run(3000);
    form(w);
    w.run(300);
    expect(up(w)).toBe(0);
  });
});
