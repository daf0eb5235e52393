/**
 * HTTP servers that keep one conditional promise each, as their vendors document it: DynamoDB (GetItem, PutItem with a
 * ConditionExpression), S3 (GetObject, PutObject with If-Match and If-None-Match), Cloud Storage (media download, upload with
 * ifGenerationMatch). What they are not asked for they refuse.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Fake {
  readonly url: string;
  /** Method and path of each request. */
  readonly requests: string[];
  /** What happens to the next request: answered as `refuse`, done without an answer, or neither done nor answered. */
  next: 'refuse' | 'lose' | 'hang' | 'damage' | undefined;
  /** Puts something there behind everybody's back. */
  put(text: string): void;
  remove(): void;
  close(): Promise<void>;
}

interface Stored {
  readonly text: string;
  readonly version: string;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Said {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

class Cell {
  stored: Stored | undefined;
  #count = 1_700_000_000_000_000;

  put(text: string, version = String(++this.#count)): Stored {
    this.stored = { text, version };
    return this.stored;
  }
}

type Speak = (asked: Asked, cell: Cell) => Said;

interface Speaker {
  readonly speak: Speak;
  readonly refusal: Said;
  readonly write: (cell: Cell, text: string) => void;
}

/** Where it listens: at every address of the network namespace of who calls, under this name; absent: on loopback, any port. */
export interface Where {
  readonly host: string;
  readonly port: number;
}

async function serve({ speak, refusal, write }: Speaker, where?: Where): Promise<Fake> {
  const cell = new Cell();
  const requests: string[] = [];
  const fake = { next: undefined as Fake['next'] };
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const url = new URL(request.url ?? '/', 'http://fake');
    const asked: Asked = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(parts).toString('utf8'),
    };
    requests.push(`${asked.method} ${asked.path}`);
    const { next } = fake;
    fake.next = undefined;
    if (next === 'hang') return;
    const said = next === 'refuse' ? refusal : speak(asked, cell);
    if (next === 'lose') return void request.socket.destroy();
    response.writeHead(said.status, said.headers);
    response.end(next === 'damage' ? '<html>bad gateway' : said.body);
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // With a name it would be looked up first, and the caller's namespace be left meanwhile.
    if (where === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(where.port, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, {
    url: `http://${where?.host ?? '127.0.0.1'}:${port}`,
    requests,
    put: (text: string) => write(cell, text),
    remove: () => {
      cell.stored = undefined;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Said => ({
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

// --- DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/ (GetItem, PutItem) ---

const dynamo = (status: number, body: unknown) =>
  json(status, body, { 'content-type': 'application/x-amz-json-1.0' });
const dynamoError = (name: string, message: string) =>
  dynamo(400, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message });

export function fakeDynamoDb(where?: Where): Promise<Fake> {
  return serve(
    {
      speak: ({ headers, body }, cell) => {
        const target = String(headers['x-amz-target']);
        const input = JSON.parse(body) as Record<string, unknown>;
        const item = cell.stored && (JSON.parse(cell.stored.text) as Record<string, { S: string }>);
        if (input['TableName'] !== 'witness')
          return dynamoError('ResourceNotFoundException', 'Requested resource not found');
        if (target === 'DynamoDB_20120810.GetItem') {
          if (input['ConsistentRead'] !== true)
            return dynamoError('ValidationException', 'this fake wants a consistent read');
          return dynamo(200, item === undefined ? {} : { Item: item });
        }
        if (target !== 'DynamoDB_20120810.PutItem') return dynamoError('UnknownOperationException', target);
        const condition = String(input['ConditionExpression']);
        let holds: boolean;
        if (condition === 'attribute_not_exists(id)') holds = item === undefined;
        else if (condition === '#version = :version') {
          const [name, value] = [
            (input['ExpressionAttributeNames'] as Record<string, string>)['#version']!,
            (input['ExpressionAttributeValues'] as Record<string, { S: string }>)[':version']!.S,
          ];
          holds = item?.[name]?.S === value;
        } else return dynamoError('ValidationException', `this fake knows no ${condition}`);
        if (!holds) return dynamoError('ConditionalCheckFailedException', 'The conditional request failed');
        cell.put(JSON.stringify(input['Item']));
        return dynamo(200, {});
      },
      refusal: dynamoError(
        'ProvisionedThroughputExceededException',
        'The level of configured provisioned throughput was exceeded',
      ),
      write: (cell, text) =>
        cell.put(JSON.stringify({ id: { S: 'k' }, record: { S: text }, version: { S: 'behind' } })),
    },
    where,
  );
}

// --- S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html ---

const s3Error = (status: number, code: string): Said => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  headers: { 'content-type': 'application/xml' },
});
const etag = (text: string) => `"${createHash('md5').update(text).digest('hex')}"`;

export function fakeS3(where?: Where): Promise<Fake> {
  return serve(
    {
      speak: ({ method, path, headers, body }, cell) => {
        if (!path.startsWith('/witness/')) return s3Error(404, 'NoSuchBucket');
        if (path !== '/witness/a/k') return s3Error(404, 'NoSuchKey');
        if (method === 'GET') {
          if (cell.stored === undefined) return s3Error(404, 'NoSuchKey');
          return { status: 200, body: cell.stored.text, headers: { etag: cell.stored.version } };
        }
        if (method !== 'PUT') return s3Error(405, 'MethodNotAllowed');
        const [match, none] = [headers['if-match'], headers['if-none-match']];
        if (match === undefined && none !== '*') return s3Error(501, 'NotImplemented');
        if (none === '*' && cell.stored !== undefined) return s3Error(412, 'PreconditionFailed');
        if (match !== undefined && cell.stored === undefined) return s3Error(404, 'NoSuchKey');
        if (match !== undefined && match !== cell.stored?.version) return s3Error(412, 'PreconditionFailed');
        const { version } = cell.put(body, etag(body));
        return { status: 200, headers: { etag: version } };
      },
      refusal: s3Error(503, 'SlowDown'),
      write: (cell, text) => cell.put(text, etag(text)),
    },
    where,
  );
}

// --- Cloud Storage: https://cloud.google.com/storage/docs/request-preconditions ---

const gcsError = (status: number, message: string) => json(status, { error: { code: status, message } });

export function fakeGcs(where?: Where): Promise<Fake> {
  return serve(
    {
      speak: ({ method, path, query, body }, cell) => {
        if (method === 'GET' && path === '/storage/v1/b/witness/o/a/k' && query.get('alt') === 'media') {
          if (cell.stored === undefined) return gcsError(404, 'No such object: witness/a/k');
          return {
            status: 200,
            body: cell.stored.text,
            headers: { 'x-goog-generation': cell.stored.version },
          };
        }
        if (method !== 'POST' || path !== '/upload/storage/v1/b/witness/o') return gcsError(404, 'Not Found');
        if (query.get('uploadType') !== 'media' || query.get('name') !== 'a/k')
          return gcsError(400, 'Bad Request');
        const wanted = query.get('ifGenerationMatch');
        if (wanted === null) return gcsError(400, 'this fake wants a precondition');
        // 0 stands for an object that is not there.
        if (wanted !== (cell.stored?.version ?? '0'))
          return gcsError(412, 'At least one of the pre-conditions you specified did not hold.');
        const { version } = cell.put(body);
        return json(200, { kind: 'storage#object', name: 'a/k', generation: version });
      },
      refusal: gcsError(429, 'The object exceeded the rate limit for object mutation operations.'),
      write: (cell, text) => cell.put(text),
    },
    where,
  );
}
