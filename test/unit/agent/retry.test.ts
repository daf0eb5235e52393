/** When an acquire that failed is tried again, and who has to hear of it. */
import { describe, expect, it } from 'vitest';
import { Agent } from '../../../src/agent/agent.ts';
import type { AgentAction, AgentEvent } from '../../../src/agent/events.ts';
import { type AgentMessage, encodeMessage } from '../../../src/agent/messages.ts';
import { memberId } from '../../../src/model/member.ts';
import { viewId } from '../../../src/model/view.ts';
import { config, vips } from './config.ts';
import { quiet } from './stage.ts';
import { outcome } from './world.ts';

const self = memberId('a', '0'.repeat(16));
const traits = { families: [4], scope: 'link', atomicTakeover: false, leaseBound: 4_100 } as const;

/** A member alone whose messages come back when the test says so. */
function lone() {
  const settings = config({ member: 'a', members: ['a'], vips: vips(1), overrides: quiet });
  const agent = new Agent({ config: settings, traits: new Map([['memory', traits]]), version: '0' });
  let waiting: AgentMessage[] = [];
  const give = (event: AgentEvent, now: number): readonly AgentAction[] => {
    const actions = agent.handle(event, now);
    waiting.push(...actions.flatMap((action) => (action.kind === 'multicast' ? [action.message] : [])));
    return actions;
  };
  const echo = (now: number): readonly AgentAction[] => {
    const sent = waiting;
    waiting = [];
    return sent.flatMap((message) =>
      give({ kind: 'group', event: { kind: 'message', sender: self, bytes: encodeMessage(message) } }, now),
    );
  };
  const view = (epoch: number, now: number) =>
    give(
      {
        kind: 'group',
        event: {
          kind: 'view',
          view: { id: viewId(epoch, self), epoch, members: [self], cause: 'join', joined: [], departed: [] },
        },
      },
      now,
    );
  give({ kind: 'joining', self }, 0);
  return { agent, give, echo, view, said: () => waiting.map(({ kind }) => kind) };
}

const kinds = (actions: readonly AgentAction[]) => actions.map(({ kind }) => kind);

describe('an acquire that failed', () => {
  it('is tried again when its time came while reports were collected, as soon as they are in', () => {
    const { agent, give, echo, view, said } = lone();
    view(1, 0);
    expect(kinds(echo(1))).toContain('acquire');
    give({ kind: 'acquired', outcomes: [outcome('v1', false, { code: 'failed', reason: 'no' })] }, 2);
    echo(3);
    view(2, 4);
    const due = 60_000;
    give({ kind: 'timeout' }, due);
    expect(said()).not.toContain('retry');
    echo(due + 1);
    expect(agent.nextTimeout()).toBeLessThanOrEqual(due + 1);
    give({ kind: 'timeout' }, due + 1);
    expect(said()).toContain('retry');
    expect(kinds(echo(due + 2))).toContain('acquire');
  });

  it('asks for no time of its own while nobody can be told', () => {
    const { agent, give, echo, view } = lone();
    view(1, 0);
    echo(1);
    give({ kind: 'acquired', outcomes: [outcome('v1', false, { code: 'failed', reason: 'no' })] }, 2);
    echo(3);
    view(2, 4);
    give({ kind: 'timeout' }, 60_000);
    expect(agent.nextTimeout() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(60_000);
  });
});
