/**
 * Agents move addresses of a make-believe VPC by the real SDK, and its routing really moves a client's packets: a host dies, loses its
 * cable, stops politely; the group splits while both halves reach the API.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { AwsMode } from '../../src/config/config.ts';
import type { Sections } from '../../src/lab/agent-process.ts';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { VipPlan } from '../../src/lab/plan.ts';
import { CLOUD_DEVICE, CLOUD_ROUTER } from './cloud-router.ts';
import { during, eventually, NO_WORLD, STILL, withAgents } from './vocabulary.ts';
import { API, Vpc } from './vpc.ts';

/** Each agent loads an SDK first, on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

const NO_NFT = spawnSync('nft', ['--version']).error === undefined ? undefined : 'nft is not installed';
/** Detection, view, one look and one call of the API, on a busy machine, ms. */
const CLOUD_TAKEOVER_MAX = 10_000;

/** Of a VIP that moved and of a member that joined, where the test balances, s. */
const HOLD_DOWN_S = 20;

interface Scene {
  readonly cluster: Cluster;
  readonly vpc: Vpc;
}

const plans = (network: string, count: number): readonly VipPlan[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `vip-${at + 1}`,
    family: 4,
    address: `${network}.${101 + at}`,
  }));

/** Nothing moves but by what the test does. */
const withVpc = (mode: AwsMode, vips: readonly VipPlan[], body: (scene: Scene) => Promise<void>) =>
  withVpcAs({ mode, sections: STILL }, vips, body);

async function withVpcAs(
  { mode, sections }: { readonly mode: AwsMode; readonly sections: Sections },
  vips: readonly VipPlan[],
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAIOSFODNN7EXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  await withAgents({ hosts: 3, vips, sections }, async (cluster) => {
    const vpc = await Vpc.open(
      cluster.names,
      vips.map(({ address }) => address),
    );
    try {
      if (mode === 'route') vpc.region.addTable({ tags: { 'wackamole:cluster': 'lab' } });
      if (mode === 'elastic-ip') {
        for (const { address } of vips) vpc.region.addElasticIp(address);
      }
      for (const agent of cluster.agents)
        agent.configure({ providers: providersOf(mode, vpc, agent.host.name) });
      cluster.startAll();
      await eventually(
        'every VIP answers',
        () => vips.every(({ address }) => cluster.observatory.client.up(address)),
        100_000,
      );
      await cluster.joined(cluster.names, 60_000);
      await body({ cluster, vpc });
    } finally {
      await vpc.close();
    }
  });
}

function providersOf(mode: AwsMode, vpc: Vpc, host: string) {
  const eni = vpc.enis.get(host)!;
  const aws = {
    kind: 'aws',
    mode,
    region: vpc.region.name,
    interfaces: [eni.id],
    endpoint: API,
    metadata_endpoint: `http://${CLOUD_ROUTER}:1`,
    ...(mode !== 'elastic-ip' && { guest: { interface: CLOUD_DEVICE } }),
  };
  return { local: undefined, aws };
}

const held = ({ cluster, vpc }: Scene, host: string) =>
  cluster.observatory.addresses.filter((address) => vpc.holder(address) === host);

/** When the agent installed its last view, ms since 1970. */
function lastViewOf(log: string): number {
  const line = log.split('\n').findLast((each) => each.includes('"view installed"'));
  return line === undefined ? 0 : Date.parse((JSON.parse(line) as { time: string }).time);
}

/** Who joined late may hold nothing. */
function busiest(scene: Scene): string {
  return [...scene.cluster.names].sort((a, b) => held(scene, b).length - held(scene, a).length)[0]!;
}

/** Its interface in the VPC is as dead as the one to the other members. */
async function powerOff({ cluster, vpc }: Scene, host: string): Promise<void> {
  await vpc.router.connect(host, false);
  await cluster.host(host).powerOff();
}

async function powerOn({ cluster, vpc }: Scene, host: string): Promise<void> {
  await vpc.router.connect(host, true);
  await cluster.host(host).powerOn();
}

