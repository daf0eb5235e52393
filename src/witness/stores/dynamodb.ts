/** The record of a witness as an item of a DynamoDB table, changed by conditional puts. Runs in the witness's thread. */
import {
  type AttributeValue,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
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
  const client = new DynamoDBClient({
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    // What is tried again is decided by the lease, which knows what a lost answer means.
    maxAttempts: 1,
  });
  return new DynamoDbStore(client, { table: place, key });
}

class DynamoDbStore implements WitnessStore {
  readonly #client: DynamoDBClient;
  readonly #at: { readonly table: string; readonly key: string };

  constructor(client: DynamoDBClient, at: { readonly table: string; readonly key: string }) {
    this.#client = client;
    this.#at = at;
  }

  async read(signal: AbortSignal): Promise<Reading> {
    const { table, key } = this.#at;
    const command = new GetItemCommand({ TableName: table, Key: { id: { S: key } }, ConsistentRead: true });
    const { Item: item } = await this.#client.send(command, { abortSignal: signal });
    if (item === undefined) return { kind: 'absent' };
    const record = recordOf(textIn(item['record']));
    return { kind: 'record', version: textIn(item['version']), record };
  }

  async write(record: WitnessRecord, version: string | undefined, signal: AbortSignal): Promise<Writing> {
    const { table, key } = this.#at;
    const command = new PutItemCommand({
      TableName: table,
      // Its nonce is fresh with each write, and so is what others compare.
      Item: { id: { S: key }, record: { S: textOf(record) }, version: { S: record.nonce } },
      ...(version === undefined
        ? { ConditionExpression: 'attribute_not_exists(id)' }
        : {
            ConditionExpression: '#version = :version',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': { S: version } },
          }),
    });
    try {
      await this.#client.send(command, { abortSignal: signal });
    } catch (error) {
      if (error instanceof Error && error.name === 'ConditionalCheckFailedException')
        return { kind: 'conflict' };
      throw error;
    }
    return { kind: 'written', version: record.nonce };
  }

  close(): void {
    this.#client.destroy();
  }
}

function textIn(value: AttributeValue | undefined): string {
  if (value?.S === undefined) throw new Error('the item there is not of a witness; name a key of its own');
  return value.S;
}
