/**
 * Agents move addresses of a make-believe project by the real SDK, and its routing really moves a client's packets: a host loses power, an
 * agent is killed or stops politely; the group splits while both halves reach the API.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { GcpMode } from '../../src/config/config.ts';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { VipPlan } from '../../src/lab/plan.ts';
import { FakeCompute } from '../cloud/gce/fake-compute.ts';
import { FakeMetadata } from '../cloud/gce/fake-metadata.ts';
import { Project } from '../cloud/gce/project.ts';
import { CLOUD_DEVICE, CLOUD_ROUTER, CLOUD_SUBNET, CloudRouter, type Way } from './cloud-router.ts';
import { during, eventually, NO_WORLD, STILL, withAgents } from './vocabulary.ts';

/** Each agent loads an SDK first, on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

const NO_NFT = spawnSync('nft', ['--version']).error === undefined ? undefined : 'nft is not installed';
const API_PORT = 8474;
/** One a host, from here on. */
const METADATA_PORT = 8500;
/** Detection, view, a look, two changes with their operations, on a busy machine, ms. */
const CLOUD_TAKEOVER_MAX = 10_000;
/** Of the make-believe API, ms; Google's own take seconds. */
const OPERATION = 150;

interface Scene {
  readonly cluster: Cluster;
  readonly cloud: FakeCompute;
  readonly project: Project;
  readonly router: CloudRouter;
}

const plans = (network: string, count: number): readonly VipPlan[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `vip-${at + 1}`,
    family: 4,
    address: `${network}.${101 + at}`,
  }));

async function withProject(
  mode: GcpMode,
  vips: readonly VipPlan[],
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  await withAgents({ hosts: 3, vips, sections: STILL }, async (cluster) => {
    const addresses = vips.map(({ address }) => address);
    const router = await CloudRouter.open(cluster.names, addresses);
    const project = new Project();
    const cloud = new FakeCompute(project);
    const scene = { cluster, cloud, project, router };
    const metadata = await openProject(scene);
    try {
      if (mode === 'external-ip')
        for (const { id, address } of vips) project.state.addresses.set(id, address);
      for (const [at, agent] of cluster.agents.entries())
        agent.configure({ providers: { local: undefined, gcp: section(mode, at) } });
      cluster.startAll();
      const { client } = cluster.observatory;
      await eventually('every VIP answers', () => addresses.every((address) => client.up(address)), 100_000);
      await cluster.joined(cluster.names, 60_000);
      await body(scene);
    } finally {
      await cloud.close();
      await Promise.all(metadata.map((server) => server.close()));
      await router.close();
    }
  });
}

async function openProject({ cluster, project, cloud, router }: Scene): Promise<readonly FakeMetadata[]> {
  cloud.operations.duration = OPERATION;
  project.addSubnet('sub', CLOUD_SUBNET);
  project.onChange(() => router.follow((address) => wayOf(project, address)));
  const servers = cluster.names.map((name, at) => {
    const primary = CloudRouter.addressOf(at);
    const zone = `${project.region}-${'abc'[at]}`;
    return new FakeMetadata(
      cloud,
      project.addInstance(name, { primary, zone, labels: { 'wackamole-cluster': 'lab' } }),
    );
  });
  await router.within(() => cloud.listen(API_PORT));
  for (const [at, server] of servers.entries()) await router.within(() => server.listen(METADATA_PORT + at));
  return servers;
}

function section(mode: GcpMode, at: number) {
  return {
    kind: 'gcp',
    mode,
    endpoint: `http://${CLOUD_ROUTER}:${API_PORT}`,
    metadata_endpoint: `http://${CLOUD_ROUTER}:${METADATA_PORT + at}`,
    ...(mode !== 'external-ip' && { guest: { interface: CLOUD_DEVICE } }),
  };
}

/** An external address leads to the instance's own one. */
function wayOf(project: Project, address: string): Way | undefined {
  const { instances, addresses } = project.state;
  const host = instances.get(project.holders().get(address) ?? '')?.nics[0]?.primary;
  return host === undefined ? undefined : { host, public: [...addresses.values()].includes(address) };
}

const held = ({ cluster, project }: Scene, host: string) =>
  cluster.observatory.addresses.filter((address) => project.holders().get(address) === host);

