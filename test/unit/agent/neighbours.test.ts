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

const AGAIN = 10_000;
const told = (...neighbours: readonly KnownNeighbour[]) =>
  ({ ...TOLD, event: { kind: 'neighbours', neighbours, again: AGAIN } }) as const;
const [FIRST, SECOND]: readonly KnownNeighbour[] = [
  ['10.0.0.9', '02:00:00:00:00:09'],
  ['10.0.0.8', '02:00:00:00:00:08'],
] as const;

describe('neighbours that a provider tells of again and again', () => {
  const said = (...neighbours: readonly KnownNeighbour[]) => [
    { kind: 'multicast', message: { kind: 'neighbours', neighbours } },
  ];

  it('are told to the group when they are news, and again after a while', () => {
    const w = together(world());
    w.run(200);
    const { agent } = w.host('a');
    const at = w.now;
    expect(agent.handle(told(FIRST), at)).toEqual(said(FIRST));
    expect(agent.handle(told(FIRST), at + 1)).toEqual([]);
    expect(agent.handle(told(FIRST, SECOND), at + 2)).toEqual(said(SECOND));
    const moved = ['10.0.0.9', '02:00:00:00:00:07'] as const;
    expect(agent.handle(told(moved, SECOND), at + 3)).toEqual(said(moved));
    expect(agent.handle(told(FIRST, SECOND), at + AGAIN)).toEqual(said(FIRST));
    expect(agent.handle(told(FIRST, SECOND), at + AGAIN + 2)).toEqual(said(SECOND));
  });

  it('are all told anew when somebody has joined, and not when somebody went', () => {
    const w = together(world());
    w.run(200);
    const { agent } = w.host('a');
    agent.handle(told(FIRST), w.now);
    w.form([w.host('a').id, w.host('b').id], 'host');
    w.run(200);
    expect(agent.handle(told(FIRST), w.now)).toEqual([]);
    together(w);
    w.run(200);
    expect(agent.handle(told(FIRST), w.now)).toEqual(said(FIRST));
  });

  it('that are more than can be remembered are told too often rather than kept', () => {
    const w = together(world());
    w.run(200);
    const { agent } = w.host('a');
    agent.handle(told(FIRST), w.now);
    for (let at = 0; at < 16; at += 1) {
      const many = Array.from(
        { length: 512 },
        (_, n) => [`10.${at + 1}.${n >> 8}.${n & 255}`, '02:00:00:00:00:09'] as const,
      );
      expect(agent.handle(told(...many), w.now)).toEqual(said(...many));
    }
    expect(agent.handle(told(FIRST), w.now)).toEqual(said(FIRST));
  });
});

describe('messages that cannot be read', () => {
  it('are counted, and logged once for each sender', () => {
    const w = together(world());
    w.run(200);
    const { agent } = w.host('b');
    const hear = (from: string) => {
      const bytes = new TextEncoder().encode('{"v":1,"kind":"of another release"}');
      const event = { kind: 'message', sender: w.host(from).id, bytes } as const;
      return agent.handle({ kind: 'group', event }, w.now).map((action) => 'what' in action && action.what);
    };
    expect([hear('c'), hear('c'), hear('a'), hear('a'), hear('c')]).toEqual([
      ['message ignored'],
      [],
      ['message ignored'],
      [],
      [],
    ]);
    expect(agent.status(w.now, 0).counters['messages_malformed']).toBe(5);
    // It came back as somebody else; here under the same name.
    w.form([w.host('a').id, w.host('b').id], 'host');
    together(w);
    w.run(200);
    expect(hear('c')).toEqual(['message ignored']);
  });
});

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
