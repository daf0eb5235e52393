/**
 * Two hosts and a witness. The one that serves with the vote gives it back, since the other has come; that one dies in the same moment, so
 * the vote is wanted again while it is being given back.
 */
import { Stage } from './stage.ts';

export function wantedAgain(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 2, policy: 'primary', witness: true },
    vips: [{ id: 'v1' }, { id: 'v2' }],
  });
  const { world } = stage;
  const [first, second] = stage.hosts as [(typeof stage.hosts)[0], (typeof stage.hosts)[0]];
  const die = () => second.agent?.die({ kernelTells: true });
  stage.boot();
  stage.hold('served', stage.unserved());
  world.disturb(stage.hosts, 'crash');
  die();
  stage.pass(15_000);
  stage.hold('served', stage.unserved());
  let met = false;
  world.observers.push({
    viewInstalled(agent, view) {
      if (agent.host !== first || view.members.length < 2 || met) return;
      met = true;
      world.agenda.after(world.random.between(2, 12), die);
    },
  });
  world.start(second);
  stage.pass(15_000);
  stage.hold('met', met ? undefined : 'the two did not meet');
  stage.hold('wanted-again', stage.unserved());
}
