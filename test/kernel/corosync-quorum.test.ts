/**
 * Who is primary where corosync decides: a site of two nodes, first with `two_node` and what comes with it, then with a quorum device on
 * a third host. The stories are told of one lab, each from where the last one left it: both serve.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { monotonicNow } from '../../src/platform/clock.ts';
import { NO_DEVICE, QuorumDevice } from './corosync-device.ts';
import { NO_COROSYNC } from './corosync-site.ts';
import { PATIENCE, RING_MAX, Stage, TEST_MAX } from './corosync-stage.ts';
import {
  answered,
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  expectSurvived,
  HANDOFF_MAX,
  heldBy,
} from './vocabulary.ts';

const NODES = ['a', 'b'];
const QUORUM = ['provider: corosync_votequorum'];
/** Where qnetd is, which is no node. */
const DEVICE = 'c';
const DEVICE_TIMES = { timeout: 1000, sync: 3000 };
/** What corosync says when its side has lost. */
const LOST = 'within the non-primary component';
/** The new ring waits for qnetd, and qnetd for the node it does not hear any more; ms. */
const DECIDED_MAX = RING_MAX + 2 * DEVICE_TIMES.sync + DEVICE_TIMES.timeout;
/** A loss within a ring is known when the heartbeat to qnetd is overdue, and its word counts no more; ms. */
const DEVICE_LOST_MAX = 3 * DEVICE_TIMES.timeout + RING_MAX;
/** Releasing takes milliseconds; nothing else would make an agent let go within seconds. */
const RELEASED_MAX = 1500;
/** The daemon notes when it said something by the wall clock, in whole milliseconds, and that clock may be corrected meanwhile; ms. */
const CLOCKS_APART = 100;
/** After a cut: no ring yet, and the device would be missed only after the ring has come, ms. */
const RING_IS_FORMING = 1100;
/** To see that nothing comes, ms. */
const WHILE = 1500;

const stage = new Stage();

async function bothServe(): Promise<void> {
  const { cluster } = stage;
  await cluster.joined(NODES);
  await cluster.balanced(NODES);
  await answered(cluster);
}

/** Nobody but these holds anything. */
async function holdNothing(hosts: readonly string[]): Promise<void> {
  await eventually(
    `${hosts.join(' and ')} hold nothing`,
    async () => (await Promise.all(hosts.map((host) => heldBy(stage.cluster, host)))).flat().length === 0,
    DEVICE_LOST_MAX,
  );
}

/** The agent of the host let go of everything, as soon as its daemon said that its side has lost. */
async function expectReleasedAtOnce(
  host: string,
  { since, stall }: { since: number; stall: number },
): Promise<void> {
  const said = stage.site.saidAt(host, LOST);
  expect(said, `${LOST}, says the daemon of ${host}`).toBeGreaterThan(since - CLOCKS_APART);
  const after = await stage.releasedAfter(host, since);
  expect(after, `${host} holds nothing any more`).toBeDefined();
  expect(since + after! - said!, 'until the agent let go of everything (ms)').toBeLessThan(
    RELEASED_MAX + stall,
  );
}

