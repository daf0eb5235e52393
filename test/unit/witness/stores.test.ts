/** The stores, driven by the vendors' own SDKs against servers that keep their conditions. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WitnessRecord, WitnessStore } from '../../../src/witness/store.ts';
import { createStore as createDynamoDb } from '../../../src/witness/stores/dynamodb.ts';
import { createStore as createGcs } from '../../../src/witness/stores/gcs.ts';
import { createStore as createS3 } from '../../../src/witness/stores/s3.ts';
import { type Fake, fakeDynamoDb, fakeGcs, fakeS3 } from './fakes.ts';

const SIGNAL = new AbortController().signal;
const record = (nonce: string, owner = 'a#1'): WitnessRecord => ({ owner, fence: 7, nonce });

const KINDS = [
  { kind: 'dynamodb', serve: fakeDynamoDb, create: createDynamoDb, key: 'k' },
  { kind: 's3', serve: fakeS3, create: createS3, key: 'a/k' },
  { kind: 'gcs', serve: fakeGcs, create: createGcs, key: 'a/k' },
] as const;

describe.each(KINDS)('the record in $kind', ({ serve, create, key }) => {
  let fake: Fake;
  let store: WitnessStore;
  const environment = { ...process.env };

  beforeEach(async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' });
    fake = await serve();
    store = create({ place: 'witness', key, region: 'eu-central-1', endpoint: fake.url });
  });

  afterEach(async () => {
    store.close();
    await fake.close();
    process.env = { ...environment };
  });

  async function written(nonce: string, version?: string): Promise<string> {
    const writing = await store.write(record(nonce), version, SIGNAL);
    if (writing.kind !== 'written') throw new Error('a conflict');
    return writing.version;
  }

  it('is absent at first, made once, and read as it was written', async () => {
    expect(await store.read(SIGNAL)).toEqual({ kind: 'absent' });
    const version = await written('n1');
    expect(await store.read(SIGNAL)).toEqual({ kind: 'record', version, record: record('n1') });
    expect(await store.write(record('n2'), undefined, SIGNAL)).toEqual({ kind: 'conflict' });
  });

  it('is replaced only where it is still what it was', async () => {
    const first = await written('n1');
    const second = await written('n2', first);
    expect(second).not.toBe(first);
    expect(await store.write(record('n3', 'b#1'), first, SIGNAL)).toEqual({ kind: 'conflict' });
    expect(await store.read(SIGNAL)).toMatchObject({ version: second, record: record('n2') });
  });

  it('of two that replace it at once one does', async () => {
    const version = await written('n1');
    const both = await Promise.all([
      store.write(record('n2', 'a#1'), version, SIGNAL),
      store.write(record('n3', 'b#1'), version, SIGNAL),
    ]);
    expect(both.map(({ kind }) => kind).sort()).toEqual(['conflict', 'written']);
  });

  it('that is gone is not replaced', async () => {
    const version = await written('n1');
    fake.remove();
    expect(await store.write(record('n2'), version, SIGNAL)).toEqual({ kind: 'conflict' });
  });

  it('may be written though the answer is lost: that is said as a failure, and not tried again by anybody else', async () => {
    await written('n1');
    const { version } = (await store.read(SIGNAL)) as { version: string };
    fake.next = 'lose';
    const before = fake.requests.length;
    await expect(store.write(record('n2'), version, SIGNAL)).rejects.toThrow();
    expect(fake.requests.length).toBe(before + 1);
    expect(await store.read(SIGNAL)).toMatchObject({ record: record('n2') });
  });

  it('is not waited for longer than the caller does', async () => {
    fake.next = 'hang';
    const began = performance.now();
    await expect(store.read(AbortSignal.timeout(200))).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('is refused for a while without being taken for absent or for a conflict', async () => {
    fake.next = 'refuse';
    await expect(store.read(SIGNAL)).rejects.toThrow(/exceeded|SlowDown|rate limit/);
    fake.next = 'refuse';
    await expect(store.write(record('n1'), undefined, SIGNAL)).rejects.toThrow(
      /exceeded|SlowDown|rate limit/,
    );
    fake.next = 'damage';
    // What was damaged was the answer: whether the writer noticed is the store's matter, the record must be whole.
    await written('n1').catch(() => undefined);
    await expect(store.read(SIGNAL)).resolves.toMatchObject({ kind: 'record' });
  });

  it('of somebody else is not taken for one of ours', async () => {
    fake.put('{"hello": "world"}');
    await expect(store.read(SIGNAL)).rejects.toThrow(/no record of a witness/);
    fake.put('not json');
    await expect(store.read(SIGNAL)).rejects.toThrow(/no record of a witness/);
  });

  it('in a place that does not exist is a failure and not an absent record', async () => {
    const elsewhere = create({ place: 'nowhere', key, region: 'eu-central-1', endpoint: fake.url });
    // Cloud Storage does not tell the one from the other when it is asked for an object.
    if (create !== createGcs) await expect(elsewhere.read(SIGNAL)).rejects.toThrow(/not found|NoSuchBucket/);
    await expect(elsewhere.write(record('n1'), undefined, SIGNAL)).rejects.toThrow(/not found|NoSuchBucket/i);
    elsewhere.close();
  });
});
