import { describe, expect, it } from 'vitest';
import { viewId } from '../../../src/model/view.ts';
import { vips } from './config.ts';
import { quiet, together, world } from './stage.ts';

/** What `a`, of three, does in the very call in which it learns that it is alone. */
function whenAlone(policy: 'primary' | 'component'): string[] {
  const w = together(world({ list: vips(3, { policy }), overrides: quiet }));
  w.run(300);
  const { agent, id, up } = w.host('a');
  expect(up.size).toBe(1);
  const departed = ['b', 'c'].map((name) => ({ member: w.host(name).id, how: 'host' as const }));
  const view = {
    id: viewId(99, id),
    epoch: 99,
    members: [id],
    cause: 'network',
    joined: [],
    departed,
  } as const;
  return agent.handle({ kind: 'group', event: { kind: 'view', view } }, w.now).map(({ kind }) => kind);
}

describe('a member that finds itself without a quorum', () => {
  it('releases what needs one at once, before anybody has reported', () => {
    expect(whenAlone('primary')).toContain('release');
  });

  it('keeps what needs none', () => {
    expect(whenAlone('component')).not.toContain('release');
  });
});
