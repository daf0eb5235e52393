/** An engine that says itself who is primary: its word counts, the votes do not, and all members act on it in the view that stands. */
import { Stage } from './stage.ts';

export function decreed(seed: number): void {
  const stage = new Stage({
    seed,
    wishes: { members: 3, policy: 'primary' },
    vips: [{ id: 'v1' }, { id: 'v2' }, { id: 'v3' }],
    // By the votes all three are too few, or enough.
    quorum: { votes: {}, ...(seed % 2 === 1 && { expected_votes: 7 }) },
  });
  const say = (primary: boolean, hosts = stage.hosts) => {
    stage.world.disturb(stage.hosts, `decreed: ${primary}`);
    for (const host of hosts) stage.say(host, { kind: 'quorum', primary, reason: 'the site says so' });
  };
  const held = (hosts = stage.hosts) =>
    hosts.some(({ addresses }) => addresses.size > 0) ? 'a part that is not primary holds VIPs' : undefined;
  stage.boot();
  stage.hold('decreed', seed % 2 === 1 ? held() : stage.unserved());
  say(true);
  stage.expect('decreed', 3_000, () => stage.unserved());
  say(false);
  stage.expect('decreed', 500, held);
  say(true);
  stage.expect('decreed', 3_000, () => stage.unserved());
  // The few are primary where the engine's rule says it, and the many are not.
  const [first, ...others] = stage.hosts as [(typeof stage.hosts)[0], ...typeof stage.hosts];
  stage.cutOff([first]);
  stage.pass(20);
  say(false, others);
  say(true, [first]);
  stage.expect('decreed', 500, () => held(others));
  stage.expect('decreed', 8_000, () => stage.unserved());
  stage.hold('decreed', held(others));
}
