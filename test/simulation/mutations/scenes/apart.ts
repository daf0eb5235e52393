/** VIPs of one spread group: in different zones as long as the load allows it, also after one of their hosts has gone. */
import { Stage } from './stage.ts';

const ZONES = ['a', 'a', 'b', 'b'];

export function apart(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 4, policy: 'component' },
    vips: [
      { id: 'v1', constraints: { spread: 'twins' } },
      { id: 'v2', constraints: { spread: 'twins' } },
    ],
    placeOf: (index) => ({ zone: ZONES[index]! }),
  });
  const together = () => {
    const unserved = stage.unserved();
    if (unserved !== undefined) return unserved;
    const zones = ['v1', 'v2'].map(
      (id) => ZONES[stage.hosts.findIndex(({ name }) => stage.holdersOf(id)[0] === name)],
    );
    return zones[0] === zones[1] ? `v1 and v2 are both in zone ${zones[0]}` : undefined;
  };
  stage.boot();
  stage.hold('apart', together());
  // Of the two that are free now, one is in the zone of the other VIP, and comes first by name.
  stage.world.disturb(stage.hosts, 'power');
  stage.hosts.find(({ name }) => name === stage.holdersOf('v2')[0])?.powerOff();
  stage.expect('apart', 8_000, together);
}
