/**
 * Two hosts in a cloud and a witness. One of them, cut off from the other, was started late, so that its epoch is high, and served
 * under it with the vote. It loses power: the other gets the vote, and has to act under a higher fence than that, though the epoch of
 * its own view is low.
 */
import { Stage } from './stage.ts';

export function staleFence(seed: number): void {
  // Where agents know about when it is when they start.
  const clocked = seed * 7;
  const stage = new Stage({
    seed: clocked,
    wishes: { members: 2, policy: 'primary', clouds: 'all', witness: true },
    vips: [{ id: 'v1' }, { id: 'v2' }],
    cloudOf: () => ({ slots: undefined }),
  });
  const [early, late] = stage.hosts as [(typeof stage.hosts)[0], (typeof stage.hosts)[0]];
  const on = (name: string) => () => {
    const elsewhere = ['v1', 'v2'].filter((id) => stage.holdersOf(id).join() !== name);
    return elsewhere.length === 0
      ? undefined
      : `${elsewhere.join(' and ')} is not on ${name}, which has the vote alone`;
  };
  stage.boot();
  stage.hold('served', stage.unserved());
  stage.cutOff([late]);
  stage.world.disturb(stage.hosts, 'power');
  early.powerOff();
  late.powerOff();
  stage.pass(20_000);
  stage.world.start(late);
  stage.expect('served', 40_000, on(late.name));
  stage.world.disturb(stage.hosts, 'power');
  late.powerOff();
  early.remembersEpoch = true;
  stage.world.start(early);
  stage.expect('fence', 40_000, on(early.name));
}
