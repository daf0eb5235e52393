/**
 * Two hosts and a witness in a cloud's store: a host dies, the link between them is cut while both, one or none of them reach the witness.
 * The members talk on the lab's link; the witness lies in a network of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { type Holders, servedOnce } from '../../src/lab/cluster.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { type Fake, fakeDynamoDb, fakeS3, type Where } from '../unit/witness/fakes.ts';
import { CLOUD_ROUTER, CloudRouter } from './cloud-router.ts';
import {
  answered,
  during,
  eventually,
  expectNeverTwo,
  heldBy,
  NO_WORLD,
  STILL,
  withAgents,
} from './vocabulary.ts';

/** Each agent loads an SDK for its witness, on a busy machine. */
vi.setConfig({ testTimeout: 200_000 });

const PORT = 8475;
const KINDS = {
  dynamodb: { section: { kind: 'dynamodb', table: 'witness' }, open: fakeDynamoDb },
  s3: { section: { kind: 's3', bucket: 'witness' }, open: fakeS3 },
};
/** Of the record; the shortest there is. */
const LEASE_S = 5;
/** While the question is open each part keeps what it held (ADR 0012), and a busy machine, ms. */
const OPEN_MAX = 2_000 + 1_000;
const IN_TIME = 15_000;

interface Scene {
  readonly cluster: Cluster;
  readonly router: CloudRouter;
  readonly witness: Fake;
}

async function withWitness(kind: keyof typeof KINDS, body: (scene: Scene) => Promise<void>): Promise<void> {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' });
  const { section, open } = KINDS[kind];
  const endpoint = `http://${CLOUD_ROUTER}:${PORT}`;
  const witness = {
    ...section,
    key: 'a/k',
    region: 'eu-central-1',
    endpoint,
    lease: `${LEASE_S}s`,
    renew: '1s',
  };
  const sections = { ...STILL, policy: 'primary', quorum: { witness } };
  await withAgents({ hosts: 2, vips: 4, sections }, async (cluster) => {
    const router = await CloudRouter.open(cluster.names, []);
    const where: Where = { host: CLOUD_ROUTER, port: PORT };
    const fake = await router.within(() => open(where));
    try {
      cluster.startAll();
      await cluster.served([cluster.names], 60_000);
      await cluster.joined(cluster.names, 60_000);
      await answered(cluster);
      await body({ cluster, router, witness: fake });
    } finally {
      await fake.close();
      await router.close();
    }
  });
}

/** All VIPs are on one and the same host; which. */
function oneServesAll(holders: Holders): string | undefined {
  const [host] = [...holders.values()][0] ?? [];
  if (host === undefined) return undefined;
  return servedOnce(holders, [[host]]) && [...holders.values()].every((hosts) => hosts.length === 1)
    ? host
    : undefined;
}

/** Longest time that two hosts held one address since then, whether they were connected or not, ms. */
async function longestTwice({ observatory }: Cluster, from: number): Promise<number> {
  const until = monotonicNow();
  const { holds } = await observatory.custody(until);
  const lengths = holds.flatMap((one) =>
    holds
      .filter(({ address, host }) => address === one.address && host > one.host)
      .map((other) => Math.min(one.to ?? until, other.to ?? until) - Math.max(one.from, other.from, from)),
  );
  return Math.max(0, ...lengths);
}

const holdersOf = ({ observatory }: Cluster) => observatory.holders();

async function nobodyHolds(cluster: Cluster): Promise<boolean> {
  return [...(await holdersOf(cluster)).values()].every((hosts) => hosts.length === 0);
}

async function soleServer(cluster: Cluster): Promise<string> {
  let host: string | undefined;
  const found = async () => {
    host = oneServesAll(await holdersOf(cluster));
    return host !== undefined;
  };
  await eventually('one of them serves everything, the other nothing', found, IN_TIME);
  return host!;
}