describe.skipIf(NO_COROSYNC !== undefined)('primary by corosync: two nodes', () => {
  beforeAll(
    () =>
      stage.build(
        { policy: 'primary' },
        { transport: 'knet', nodes: NODES, quorum: [...QUORUM, 'two_node: 1'] },
      ),
    TEST_MAX,
  );
  afterAll(() => stage.close());

  stage.tell(
    'wait_for_all: after a boot nothing is served until both have been seen, and then at once',
    async () => {
      const { cluster, site } = stage;
      await site.start('a');
      cluster.agent('a').start();
      await cluster.joined(['a']);
      await sleep(WHILE);
      const status = await cluster.agent('a').status();
      expect(status).toMatchObject({ primary: false });
      expect(await heldBy(cluster, 'a')).toEqual([]);
      await site.start('b');
      await cluster.served([['a']]);
      cluster.agent('b').start();
      await cluster.joined(NODES);
      await bothServe();
    },
  );

  stage.tell('two_node: one host dies, the survivor serves everything', async () => {
    const { cluster, site } = stage;
    const victim = await expectSurvived(cluster, (name) => cluster.host(name).powerOff(), {
      outageBelow: RING_MAX,
    });
    await cluster.host(victim).powerOn();
    const back = await during(cluster, async () => {
      await site.start(victim);
      cluster.agent(victim).start();
      await bothServe();
    });
    expectNeverTwo(back);
    expectOutageBelow(back, HANDOFF_MAX);
  });

  describe.skipIf(NO_DEVICE !== undefined)('with a quorum device', () => {
    let device: QuorumDevice;

    beforeAll(async () => {
      const { cluster, site } = stage;
      for (const name of NODES) {
        await cluster.agent(name).stop();
        await site.signal(name, 'SIGTERM');
      }
      device = new QuorumDevice(cluster.observatory.lab, DEVICE);
      await device.certify('lab', NODES);
      site.setQuorum([...QUORUM, ...device.lines(DEVICE_TIMES)]);
      await device.startServer();
      await site.startAll();
      for (const name of NODES) device.startClient(name);
      for (const name of NODES) cluster.agent(name).start();
      await bothServe();
      await eventually(
        'the device has its vote in',
        async () => (await Promise.all(NODES.map(votesOf))).every((votes) => votes === 3),
        PATIENCE,
      );
    }, TEST_MAX);

    async function votesOf(name: string): Promise<number> {
      const { stdout } = await stage.cluster.host(name).exec(['corosync-quorumtool', '-s']);
      return Number(/Total votes: +(\d+)/.exec(stdout)?.[1]);
    }

    for (const [side, lost] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const)
      stage.tell(
        `cut with the device on the side of ${side}: ${side} serves, ${lost} lets go at once`,
        async () => {
          const { cluster } = stage;
          const since = monotonicNow();
          const split = await during(cluster, async () => {
            await cluster.observatory.lab.partition([[side, DEVICE], [lost]]);
            await cluster.served([[side]], DECIDED_MAX);
          });
          expectNeverTwo(split);
          expectOutageBelow(split, DECIDED_MAX);
          await expectReleasedAtOnce(lost, { since, stall: split.stall_ms });
          const healed = await during(cluster, async () => {
            await cluster.observatory.lab.heal();
            await bothServe();
          });
          expectNeverTwo(healed);
          expectOutageBelow(healed, HANDOFF_MAX);
        },
      );

    stage.tell(
      'the device dies while the nodes are apart: nobody is primary any more, though no ring changes; it is back: so is who has its vote',
      async () => {
        const { cluster } = stage;
        await cluster.observatory.lab.partition([['a', DEVICE], ['b']]);
        await cluster.served([['a']], DECIDED_MAX);
        const since = monotonicNow();
        const dead = await during(cluster, async () => {
          await device.signal(DEVICE, 'SIGKILL');
          await holdNothing(NODES);
        });
        await expectReleasedAtOnce('a', { since, stall: dead.stall_ms });
        await device.startServer();
        await cluster.served([['a']], DECIDED_MAX);
        await cluster.observatory.lab.heal();
        await bothServe();
      },
    );

    stage.tell(
      'the device of a stands still while its ring waits for it: a keeps what it has until its corosync says that it has lost',
      async () => {
        const { cluster, site } = stage;
        const since = monotonicNow();
        await cluster.observatory.lab.partition([['a', DEVICE], ['b']]);
        await sleep(RING_IS_FORMING);
        device.freeze('a', true);
        const said = () => site.saidAt('a', LOST) ?? 0;
        await eventually(`${LOST}, says the daemon of a`, () => said() > since, DECIDED_MAX);
        await holdNothing(['a']);
        device.freeze('a', false);
        const after = await stage.releasedAfter('a', since);
        console.log(`lost after ${(said() - since).toFixed(0)} ms, released after ${after!.toFixed(0)} ms`);
        expect(since + after!, 'a let go before it had lost').toBeGreaterThan(said() - CLOCKS_APART);
        await cluster.observatory.lab.heal();
        await bothServe();
      },
    );
  });
});
