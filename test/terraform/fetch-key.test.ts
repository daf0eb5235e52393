/**
 * The program that brings the cluster key to a host at boot, run as it is against make-believe metadata services and secret stores on
 * loopback. Signatures are checked by Amazon's own code for them.
 */

import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readKeyFile } from '../../src/platform/key-file.ts';
import { ROOT } from './terraform.ts';

const script = join(ROOT, 'modules/cloud-init/files/wackamole-fetch-key');
const KEY = '5f'.repeat(32);
/** Where there is one, the system's: a version manager's takes seconds to start. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const ROLE = {
  AccessKeyId: 'AKIAEXAMPLE',
  SecretAccessKey: 'a secret of the role',
  Token: 'a-session-token',
};

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = readonly [status: number, body: string];

let folder: string;
let server: Server;
let asked: Asked[];
let answer: (asked: Asked) => Answer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wackamole-fetch-key-'));
  asked = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method!,
        path: request.url!,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      asked.push(one);
      const [status, body] = answer(one);
      response.writeHead(status).end(body);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const at = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const target = () => join(folder, 'cluster.key');

interface Ended {
  readonly status: number;
  readonly said: string;
}

function fetchKey(source: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Ended> {
  const file = join(folder, 'key-source.json');
  writeFileSync(file, JSON.stringify(source));
  return new Promise((resolve) => {
    const given = [script, '--source', file, '--to', target(), ...words];
    execFile(PYTHON, given, { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), said: stdout + stderr });
    });
  });
}

const aws = () => ({
  store: 'aws-secretsmanager',
  secret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:key',
  region: 'eu-central-1',
  endpoint: at(),
  metadata: at(),
});
const gcp = () => ({
  store: 'gcp-secretmanager',
  secret: 'projects/p/secrets/s',
  endpoint: at(),
  metadata: at(),
});

/** Instance metadata and Secrets Manager in one. */
function amazon(secret: () => Answer): (one: Asked) => Answer {
  return ({ method, path, headers }) => {
    if (path === '/latest/api/token') return method === 'PUT' ? [200, 'imds-token'] : [405, ''];
    if (path.startsWith('/latest/') && headers['x-aws-ec2-metadata-token'] !== 'imds-token') return [401, ''];
    if (path === '/latest/meta-data/iam/security-credentials/') return [200, 'wackamole-web'];
    if (path === '/latest/meta-data/iam/security-credentials/wackamole-web')
      return [200, JSON.stringify(ROLE)];
    return secret();
  };
}

/** Google's metadata server and Secret Manager in one. */
function google(secret: () => Answer): (one: Asked) => Answer {
  return ({ path, headers }) => {
    if (path === '/computeMetadata/v1/instance/service-accounts/default/token')
      return headers['metadata-flavor'] === 'Google'
        ? [200, '{"access_token":"an-access-token"}']
        : [403, ''];
    return headers.authorization === 'Bearer an-access-token' ? secret() : [401, ''];
  };
}

const secretString = (text: string) => (): Answer => [200, JSON.stringify({ SecretString: text })];
const payload = (text: string) => (): Answer => [
  200,
  JSON.stringify({ payload: { data: Buffer.from(text).toString('base64') } }),
];

