/** Hooks of real agents: told on every way a VIP can come and go, never in the way of a failover, without the agent's rights. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import { THREE } from './fencing-scene.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  HANDOFF_MAX,
  heldBy,
  NO_WORLD,
  STILL,
  TAKEOVER_MAX,
  withAgents,
} from './vocabulary.ts';

const FOLDER = '/run/lab/hooks';

interface Told {
  readonly event: string;
  readonly member: string;
  readonly reason: string;
  readonly vip?: { readonly id: string };
  readonly vips?: readonly { readonly id: string }[];
}

function program(name: string, body: string): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = `${FOLDER}/${name}`;
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** One file a host, appended to in one write. */
function telling(): string {
  return program('tell', `cat >> ${FOLDER}/$WACKAMOLE_MEMBER.told`);
}

function told(host: string): readonly Told[] {
  const file = `${FOLDER}/${host}.told`;
  if (!existsSync(file)) return [];
  // The last one may be half written.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Told);
}

const events = (host: string, vip: string) =>
  told(host)
    .filter((one) => one.vip?.id === vip)
    .map(({ event }) => event);

/** `hooks`: makes the section of the configuration, and the programs it names. */
async function withHooks(hooks: () => object, body: (cluster: Cluster) => Promise<void>): Promise<void> {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
  await withAgents({ ...THREE, sections: { ...STILL, hooks: hooks() } }, async (cluster) => {
    cluster.startAll();
    await cluster.served([cluster.names], 40_000);
    await cluster.joined(cluster.names, 40_000);
    await body(cluster);
  });
}

/** Processes take seconds to start where the machine is busy, ms. */
const PATIENCE = 60_000;

/** Each VIP's last word on each host is what the watcher sees. */
async function untilTrue(cluster: Cluster, hosts: readonly string[] = cluster.names): Promise<void> {
  await eventually(
    'the last word of every hook is the truth',
    async () => {
      for (const host of hosts) {
        const status = await cluster.agent(host).status();
        for (const { vip, holder } of status?.vips ?? []) {
          const last = events(host, vip).at(-1);
          if ((last === 'on_up') !== (holder === host)) return false;
        }
      }
      return true;
    },
    PATIENCE,
  );
}

describe.skipIf(NO_WORLD !== undefined)('hooks', () => {
  it('hear of a start, a stop, a death and what follows, in turn', async () => {
    const all = () => {
      const tell = telling();
      return { on_up: tell, on_down: tell, post_up: tell, post_down: tell, stop_timeout: '60s' };
    };
    await withHooks(all, async (cluster) => {
      await untilTrue(cluster);
      await eventually(
        'each host has heard of the end of its round',
        () => cluster.names.every((host) => told(host).some(({ event }) => event === 'post_up')),
        PATIENCE,
      );
      const [stopped, killed] = ['a', 'b'] as const;
      const had =
        (await cluster.agent(stopped).status())?.vips.filter(({ holder }) => holder === stopped) ?? [];
      await cluster.agent(stopped).stop();
      expect(had.length).toBeGreaterThan(0);
      for (const { vip } of had) expect(events(stopped, vip).slice(-2)).toEqual(['on_up', 'on_down']);
      expect(told(stopped).at(-1)).toMatchObject({ event: 'post_down' });
      await untilTrue(cluster, ['b', 'c']);
      const left =
        (await cluster.agent(killed).status())?.vips.filter(({ holder }) => holder === killed) ?? [];
      expect(left.length).toBeGreaterThan(0);
      cluster.agent(killed).signal('SIGKILL');
      await cluster.served([['c']], 40_000);
      for (const { vip } of left) expect(events(killed, vip).at(-1)).toBe('on_up');
      cluster.agent(killed).start();
      await eventually(
        'the next agent tells what was left',
        () => left.every(({ vip }) => events(killed, vip).at(-1) === 'on_down'),
        PATIENCE,
      );
      expect(told(killed).at(-1)?.reason).toContain('ended without a word');
      await untilTrue(cluster, ['c']);
    });
  });

  it('hear of what the guardian took from a frozen agent', async () => {
    const both = () => ({ on_up: telling(), on_down: telling() });
    await withHooks(both, async (cluster) => {
      await untilTrue(cluster);
      const [vip] = (await cluster.agent('a').status())?.vips.filter(({ holder }) => holder === 'a') ?? [];
      cluster.agent('a').signal('SIGSTOP');
      await cluster.served([['b', 'c']], 40_000);
      cluster.agent('a').signal('SIGCONT');
      await eventually(
        'the thawed agent tells it',
        () => events('a', vip!.vip).includes('on_down'),
        PATIENCE,
      );
      await untilTrue(cluster);
    });
  });

  it('that hang delay neither a takeover nor a stop beyond their time', async () => {
    const hooks = () => {
      const hang = program('hang', "trap '' TERM\nsleep 600");
      return {
        on_up: [{ command: hang, timeout: '1h' }],
        on_down: hang,
        parallel: 1,
        stop_timeout: '500ms',
      };
    };
    await withHooks(hooks, async (cluster) => {
      const killed = await during(cluster, async () => {
        cluster.agent('a').signal('SIGKILL');
        await cluster.served([['b', 'c']]);
      });
      expectNeverTwo(killed);
      expectOutageBelow(killed, TAKEOVER_MAX);
      const stopped = await during(cluster, () => cluster.agent('b').stop());
      expectNeverTwo(stopped);
      expectOutageBelow(stopped, HANDOFF_MAX);
      expect((await heldBy(cluster, 'c')).length).toBeGreaterThan(0);
      expect(readFileSync(cluster.agent('b').logFile, 'utf8')).toContain('hooks are given up');
    });
  });

  it('show how they end in the status', async () => {
    const hooks = () => ({ on_up: [program('fail', 'echo no >&2; exit 7'), '/nowhere/at/all'] });
    await withHooks(hooks, async (cluster) => {
      await eventually('the status shows it', async () => {
        const status = await cluster.agent('a').status();
        const warnings = status?.warnings.join('\n') ?? '';
        return (
          warnings.includes('exit status 7') &&
          warnings.includes('is not there') &&
          status?.hooks?.running === 0
        );
      });
    });
  });
});
