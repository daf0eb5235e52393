import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HookQueue, type Telling } from '../../../src/hooks/hook-queue.ts';

interface Named extends Telling {
  readonly name: string;
}

const joined = (earlier: Named, later: Named): Named => ({
  ...later,
  vips: [...new Set([...earlier.vips, ...later.vips])],
  name: `${earlier.name}+${later.name}`,
});

function queue(parallel = 4) {
  const q = new HookQueue<Named>(() => parallel, joined);
  const running: Named[] = [];
  const told: string[] = [];
  const go = () => {
    for (const telling of q.next()) {
      running.push(telling);
      told.push(telling.name);
    }
  };
  const add = (event: Named['event'], ...vips: string[]) => {
    q.add({ event, vips, name: `${event} ${vips.join()}` });
    go();
  };
  const end = (index = 0) => {
    const [telling] = running.splice(index, 1);
    if (telling !== undefined) q.done(telling);
    go();
  };
  const finish = () => {
    while (running.length > 0) end();
  };
  return { q, running, told, add, end, finish };
}

describe('HookQueue', () => {
  test('tells different VIPs at once, as many as allowed', () => {
    const { told, add, end, finish } = queue(2);
    for (const vip of ['a', 'b', 'c']) add('on_up', vip);
    expect(told).toEqual(['on_up a', 'on_up b']);
    end();
    expect(told).toEqual(['on_up a', 'on_up b', 'on_up c']);
    finish();
  });

  test('keeps a going before the coming after it', () => {
    const { told, add, finish } = queue();
    add('on_up', 'a');
    add('on_down', 'a');
    add('on_up', 'a');
    expect(told).toEqual(['on_up a']);
    finish();
    expect(told).toEqual(['on_up a', 'on_down a', 'on_up a']);
  });

  test('drops a coming nobody heard of with the going that undoes it', () => {
    const { q, told, add, finish } = queue();
    add('on_down', 'a');
    add('on_up', 'a');
    add('on_down', 'a');
    finish();
    expect([told, q.coalesced, q.waiting]).toEqual([['on_down a'], 2, 0]);
  });

  test('lets no more than two wait for a VIP, whatever happens to it', () => {
    const { q, told, add, finish } = queue();
    add('on_up', 'a');
    for (let round = 0; round < 100; round++) {
      add('on_down', 'a');
      add('on_up', 'a');
    }
    expect(q.waiting).toBe(2);
    finish();
    expect(told).toEqual(['on_up a', 'on_down a', 'on_up a']);
    expect(q.coalesced).toBe(198);
  });

  test('tells the end of a round after all of the round, whatever else waits', () => {
    const { told, add, end, finish } = queue(1);
    add('on_up', 'a');
    add('on_up', 'b');
    add('post_up', 'a', 'b');
    add('on_down', 'a');
    end();
    expect(told).toEqual(['on_up a', 'on_up b']);
    finish();
    expect(told.indexOf('post_up a,b')).toBeGreaterThan(1);
  });

  test('joins the ends of rounds that wait', () => {
    const { told, add, finish } = queue(1);
    add('on_up', 'a');
    add('post_up', 'a');
    add('on_up', 'b');
    add('post_up', 'b');
    finish();
    expect(told).toEqual(['on_up a', 'on_up b', 'post_up a+post_up b']);
  });

  test('does not wait at the end of a round for a coming that was undone', () => {
    const { told, add, finish } = queue(1);
    add('on_down', 'x');
    add('on_up', 'a');
    add('post_up', 'a');
    add('on_down', 'a');
    finish();
    expect(told).toEqual(['on_down x', 'post_up a']);
  });
});

const STEPS = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('turn' as const), vip: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constant('post' as const) }),
    fc.record({ kind: fc.constant('end' as const), index: fc.nat(3) }),
  ),
  { maxLength: 60 },
);

test('whatever happens at whatever pace: each VIP hears in turn, ends with the truth, and rounds end after what they are about', () => {
  fc.assert(
    fc.property(STEPS, fc.integer({ min: 1, max: 3 }), (steps, parallel) => {
      const { q, running, told, add, end, finish } = queue(parallel);
      const up = new Map<string, boolean>();
      let round: string[] = [];
      for (const step of steps) {
        if (step.kind === 'end') end(Math.min(step.index, Math.max(0, running.length - 1)));
        else if (step.kind === 'turn') {
          up.set(step.vip, up.get(step.vip) !== true);
          add(up.get(step.vip) === true ? 'on_up' : 'on_down', step.vip);
          round.push(step.vip);
        } else if (round.length > 0) {
          add('post_up', ...new Set(round));
          round = [];
        }
        if (running.length > parallel) throw new Error('too many at once');
        if (q.waiting > 2 * 3 + 2) throw new Error(`${q.waiting} wait`);
        const busy = running.map(({ vips }) => vips[0]);
        if (
          new Set(busy.filter((_, at) => !running[at]!.event.startsWith('post'))).size !==
          busy.filter((_, at) => !running[at]!.event.startsWith('post')).length
        )
          throw new Error('a VIP is told two things at once');
      }
      finish();
      for (const [vip, isUp] of up) {
        const heard = told.filter((name) => name === `on_up ${vip}` || name === `on_down ${vip}`);
        for (const [at, name] of heard.entries())
          if (name === heard[at - 1] || (at === 0 && name.startsWith('on_down')))
            throw new Error(`out of turn: ${heard.join()}`);
        const last = heard.at(-1);
        if ((last === `on_up ${vip}`) !== isUp) throw new Error(`${vip} is ${isUp} and heard ${last}`);
      }
      return q.waiting === 0 && q.running === 0;
    }),
    { numRuns: 300 },
  );
});
