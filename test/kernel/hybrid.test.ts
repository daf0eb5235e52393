/**
 * One cluster over metal and a cloud, as in docs/examples/hybrid.yaml: two hosts on the router's link, one in a make-believe VPC. The client
 * is behind a router that leads an address onto the link while a host there has it, else where the VPC's table says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import type { Sections } from '../../src/lab/agent-process.ts';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { Sighting } from '../../src/lab/observatory.ts';
import type { VipPlan } from '../../src/lab/plan.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';
import { CLOUD_DEVICE, CLOUD_ROUTER } from './cloud-router.ts';
import { during, eventually, expectNeverTwo, NO_WORLD, STILL, withAgents } from './vocabulary.ts';
import { API, Vpc } from './vpc.ts';

/** An agent loads an SDK first, on a busy machine. */
vi.setConfig({ testTimeout: 300_000 });

const EXAMPLE = readFileSync(new URL('../../docs/examples/hybrid.yaml', import.meta.url), 'utf8');
/** What the file says, and what it says of the host in the cloud, by its own comment. */
const ON_METAL = parse(EXAMPLE) as Sections & { readonly vips: Readonly<Record<string, object>> };
const IN_CLOUD = parse(EXAMPLE.replaceAll(/^(?!# {3}).*$/gm, '').replaceAll(/^# {3}/gm, '')) as Sections & {
  readonly providers: Readonly<Record<string, object>>;
};

const SHOP = '192.168.200.10';
const INSIDE = [101, 102, 103, 104].map((last) => `10.0.0.${last}`);
const PLANS: readonly VipPlan[] = [SHOP, ...INSIDE].map((address) => ({
  id: address === SHOP ? 'shop' : `inside-${INSIDE.indexOf(address) + 1}`,
  address,
  family: 4,
}));
const METAL = ['a', 'b'];
/** A death by the timers of `wan`, the lease of who died, a look and a call, on a busy machine, ms. */
const FOREIGN_TAKEOVER_MAX = 30_000;
/** A handoff asks nobody and waits for nothing but a call of the API, ms. */
const FOREIGN_HANDOFF_MAX = 8_000;

interface Scene {
  readonly cluster: Cluster;
  readonly vpc: Vpc;
  readonly holder: (address: string) => string | undefined;
}

async function withBoth(body: (scene: Scene) => Promise<void>): Promise<void> {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAIOSFODNN7EXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  const options = { hosts: 3, vips: PLANS, profile: 'wan', sections: STILL } as const;
  await withAgents(options, async (cluster) => {
    let holders: ReadonlyMap<string, readonly string[]> = new Map();
    const holder = (address: string) => holders.get(address)?.[0];
    const onLink = (address: string) => METAL.includes(holder(address) ?? '') || address !== SHOP;
    const vpc = await Vpc.open(
      cluster.names,
      PLANS.map(({ address }) => address),
      onLink,
    );
    vpc.region.addTable({ tags: { 'wackamole:cluster': 'lab' } });
    silenceLink('c');
    let over = false;
    const leading = lead();
    try {
      for (const agent of cluster.agents) agent.configure(sectionsOf(vpc, agent.host.name));
      cluster.startAll();
      await cluster.joined(cluster.names, 60_000);
      await body({ cluster, vpc, holder });
    } finally {
      over = true;
      await leading;
      await vpc.close();
    }

    /** What a routing protocol would do between the router, the hosts on its link and the VPC. */
    async function lead(): Promise<void> {
      while (!over) {
        holders = await cluster.observatory.holders();
        vpc.follow();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  });
}

/** In a VPC nobody answers ARP for an address of its `lo`. */
function silenceLink(host: string): void {
  insideNetworkNamespace(`/run/netns/${host}`, () =>
    writeFileSync('/proc/sys/net/ipv4/conf/all/arp_ignore', '1'),
  );
}

/** The example's own words, with the names of this lab. */
function sectionsOf(vpc: Vpc, host: string): Sections {
  const { policy, vips } = ON_METAL;
  if (METAL.includes(host)) {
    const { zone, tags } = ON_METAL;
    return { zone, tags, policy, vips: named(vips), providers: { local: { interface: CLOUD_DEVICE } } };
  }
  const { zone, tags, providers } = IN_CLOUD;
  const endpoints = {
    region: vpc.region.name,
    interfaces: [vpc.enis.get(host)!.id],
    endpoint: API,
    metadata_endpoint: `http://${CLOUD_ROUTER}:1`,
  };
  const overlay = { ...providers['overlay'], ...endpoints };
  return { zone, tags, policy, vips: named(vips), providers: { local: undefined, overlay } };
}

/** The lab names each VIP with its address alone, and is merged with these. */
function named(vips: Readonly<Record<string, object>>): Sections {
  const { shop, 'inside-{1..4}': inside } = vips;
  return {
    shop,
    ...Object.fromEntries(
      INSIDE.map((address, at) => [`inside-${at + 1}`, { ...inside, addresses: [address] }]),
    ),
  };
}

const isHeldBy = ({ holder }: Scene, address: string, ...hosts: readonly string[]) =>
  hosts.includes(holder(address) ?? '');

/** Does it, and waits until the host has the shop and the client is served by it. */
async function shopGoesTo(scene: Scene, host: string, action: () => Promise<unknown>): Promise<Sighting> {
  const { client } = scene.cluster.observatory;
  const seen = await during(scene.cluster, async () => {
    await action();
    await eventually(`${host} has the shop`, () => isHeldBy(scene, SHOP, host), 60_000);
    await eventually('the client is served', () => client.up(SHOP), 20_000);
  });
  expectNeverTwo(seen);
  console.log(`shop to ${host}: the client missed it for ${outageOf(seen).toFixed(0)} ms`);
  return seen;
}

function outageOf({ outages }: Sighting): number {
  const lengths = outages.filter(({ address }) => address === SHOP).map(({ from, to }) => to - from);
  return Math.max(0, ...lengths);
}

describe.skipIf(NO_WORLD !== undefined)('one cluster over metal and a cloud', () => {
  it('metal dies and the cloud carries, and back; what is of metal alone never leaves it', async () => {
    await withBoth(async (scene) => {
      const { cluster, vpc } = scene;
      const { client } = cluster.observatory;
      const routeCalls = () =>
        vpc.fake.requests.flatMap(({ action }) => (/Route$/.test(action) ? [action] : []));
      const allServed = () => PLANS.every(({ address }) => client.up(address));
      await eventually('every VIP is served', allServed, 60_000);
      for (const address of INSIDE) expect(METAL).toContain(scene.holder(address));
      await cluster.agent('b').command({ kind: 'move', vip: 'shop', to: 'a' });
      await eventually('the shop is where it is preferred', () => isHeldBy(scene, SHOP, 'a'), 20_000);

      // b cannot carry anything any more, so that metal is a alone.
      await vpc.router.connect('b', false);
      await eventually(
        'a carries all',
        () => PLANS.every(({ address }) => isHeldBy(scene, address, 'a')),
        30_000,
      );
      expect(routeCalls()).toEqual([]);

      const taken = await shopGoesTo(scene, 'c', async () => {
        await vpc.router.connect('a', false);
        await cluster.host('a').powerOff();
      });
      expect(outageOf(taken)).toBeLessThan(FOREIGN_TAKEOVER_MAX);
      expect(vpc.holder(SHOP)).toBe('c');
      expect(INSIDE.map(scene.holder)).toEqual(INSIDE.map(() => undefined));
      // One address, one table, one call that moves it; asked again if the answer took too long here.
      expect(new Set(routeCalls())).toEqual(new Set(['CreateRoute']));

      // A link of metal is back: what is of metal alone at once, the shop when it is told to, by a handoff.
      await vpc.router.connect('b', true);
      await eventually(
        'b has what is of metal',
        () => INSIDE.every((one) => isHeldBy(scene, one, 'b')),
        30_000,
      );
      const back = await shopGoesTo(scene, 'b', () =>
        cluster.agent('b').command({ kind: 'move', vip: 'shop', to: 'b' }),
      );
      expect(outageOf(back)).toBeLessThan(FOREIGN_HANDOFF_MAX);

      // And the other way round: the cloud has it, and its host dies.
      await shopGoesTo(scene, 'c', () => cluster.agent('c').command({ kind: 'move', vip: 'shop', to: 'c' }));
      await vpc.router.connect('a', true);
      await cluster.host('a').powerOn();
      cluster.agent('a').start();
      await cluster.joined(cluster.names, 60_000);
      await shopGoesTo(scene, 'a', async () => {
        await vpc.router.connect('c', false);
        await cluster.host('c').powerOff();
      });
    });
  });
});