async function takenOver(scene: Scene, victim: string, action: () => Promise<unknown>): Promise<void> {
  const { cluster, vpc } = scene;
  const lost = held(scene, victim);
  expect(lost.length, `${victim} holds something`).toBeGreaterThan(0);
  const from = vpc.region.moves.length;
  const asked = vpc.fake.requests.length;
  const seen = await during(cluster, async () => {
    await action();
    await eventually(
      'others hold what it held',
      () => lost.every((address) => ![undefined, victim].includes(vpc.holder(address))),
      20_000,
    );
    await eventually(
      'the client is served',
      () => lost.every((address) => cluster.observatory.client.up(address)),
      20_000,
    );
  });
  console.log(`${victim}: ${lost.length} VIPs served elsewhere after ${seen.outage_ms.toFixed(0)} ms`);
  const first = vpc.fake.requests
    .slice(asked)
    .find(({ mutating, action }) => mutating && !action.startsWith('Un'));
  const view = Math.max(
    ...cluster.agents
      .filter(({ host }) => host.name !== victim)
      .map((agent) => lastViewOf(agent.logTail(200))),
  );
  if (first !== undefined)
    console.log(
      `first changing call ${(performance.timeOrigin + first.at - view).toFixed(0)} ms after the view`,
    );
  expect(seen.outage_ms).toBeLessThan(CLOUD_TAKEOVER_MAX);
  for (const address of lost) {
    const moved = vpc.region.moves
      .slice(from)
      .filter(({ register, to }) => register.startsWith(address) && to !== undefined);
    expect(moved.length, `moves of ${address}`).toBe(1);
  }
}

describe.skipIf(NO_WORLD !== undefined)('addresses of a VPC', () => {
  it('secondary addresses follow when a host loses power, its cable, and when an agent stops politely', async () => {
    await withVpc('secondary-ip', plans('10.78.1', 6), async (scene) => {
      const { cluster } = scene;
      const dead = busiest(scene);
      await takenOver(scene, dead, () => powerOff(scene, dead));
      const stopped = busiest(scene);
      await powerOn(scene, dead);
      cluster.agent(dead).start();
      await cluster.joined(cluster.names, 60_000);
      await takenOver(scene, stopped, () => cluster.agent(stopped).stop());
    });
  });

  it('when a cable is pulled, and the host on its own gives up', async () => {
    await withVpc('secondary-ip', plans('10.78.1', 6), async (scene) => {
      const victim = busiest(scene);
      await takenOver(scene, victim, () => scene.cluster.host(victim).pullCable());
      await sleep(2000);
      expect(held(scene, victim)).toEqual([]);
    });
  });

  it('routes follow when an agent is killed', async () => {
    await withVpc('route', plans('172.31.0', 3), async (scene) => {
      const victim = busiest(scene);
      await takenOver(scene, victim, async () => scene.cluster.agent(victim).signal('SIGKILL'));
    });
  });

  it('a cable that is out and in for a minute moves nothing more often than hold-down allows', async () => {
    const balance = { interval: '2s', hold_down: `${HOLD_DOWN_S}s` };
    await withVpcAs({ mode: 'secondary-ip', sections: { balance } }, plans('10.78.1', 6), async (scene) => {
      const { cluster, vpc } = scene;
      const victim = busiest(scene);
      const from = vpc.region.moves.length;
      const until = performance.now() + 60_000;
      while (performance.now() < until) {
        await cluster.host(victim).pullCable();
        await sleep(1500);
        await cluster.host(victim).plugCable();
        await sleep(1500);
      }
      const moves = vpc.region.moves.slice(from).filter(({ to }) => to !== undefined);
      const counts = cluster.observatory.addresses.map(
        (address) => moves.filter(({ register }) => register === address).length,
      );
      console.log(`moves in a minute of flapping, by VIP: ${counts.join(' ')}`);
      // Away at once, and in each hold-down back and away at most.
      expect(Math.max(...counts)).toBeLessThanOrEqual(1 + 2 * Math.floor(60 / HOLD_DOWN_S));
      expect(Math.max(...counts), 'something was taken over at all').toBeGreaterThanOrEqual(1);
      await cluster.joined(cluster.names, 60_000);
      await eventually(
        'every VIP answers',
        () => cluster.observatory.addresses.every((address) => cluster.observatory.client.up(address)),
        20_000,
      );
    });
  });

  it('a split that leaves both halves the API moves nothing to the half without a majority', async () => {
    await withVpc('secondary-ip', plans('10.78.1', 6), async (scene) => {
      const { cluster, vpc } = scene;
      const from = vpc.region.moves.length;
      await cluster.observatory.lab.partition([['a', 'b'], ['c']]);
      await eventually(
        'the majority holds all',
        () => held(scene, 'a').length + held(scene, 'b').length === 6,
        20_000,
      );
      await sleep(5000);
      expect(vpc.movesTo('c', from)).toBe(0);
      expect(held(scene, 'c')).toEqual([]);
      for (const address of cluster.observatory.addresses) {
        const moves = vpc.region.moves
          .slice(from)
          .filter(({ register, to }) => register === address && to !== undefined);
        expect(moves.length, `moves of ${address}`).toBeLessThanOrEqual(1);
      }
    });
  });
});

describe.skipIf(NO_WORLD !== undefined || NO_NFT !== undefined)('Elastic IPs of a VPC', () => {
  it('follow when a host loses power', async () => {
    await withVpc('elastic-ip', plans('198.51.100', 3), async (scene) => {
      const victim = busiest(scene);
      await takenOver(scene, victim, () => powerOff(scene, victim));
    });
  });
});