describe.skipIf(NO_WORLD !== undefined)('two hosts and a witness', () => {
  it.each(['dynamodb', 's3'] as const)(
    'one loses power: the other keeps what it held and serves the rest (%s)',
    async (kind) => {
      await withWitness(kind, async ({ cluster, witness }) => {
        const victim = await cluster.busiest();
        const [survivor] = cluster.others(victim) as [string];
        const kept = await heldBy(cluster, survivor);
        const from = monotonicNow();
        const seen = await during(cluster, async () => {
          await cluster.host(victim).powerOff();
          await cluster.served([[survivor]]);
        });
        expectNeverTwo(seen);
        expect(witness.requests.some((line) => line.startsWith('PUT') || line.startsWith('POST'))).toBe(true);
        const outage = seen.outage_ms.toFixed(0);
        console.log(`served by ${survivor} alone, with the witness's vote; worst outage ${outage} ms`);
        expect(seen.outage_ms).toBeLessThan(OPEN_MAX + 1_000);
        const { holds } = await cluster.observatory.custody();
        for (const address of kept) {
          const since = holds.filter(
            (each) => each.host === survivor && each.address === address && (each.to ?? Infinity) > from,
          );
          expect(
            since.map(({ to }) => to),
            `${address} stayed where it was`,
          ).toEqual([undefined]);
        }
        // The lease is renewed, and goes on being enough.
        await sleep((LEASE_S + 2) * 1000);
        expect(oneServesAll(await holdersOf(cluster))).toBe(survivor);
        await cluster.host(victim).powerOn();
        cluster.agent(victim).start();
        await cluster.joined(cluster.names, 60_000);
      });
    },
  );

  it('the link between them is cut and both reach the witness: exactly one serves, and both after the heal', async () => {
    await withWitness('dynamodb', async ({ cluster }) => {
      const from = monotonicNow();
      await cluster.observatory.lab.partition([['a'], ['b']]);
      const winner = await soleServer(cluster);
      await sleep((LEASE_S * 2 + 2) * 1000);
      expect(oneServesAll(await holdersOf(cluster)), 'it stays so').toBe(winner);
      const twice = await longestTwice(cluster, from);
      console.log(`${winner} alone serves; both had an address for ${twice.toFixed(0)} ms`);
      expect(twice).toBeLessThan(OPEN_MAX);
      const healed = await during(cluster, async () => {
        await cluster.observatory.lab.heal();
        await cluster.joined(cluster.names, IN_TIME);
        await cluster.served();
      });
      expectNeverTwo(healed);
    });
  });

  it('cut, and the witness away: both let go and nothing is served twice; it comes back, and exactly one serves', async () => {
    await withWitness('s3', async ({ cluster, router }) => {
      const from = monotonicNow();
      for (const name of cluster.names) await router.connect(name, false);
      await cluster.observatory.lab.partition([['a'], ['b']]);
      await eventually('both let go', () => nobodyHolds(cluster), IN_TIME);
      await sleep((LEASE_S + 3) * 1000);
      expect(await nobodyHolds(cluster), 'and take nothing').toBe(true);
      expect(await longestTwice(cluster, from)).toBe(0);
      const statuses = await Promise.all(cluster.agents.map((agent) => agent.status()));
      for (const status of statuses) expect(status?.warnings.join(' ')).toMatch(/witness/);
      for (const name of cluster.names) await router.connect(name, true);
      const winner = await soleServer(cluster);
      await sleep((LEASE_S + 2) * 1000);
      expect(oneServesAll(await holdersOf(cluster)), 'it stays so').toBe(winner);
      expect(await longestTwice(cluster, from)).toBe(0);
    });
  });

  it('cut, and one of them away from the witness: the other serves everything', async () => {
    await withWitness('dynamodb', async ({ cluster, router }) => {
      const from = monotonicNow();
      await router.connect('a', false);
      await cluster.observatory.lab.partition([['a'], ['b']]);
      expect(await soleServer(cluster)).toBe('b');
      expect(await longestTwice(cluster, from)).toBeLessThan(OPEN_MAX);
      // It dies with its vote: the other has to wait for the lease, and then serves.
      await router.connect('a', true);
      await cluster.host('b').powerOff();
      const alone = async () => oneServesAll(await holdersOf(cluster)) === 'a';
      await eventually('a serves alone', alone, LEASE_S * 1000 + IN_TIME);
    });
  });
});
