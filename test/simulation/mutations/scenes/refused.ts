/**
 * Two hosts on metal are cut off from each other, and the witness gives its vote to one: the other hears so, and does not keep what it
 * holds until its question would be over anyway.
 */
import { Stage } from './stage.ts';

/** From the cut: the silence is noticed, one gets the vote, the other is told. Its question alone would stay open for 2 s. */
const TOLD_MAX = 1_500;

export function refused(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 2, policy: 'primary', witness: true },
    vips: [{ id: 'v1' }, { id: 'v2' }],
  });
  const [first, second] = stage.hosts as [(typeof stage.hosts)[0], (typeof stage.hosts)[0]];
  stage.boot();
  stage.hold('served', stage.unserved());
  stage.cutOff([first]);
  stage.expect('refused', TOLD_MAX, () => {
    const owner = stage.world.witness.owner;
    const other = owner.startsWith(`${first.name}#`) ? second : first;
    if (owner === '') return 'nobody has the vote';
    return other.addresses.size > 0 ? `${other.name} holds VIPs, and the vote is with ${owner}` : undefined;
  });
  stage.expect('served', 12_000, () => stage.unserved());
}
