/** The cluster key is changed under running members: no view changes, and who has no key that counts stays out. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyFingerprint } from '../../../src/platform/keyed-hash.ts';
import { LOOPBACK_KEY, LoopbackCluster } from '../../conformance/group-loopback.ts';
import { Observer } from '../../conformance/group-observer.ts';

const OLD = LOOPBACK_KEY;
const NEW = Buffer.alloc(32, 'the next key');
const PATIENCE = { timeout: 10_000, interval: 20 };

describe('key rotation', { timeout: 30_000 }, () => {
  let cluster: LoopbackCluster;
  let a: Observer;
  let b: Observer;
  const others: Observer[] = [];

  beforeEach(async () => {
    cluster = new LoopbackCluster();
    a = new Observer(cluster.member('a'));
    b = new Observer(cluster.member('b'));
    await Promise.all([a.join(), b.join()]);
    for (const one of [a, b]) await one.view((view) => view.members.length === 2);
    await shown(a, b);
  });

  afterEach(async () => {
    for (const observer of [a, b, ...others.splice(0)]) observer.stopTicking();
    await cluster.dispose();
  });

  const problems = (of: Observer): string =>
    of.group
      .status()
      .peers.map(({ problem }) => problem ?? '')
      .join('');

  /** Every member has seen all its keys at the others. */
  async function shown(...observers: readonly Observer[]): Promise<void> {
    for (const one of observers) await expect.poll(() => problems(one), PATIENCE).not.toMatch(/not shown/);
  }

  /** Waits for some more. */
  async function heartbeats(of: Observer): Promise<void> {
    const counted = (): number => of.group.status().counters['heartbeats_received'] ?? 0;
    const before = counted();
    await expect.poll(counted, PATIENCE).toBeGreaterThan(before + 2);
  }

  const rekey = (of: Observer, ...keys: Buffer[]) => of.group.rekey!(keys);

  test('in three steps, without a view and without losing a heartbeat', async () => {
    const views = [a.views.length, b.views.length];
    for (const ring of [[OLD, NEW], [NEW, OLD], [NEW]]) {
      for (const one of [a, b]) {
        await expect.poll(() => rekey(one, ...ring), PATIENCE).toBeUndefined();
        // With one of them a step ahead.
        await Promise.all([heartbeats(a), heartbeats(b)]);
      }
      await shown(a, b);
      a.group.multicast(Buffer.from(`after ${ring.length}`));
      await b.message(`after ${ring.length}`);
    }
    expect([a.views.length, b.views.length]).toEqual(views);
    expect(a.group.status().keys).toEqual([keyFingerprint(NEW)]);
    for (const one of [a, b]) expect(one.group.status().counters['datagrams_wrong_key']).toBeUndefined();

    const late = new Observer(cluster.member('c', { key: OLD }));
    const fresh = new Observer(cluster.member('d', { key: NEW, group: {} }));
    others.push(late, fresh);
    await Promise.all([late.join(), fresh.join()]);
    await a.view((view) => view.members.length === 3);
    await expect.poll(() => a.group.status().counters['refused_wrong_key'] ?? 0, PATIENCE).toBeGreaterThan(0);
    expect(late.lastView!.members).toHaveLength(1);
  });

  test('a step out of turn is refused, names the member, and changes nothing', async () => {
    const views = a.views.length;
    expect(await rekey(a, NEW, OLD)).toMatch(/^b has not shown key [0-9a-f]{16} yet/);
    expect(await rekey(a, OLD, NEW)).toBeUndefined();
    expect(await rekey(a, NEW)).toMatch(/^b has not shown key/);
    expect(a.group.status().keys).toEqual([keyFingerprint(OLD), keyFingerprint(NEW)]);
    await expect
      .poll(() => problems(a), PATIENCE)
      .toContain(`has not shown cluster key ${keyFingerprint(NEW)}`);
    expect(await rekey(b, OLD, NEW)).toBeUndefined();
    await shown(a);
    expect(await rekey(a, NEW, OLD)).toBeUndefined();
    expect(await rekey(a, NEW)).toMatch(/^b still uses key/);
    expect(a.views.length).toBe(views);
  });

  test('while two keys are valid, a member that uses the other one is let in', async () => {
    for (const one of [a, b]) await expect.poll(() => rekey(one, OLD, NEW), PATIENCE).toBeUndefined();
    const c = new Observer(cluster.member('c', { key: NEW, group: { otherKeys: [OLD] } }));
    others.push(c);
    await c.join();
    await a.view((view) => view.members.length === 3);
  });
});
