/** The cluster key is changed under a running cluster: no view changes, no client notices. And no key is seen where it must not be. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { Sighting } from '../../src/lab/observatory.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  heldBy,
  NO_WORLD,
  STILL,
  withAgents,
  withCluster,
} from './vocabulary.ts';

const THREE = { hosts: 3, vips: 6, sections: STILL };
/** Nothing moves, so there should be none; a frame that a busy machine dropped counts as one of some 50 ms. */
const UNNOTICED_MS = 300;

const keyFile = (host: string) => `/run/lab/${host}/cluster.key`;
const keysOf = (file: string) => readFileSync(file, 'utf8').trim().split('\n');

/** Every host has a key file of its own, as on real hosts. */
async function withOwnKeyFiles(body: (cluster: Cluster) => Promise<void>): Promise<void> {
  await withAgents(THREE, async (cluster) => {
    for (const name of cluster.names) {
      copyFileSync('/run/lab/cluster.key', keyFile(name));
      cluster.agent(name).configure({ group: { key_file: keyFile(name) } });
    }
    cluster.startAll();
    await cluster.served();
    await cluster.joined();
    await body(cluster);
  });
}

async function key(cluster: Cluster, host: string, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.agent(host).run(['key', ...words, keyFile(host)]);
  expect(code, `key ${words[0]} on ${host}: ${stderr}`).toBe(0);
  return stdout;
}

async function reload(cluster: Cluster, host: string): Promise<{ ok: boolean; message: string }> {
  const answer = await cluster.agent(host).ask({ kind: 'reload' });
  return { ok: answer.ok, message: 'message' in answer ? answer.message : '' };
}

/** The step on every host, each reloaded before the next. */
async function onAll(cluster: Cluster, ...words: readonly string[]): Promise<void> {
  for (const name of cluster.names) {
    await key(cluster, name, ...words);
    await eventually(`${name} reloads`, async () => (await reload(cluster, name)).ok);
  }
}

async function views(cluster: Cluster): Promise<readonly unknown[]> {
  const statuses = await Promise.all(cluster.names.map((name) => cluster.agent(name).status()));
  return statuses.map((status) => status?.view?.id);
}

function expectUnnoticed(sighting: Sighting): void {
  expectNeverTwo(sighting);
  expectOutageBelow(sighting, UNNOTICED_MS);
}

describe.skipIf(NO_WORLD !== undefined)('the cluster key', () => {
  it('is changed in three steps on three hosts: no view changes, no VIP moves, no client notices', async () => {
    await withOwnKeyFiles(async (cluster) => {
      const next = '/run/lab/next.key';
      expect((await cluster.agent('a').run(['key', 'generate', next])).code).toBe(0);
      const [old = ''] = (await key(cluster, 'a', 'fingerprint')).split(' ');
      const before = { views: await views(cluster), holders: await cluster.observatory.holders() };
      const sighting = await during(cluster, async () => {
        await onAll(cluster, 'add', next);
        const [, fresh = ''] =
          /\n([0-9a-f]{16}) {2}accepted/.exec(await key(cluster, 'a', 'fingerprint')) ?? [];
        await onAll(cluster, 'use', fresh);
        await onAll(cluster, 'remove', old);
        for (const name of cluster.names) {
          expect((await cluster.agent(name).status())?.keys).toEqual([fresh]);
          expect(keysOf(keyFile(name))).toEqual(keysOf(next));
        }
      });
      expect(await views(cluster)).toEqual(before.views);
      expect(await cluster.observatory.holders()).toEqual(before.holders);
      expectUnnoticed(sighting);
      // The old one opens nothing any more: not for a restarted member either.
      copyFileSync('/run/lab/cluster.key', keyFile('c'));
      await cluster.agent('c').stop();
      cluster.agent('c').start();
      await cluster.served([['a', 'b']]);
      await eventually('c is refused for its key', async () => {
        const status = await cluster.agent('a').status();
        return (status?.counters['refused_wrong_key'] ?? 0) > 0;
      });
      expect(await heldBy(cluster, 'c')).toEqual([]);
    });
  });

  it('is not changed where a member would be lost by it, and the answer names the member', async () => {
    await withOwnKeyFiles(async (cluster) => {
      const before = await views(cluster);
      const sighting = await during(cluster, async () => {
        writeFileSync(keyFile('a'), `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
        const answer = await reload(cluster, 'a');
        expect(answer.ok).toBe(false);
        expect(answer.message).toMatch(
          /nothing was changed.*b has not shown key [0-9a-f]{16}.*c has not shown/,
        );
      });
      expect(await views(cluster)).toEqual(before);
      expectUnnoticed(sighting);
    });
  });

  it('is in no log, no status, no command line and no environment', async () => {
    await withCluster(THREE, async (cluster) => {
      const secret = Buffer.from(readFileSync('/run/lab/cluster.key', 'utf8').trim(), 'hex');
      const forms = [
        secret,
        ...(['hex', 'base64', 'base64url'] as const).map((form) => secret.toString(form)),
      ];
      const upper = secret.toString('hex').toUpperCase();
      for (const name of cluster.names) {
        const agent = cluster.agent(name);
        await reload(cluster, name);
        const status = await agent.run(['status', '--json', '--socket', agent.socket]);
        expect(status.stdout).toContain('"keys"');
        const seen = Buffer.concat([
          ...cluster.host(name).processes().flatMap(openSecretsOf),
          readFileSync(agent.logFile),
          Buffer.from(status.stdout),
        ]);
        expect(seen.length).toBeGreaterThan(1000);
        for (const form of [...forms, upper])
          expect(seen.includes(form), `a form of the key at ${name}`).toBe(false);
      }
    });
  });

  it('is in no core dump, and another process of the same user cannot read it', async () => {
    await withAgents(THREE, async (cluster) => {
      const agent = cluster.agent('a');
      // What lets root look into any process: CAP_SYS_PTRACE, and for reading on newer kernels the two others.
      const all = '-sys_ptrace,-perfmon,-sys_admin';
      const restrained = ['setpriv', `--bounding-set=${all}`, `--inh-caps=${all}`, '--'];
      agent.start([...restrained, 'prlimit', '--core=unlimited', '--']);
      await eventually('it runs', async () => (await agent.status()) !== undefined);
      expect(coreLimit(agent.pid)).toBe('0');
      const peek = (pid: number) =>
        cluster.host('a').exec([...restrained, 'head', '-c', '1', `/proc/${pid}/environ`]);
      expect((await peek(agent.pid)).stderr).toMatch(/Permission denied/);
      const plain = cluster.host('a').spawn([...restrained, 'sleep', '60']);
      // Until its program has taken over from those that start it, it has rights that whoever looks lacks.
      await eventually(
        'that of a process that may be dumped can be read',
        async () => (await peek(plain.pid!)).code === 0,
      );
    });
  });
});

/** What every user of the machine, or the owner, may read of a process. */
function openSecretsOf(pid: number): readonly Buffer[] {
  return ['cmdline', 'environ', 'comm', 'status'].flatMap((file) => {
    try {
      return [readFileSync(`/proc/${pid}/${file}`)];
    } catch {
      return []; // It has ended.
    }
  });
}

function coreLimit(pid: number): string | undefined {
  return /^Max core file size\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1];
}
