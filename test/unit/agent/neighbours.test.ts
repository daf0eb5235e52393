/** What one member's kernel knows of its neighbours reaches the providers of the others, and decides nothing. */
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../src/agent/messages.ts';
import { memberId } from '../../../src/model/member.ts';
import type { KnownNeighbour } from '../../../src/model/neighbour.ts';
import { together, world } from './stage.ts';

const NEIGHBOURS: readonly KnownNeighbour[] = [['10.0.0.9', '02:00:00:00:00:09']];
const TOLD = {
  kind: 'provider',
  provider: 'memory',
  event: { kind: 'neighbours', neighbours: NEIGHBOURS },
} as const;

describe('neighbours that a provider tells of', () => {
  it('are told to the group, and on arrival to the others’ providers', () => {
    const w = together(world());
    w.run(200);
    const { agent, id } = w.host('a');
    const message = { kind: 'neighbours', neighbours: NEIGHBOURS };
    expect(agent.handle(TOLD, w.now)).toEqual([{ kind: 'multicast', message }]);
    const bytes = encodeMessage({ kind: 'neighbours', neighbours: NEIGHBOURS });
    const arrival = { kind: 'group', event: { kind: 'message', sender: id, bytes } } as const;
    expect(w.host('b').agent.handle(arrival, w.now)).toEqual([message]);
    expect(agent.handle(arrival, w.now)).toEqual([]);
  });

  it('are told to nobody where nobody is', () => {
    const w = world();
    w.form([w.host('a').id], 'host');
    w.run(200);
    expect(w.host('a').agent.handle(TOLD, w.now)).toEqual([]);
  });

  it('change nothing where they cannot be read', () => {
    const w = together(world());
    w.run(200);
    const bytes = new TextEncoder().encode(
      JSON.stringify({ v: 1, kind: 'neighbours', neighbours: [['10.0.0.9', 'ff:ff:ff:ff:ff:ff']] }),
    );
    const sender = memberId('c', w.host('c').id.slice(-16));
    const actions = w
      .host('b')
      .agent.handle({ kind: 'group', event: { kind: 'message', sender, bytes } }, w.now);
    expect(actions.map(({ kind }) => kind)).toEqual(['note']);
  });
});
