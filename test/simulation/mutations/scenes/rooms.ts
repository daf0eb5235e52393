/** Hosts in a cloud with few slots: a VIP that fits nowhere is made room for, and nobody asks for more than it has room for. */
import { Stage } from './stage.ts';

/** The last one may only be where the first two want to be: one of them has to go elsewhere. */
export function roomToMake(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 3, policy: 'primary', clouds: 'all' },
    vips: [
      { id: 'v1', prefer: ['h02'] },
      { id: 'v2', prefer: ['h02'] },
      { id: 'v3', constraints: { zones: ['c'] } },
    ],
    placeOf: (index) => ({ zone: ['a', 'b', 'c'][index]! }),
    cloudOf: () => ({ slots: 2 }),
  });
  stage.boot();
  stage.expect('served', 5_000, () => stage.unserved());
}

const REFUSAL = 'exceed the limit';

/** One VIP goes to a host that is full until the other has left it, again and again. */
export function fullHouse(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 3, policy: 'primary', clouds: 'all' },
    vips: ['v1', 'v2', 'v3', 'v4'].map((id) => ({ id })),
    cloudOf: () => ({ slots: 2 }),
  });
  stage.boot();
  stage.expect('served', 5_000, () => stage.unserved());
  for (let round = 0; round < 8; round++) {
    const full = stage.hosts.find(({ addresses }) => addresses.size === 2);
    const [going, other] = full ? onOrder(stage, full.name) : [undefined, undefined];
    const empty = stage.hosts.find(({ addresses }) => addresses.size < 2);
    if (full === undefined || empty === undefined || going === undefined || other === undefined) break;
    stage.command(full, { kind: 'move', vip: going, to: empty.name });
    // Ordered by now, and hardly released.
    stage.pass(3);
    stage.command(full, { kind: 'move', vip: other, to: full.name });
    stage.pass(1_500);
    stage.hold('room', stage.noted(REFUSAL));
  }
  stage.expect('served', 5_000, () => stage.unserved());
}

/** One of the VIPs of the host, and one that another host has. */
function onOrder(stage: Stage, host: string): readonly (string | undefined)[] {
  const ids = stage.world.vips.map(({ id }) => id);
  const isHere = (id: string) => stage.holdersOf(id)[0] === host;
  return [ids.find(isHere), ids.find((id) => !isHere(id))];
}