describe('wackamole-fetch-key', () => {
  test('brings a key from AWS, with a request that Amazon would find well signed', async () => {
    answer = amazon(secretString(KEY));
    const { status, said } = await fetchKey(aws(), '--once');
    expect(said).toContain('written');
    expect(status).toBe(0);
    expect(said).not.toContain(KEY);
    const request = asked.at(-1)!;
    expect(request.headers['x-amz-target']).toBe('secretsmanager.GetSecretValue');
    expect(JSON.parse(request.body)).toEqual({ SecretId: aws().secret });
    expect(request.headers.authorization).toBe(signed(request));
  });

  test('brings a key from Google', async () => {
    answer = google(payload(`${KEY}\n`));
    const { status } = await fetchKey(gcp(), '--once');
    expect(status).toBe(0);
    expect(asked.at(-1)!.path).toBe('/v1/projects/p/secrets/s/versions/latest:access');
  });

  test('writes a file that the agent takes, for its owner alone', async () => {
    answer = google(payload(`${KEY}\r\n\n${'a0'.repeat(32)}\n`));
    await fetchKey(gcp(), '--once');
    expect(statSync(target()).mode & 0o777).toBe(0o600);
    expect(await readKeyFile(target())).toHaveLength(2);
  });

  test('leaves a key that is the same alone, and puts a new one in its place', async () => {
    answer = google(payload(KEY));
    await fetchKey(gcp(), '--once');
    const { ino } = statSync(target());
    expect((await fetchKey(gcp(), '--once')).said).toContain('unchanged');
    expect(statSync(target()).ino).toBe(ino);
    answer = google(payload('a0'.repeat(32)));
    expect((await fetchKey(gcp(), '--once')).said).toContain('written');
    expect(readFileSync(target(), 'utf8')).toBe(`${'a0'.repeat(32)}\n`);
  });

  const wrong: readonly (readonly [what: string, secret: string, says: RegExp])[] = [
    ['nothing', '\n', /empty/],
    ['a password', 'correct horse', /line 1 of the secret is no cluster key/],
    ['too many keys', `${KEY}\n`.repeat(5), /has 5 lines/],
    ['a novel', 'x'.repeat(5_000), /too long/],
  ];
  test.each(wrong)('refuses %s, and shows nothing of it', async (_what, secret, says) => {
    answer = amazon(secretString(secret));
    const { status, said } = await fetchKey(aws(), '--once');
    expect(said).toMatch(says);
    expect(status).toBe(1);
    expect(said).not.toContain('horse');
    expect(existsSync(target())).toBe(false);
  });

  const away: readonly (readonly [what: string, secret: () => Answer])[] = [
    ['no secret yet', () => [400, '{"__type":"ResourceNotFoundException"}']],
    ['no right to it', () => [403, 'AccessDeniedException']],
    ['an answer that is none', () => [200, '<html>']],
    ['a binary secret', () => [200, '{"SecretBinary":"AAAA"}']],
  ];
  test.each(away)('says so where there is %s', async (_what, secret) => {
    answer = amazon(secret);
    const { status, said } = await fetchKey(aws(), '--once');
    expect(status).toBe(1);
    expect(said).toMatch(/^cluster key: \S/);
    expect(said).not.toContain('Traceback');
  });

  test('goes on with the key that is here where the store is away', async () => {
    answer = () => [500, 'out of order'];
    writeFileSync(target(), `${KEY}\n`);
    chmodSync(target(), 0o600);
    const { status, said } = await fetchKey(gcp(), '--once');
    expect(status).toBe(0);
    expect(said).toContain('going on with the one that is here');
    expect(readFileSync(target(), 'utf8')).toBe(`${KEY}\n`);
  });

  test('waits for a key that comes later', async () => {
    let tries = 0;
    answer = google(() => (++tries < 3 ? [404, 'no versions'] : payload(KEY)()));
    const { status } = await fetchKey(gcp());
    expect(status).toBe(0);
    expect(tries).toBe(3);
  });
});

/** Signature Version 4 once more, by the book (docs.aws.amazon.com, "Create a signed request"), from what came in. */
function signed({ headers, body }: Asked): string {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const stamp = String(headers['x-amz-date']);
  const names = ['content-type', 'host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target'];
  const lines = names.map((name) => `${name}:${String(headers[name])}\n`).join('');
  const canonical = ['POST', '/', '', lines, names.join(';'), hash(body)].join('\n');
  const scope = `${stamp.slice(0, 8)}/eu-central-1/secretsmanager/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, hash(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((so, part) => mac(so, part), `AWS4${ROLE.SecretAccessKey}`);
  const signature = mac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${ROLE.AccessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}