/** Who joined late may hold nothing. */
const busiest = (scene: Scene) =>
  scene.cluster.names.toSorted((one, other) => held(scene, other).length - held(scene, one).length)[0]!;

/** Its interface in the cloud is as dead as the one to the other members. */
async function powerOff({ cluster, router }: Scene, host: string): Promise<void> {
  await router.connect(host, false);
  await cluster.host(host).powerOff();
}

async function powerOn({ cluster, router }: Scene, host: string): Promise<void> {
  await router.connect(host, true);
  await cluster.host(host).powerOn();
}

/** Does it to a host, and expects others to serve what it held by one move each; how many changes were asked for. */
async function takenOver(scene: Scene, victim: string, action: () => Promise<unknown>): Promise<number> {
  const { cluster, project, cloud } = scene;
  const lost = held(scene, victim);
  expect(lost.length, `${victim} holds something`).toBeGreaterThan(0);
  project.moves.length = 0;
  const before = cloud.mutations.length;
  const seen = await during(cluster, async () => {
    await action();
    const moved = () =>
      lost.every((address) => ![undefined, victim].includes(project.holders().get(address)));
    await eventually('others hold what it held', moved, 30_000);
    const served = () => lost.every((address) => cluster.observatory.client.up(address));
    await eventually('the client is served', served, 20_000);
  });
  const asked = cloud.mutations
    .slice(before)
    .map(({ action, client, reason }) => `${client} ${action} ${reason ?? ''}`);
  console.log(
    `${victim}: ${lost.length} VIPs served elsewhere after ${seen.outage_ms.toFixed(0)} ms, ${asked.length} changes`,
  );
  expect(seen.outage_ms, asked.join('; ')).toBeLessThan(CLOUD_TAKEOVER_MAX);
  for (const address of lost) {
    const moved = project.moves.filter((move) => move.address === address && move.to !== undefined);
    expect(moved.length, `moves of ${address}: ${asked.join('; ')}`).toBe(1);
  }
  return asked.length;
}

describe.skipIf(NO_WORLD !== undefined)('addresses of a project', () => {
  it('aliases follow when a host loses power and when an agent stops politely', async () => {
    await withProject('alias-ip', plans('10.78.1', 6), async (scene) => {
      const { cluster } = scene;
      const dead = busiest(scene);
      // Two of them take from one: a pair of changes each, whatever the number of aliases; one may be asked again, when both see one list.
      expect(await takenOver(scene, dead, () => powerOff(scene, dead))).toBeLessThanOrEqual(4 + 1);
      await powerOn(scene, dead);
      cluster.agent(dead).start();
      await cluster.joined(cluster.names, 60_000);
      const stopped = busiest(scene);
      await takenOver(scene, stopped, () => cluster.agent(stopped).stop());
    });
  });

  it('routes follow when an agent is killed, two changes each', async () => {
    await withProject('route', plans('172.31.0', 3), async (scene) => {
      const victim = busiest(scene);
      const lost = held(scene, victim).length;
      const changes = await takenOver(scene, victim, async () =>
        scene.cluster.agent(victim).signal('SIGKILL'),
      );
      expect(changes).toBe(2 * lost);
    });
  });

  it('a split that leaves both halves the API moves nothing to the half without a majority', async () => {
    await withProject('alias-ip', plans('10.78.1', 6), async (scene) => {
      const { cluster, project } = scene;
      project.moves.length = 0;
      await cluster.observatory.lab.partition([['a', 'b'], ['c']]);
      const whole = () => held(scene, 'a').length + held(scene, 'b').length === 6;
      await eventually('the majority holds all', whole, 30_000);
      await sleep(5000);
      expect(project.moves.filter(({ to }) => to === 'c')).toEqual([]);
      for (const address of cluster.observatory.addresses) {
        const moves = project.moves.filter((move) => move.address === address && move.to !== undefined);
        expect(moves.length, `moves of ${address}`).toBeLessThanOrEqual(1);
      }
    });
  });
});

describe.skipIf(NO_WORLD !== undefined || NO_NFT !== undefined)('external addresses of a project', () => {
  it('follow when a host loses power, two changes each', async () => {
    await withProject('external-ip', plans('198.51.100', 2), async (scene) => {
      const victim = busiest(scene);
      expect(await takenOver(scene, victim, () => powerOff(scene, victim))).toBe(2);
    });
  });
});
