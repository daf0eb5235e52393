/** A member that learns that its part is not primary lets go by itself, though another one hangs and the reports are not all in. */
import { Stage } from './stage.ts';

export function outvoted(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 3, policy: 'primary' },
    vips: [{ id: 'v1' }, { id: 'v2' }, { id: 'v3' }],
  });
  const [first, second] = stage.hosts as [(typeof stage.hosts)[0], (typeof stage.hosts)[0]];
  stage.boot();
  stage.hold('served', stage.unserved());
  stage.world.disturb(stage.hosts, 'outvoted');
  // The reports of all are waited for half a second.
  second.agent?.main.stall();
  stage.say(first, { kind: 'quorum', primary: false, reason: 'the site says so' });
  stage.expect('outvoted', 250, () =>
    first.addresses.size > 0 ? `${first.name} holds VIPs without a quorum` : undefined,
  );
  second.agent?.main.resume();
}
