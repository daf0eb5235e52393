/** The record of a witness as an object in a bucket of S3, changed by conditional puts. Runs in the witness's thread. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  type Reading,
  recordOf,
  textOf,
  type WitnessRecord,
  type WitnessStore,
  type Writing,
} from '../store.ts';
import type { StoreSettings } from './store-settings.ts';

export function createStore({ place, key, region, endpoint }: StoreSettings): WitnessStore {
  const client = new S3Client({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    // What is tried again is decided by the lease, which knows what a lost answer means.
    maxAttempts: 1,
  });
  return new S3Store(client, { Bucket: place, Key: key });
}

class S3Store implements WitnessStore {
  readonly #client: S3Client;
  readonly #at: { readonly Bucket: string; readonly Key: string };

  constructor(client: S3Client, at: { readonly Bucket: string; readonly Key: string }) {
    this.#client = client;
    this.#at = at;
  }

  async read(signal: AbortSignal): Promise<Reading> {
    try {
      const answer = await this.#client.send(new GetObjectCommand(this.#at), { abortSignal: signal });
      const text = await answer.Body?.transformToString();
      if (text === undefined || answer.ETag === undefined)
        throw new Error('an answer without a body or an ETag');
      return { kind: 'record', version: answer.ETag, record: recordOf(text) };
    } catch (error) {
      if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return { kind: 'absent' };
      throw error;
    }
  }

  async write(record: WitnessRecord, version: string | undefined, signal: AbortSignal): Promise<Writing> {
    const command = new PutObjectCommand({
      ...this.#at,
      Body: textOf(record),
      ContentType: 'application/json',
      ...(version === undefined ? { IfNoneMatch: '*' } : { IfMatch: version }),
    });
    try {
      const { ETag: written } = await this.#client.send(command, { abortSignal: signal });
      if (written === undefined) throw new Error('an answer without an ETag');
      return { kind: 'written', version: written };
    } catch (error) {
      const status = statusOf(error);
      // 409: another write at the same time. 404: what it was to replace is gone.
      const conflict =
        status === 412 || status === 409 || (status === 404 && nameOf(error) !== 'NoSuchBucket');
      if (conflict) return { kind: 'conflict' };
      throw error;
    }
  }

  close(): void {
    this.#client.destroy();
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
