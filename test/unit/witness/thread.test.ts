/** Two drivers on threads of their own, on one server: what production has, but for the cloud. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scriptUrl } from '../../../src/platform/layout.ts';
import { WitnessDriver, type WitnessVote } from '../../../src/witness/driver.ts';
import type { WitnessStore } from '../../../src/witness/store.ts';
import { createThreadStore } from '../../../src/witness/thread-store.ts';
import { type Fake, fakeS3 } from './fakes.ts';

let fake: Fake;
let stores: WitnessStore[] = [];
const environment = { ...process.env };

beforeEach(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' });
  fake = await fakeS3();
});

afterEach(async () => {
  for (const store of stores) store.close();
  stores = [];
  await fake.close();
  process.env = { ...environment };
});

function store(kind: 's3' | 'dynamodb' = 's3'): WitnessStore {
  const made = createThreadStore({
    script: scriptUrl('witness/witness-thread.ts'),
    data: { kind, place: 'witness', key: 'a/k', region: 'eu-central-1', endpoint: fake.url },
  });
  stores.push(made);
  return made;
}

function driver(self: string, lease = 2_000) {
  const votes: WitnessVote[] = [];
  const troubles: (string | undefined)[] = [];
  let nonces = 0;
  const made = new WitnessDriver(
    { self, lease, renew: lease / 5, look: 60_000 },
    { store: store(), clock: () => performance.now(), nonce: () => `${self}${++nonces}` },
  );
  made.start({ vote: (vote) => votes.push(vote), trouble: (reason) => troubles.push(reason) });
  return { driver: made, votes, troubles };
}

describe('a witness on a thread of its own', () => {
  it('gives its vote to one of two, and to the other when the first gives it back', async () => {
    const [a, b] = [driver('a#1'), driver('b#1')];
    a.driver.want(true, 10);
    await expect.poll(() => a.votes.at(-1)?.has, { timeout: 10_000 }).toBe(true);
    b.driver.want(true, 5);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(b.votes.filter(({ has }) => has)).toEqual([]);
    expect(b.votes.at(-1)).toMatchObject({ owner: 'a#1', reason: 'the witness is with a#1' });
    a.driver.stop(true);
    await expect.poll(() => b.votes.at(-1), { timeout: 10_000 }).toMatchObject({ has: true, fence: 11 });
    b.driver.stop(true);
  }, 30_000);

  it('is lost to who cannot renew it, told by a look at the clock alone', async () => {
    const a = driver('a#1');
    a.driver.want(true, 10);
    await expect.poll(() => a.votes.at(-1)?.has, { timeout: 10_000 }).toBe(true);
    await fake.close();
    await expect.poll(() => a.votes.at(-1)?.has, { timeout: 10_000 }).toBe(false);
    expect(a.troubles.at(-1)).toMatch(/ECONNREFUSED|socket|no answer|ECONNRESET/);
    a.driver.stop(false);
  }, 30_000);

  it('fails its calls when the thread breaks, and begins another', async () => {
    const one = store();
    expect(await one.read(AbortSignal.timeout(10_000))).toEqual({ kind: 'absent' });
    fake.next = 'hang';
    const pending = one.read(AbortSignal.timeout(10_000));
    (one as unknown as { ['close']: () => void }).close();
    await expect(pending).rejects.toThrow(/thread|ended/);
    await expect(one.read(AbortSignal.timeout(1_000))).rejects.toThrow('the agent ends');
    const broken = createThreadStore({
      script: new URL('file:///nowhere/witness-thread.ts'),
      data: { kind: 's3', place: 'witness', key: 'a/k' },
    });
    await expect(broken.read(AbortSignal.timeout(10_000))).rejects.toThrow(/Cannot find|ended/);
    await expect(broken.read(AbortSignal.timeout(10_000))).rejects.toThrow(/Cannot find|ended/);
  }, 30_000);
});
