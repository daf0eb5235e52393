/**
 * The agent as an ordinary user with two capabilities, in what the sandbox of src/install/systemd/wackamole.service comes to: no way to
 * gain rights, a read-only system, a /tmp of its own, a filter of system calls. It serves, fails over and is cleaned up after.
 */
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/lab/cluster.ts';
import type { LabHost } from '../../src/lab/host.ts';
import { expectFenced, guardianPid, LEASE_BOUND, SLACK, THREE } from './fencing-scene.ts';
import {
  during,
  eventually,
  expectNeverTwo,
  expectOutageBelow,
  HANDOFF_MAX,
  heldBy,
  NO_WORLD,
  STILL,
  withAgents,
} from './vocabulary.ts';

/** Nobody's user, as far as this machine is concerned. */
const USER = 65534;
const CAPABILITIES = '+net_admin,+net_raw';
/** CAP_NET_ADMIN and CAP_NET_RAW, and nothing else. */
const MASK = (1n << 12n) | (1n << 13n);

const LAUNCHER = fileURLToPath(new URL('./hooks/sandbox.ts', import.meta.url));

const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/**
 * Mounts of a namespace of its own: everything read-only but the host's folder, as `ProtectSystem=strict` has it. Where the
 * project lies in a folder that this user may not enter, or that is hidden, it is brought back alone.
 */
const READ_ONLY = `
set -e
project="$1"
shift
mount --make-rprivate /
mkdir -p /run/project
mount --bind "$project" /run/project
mount --bind "$1" "$1"
for place in /proc/sys /sys; do mount --rbind $place $place; mount -o remount,bind,ro $place; done
mount -o remount,bind,ro /run
mount -o remount,bind,ro /
mount -t tmpfs -o mode=1777 tmpfs /tmp
if ! setpriv --reuid=${USER} --regid=${USER} --clear-groups test -r "$project/package.json"; then
  top=/$(echo "$project" | cut -d/ -f2)
  [ $top = /tmp ] || mount -t tmpfs -o mode=755 tmpfs $top
  mkdir -p "$project"
  mount --bind /run/project "$project"
fi
shift
exec "$@"`;

function sandbox(host: LabHost): readonly string[] {
  return [
    ...['unshare', '--mount', 'sh', '-c', READ_ONLY, 'sandbox', PROJECT, host.folder],
    ...['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--no-new-privs'],
    ...[
      `--inh-caps=${CAPABILITIES}`,
      `--ambient-caps=${CAPABILITIES}`,
      `--bounding-set=-all,${CAPABILITIES}`,
    ],
    ...[process.execPath, LAUNCHER],
  ];
}

/** Why there is no other user here; undefined: there is. */
const NO_USER =
  NO_WORLD ??
  (/^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'latin1'))
    ? undefined
    : 'only the real root can become another user: this is a user namespace with one');

function statusOf(pid: number): ReadonlyMap<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'latin1').split('\n');
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

async function withConfined(sections: object, body: (cluster: Cluster) => Promise<void>): Promise<void> {
  await withAgents({ ...THREE, sections: { ...STILL, ...sections } }, async (cluster) => {
    chownSync('/run/lab/cluster.key', USER, USER);
    for (const { host } of cluster.agents) chownSync(host.folder, USER, USER);
    for (const agent of cluster.agents) agent.start(sandbox(agent.host));
    // Mounts and a sandbox for each: a busy machine takes its time.
    await cluster.served([cluster.names], 45_000);
    await cluster.joined(cluster.names, 45_000);
    await body(cluster);
  });
}

describe.skipIf(NO_USER !== undefined)('as a user with two capabilities, confined', () => {
  it('really is confined, agent and guardian alike', async () => {
    await withConfined({}, async (cluster) => {
      const agent = cluster.agent('a');
      for (const pid of [agent.pid, guardianPid(agent)]) {
        const status = statusOf(pid);
        expect(status.get('Uid')).toBe(`${USER}\t${USER}\t${USER}\t${USER}`);
        for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
          expect(BigInt(`0x${status.get(set)}`), set).toBe(MASK);
        expect(status.get('NoNewPrivs')).toBe('1');
        if (process.arch === 'x64') expect(status.get('Seccomp')).toBe('2');
      }
      const { host } = agent;
      const tried = await host.exec([
        ...sandbox(host),
        ...[
          'sh',
          '-c',
          'for f in /etc/x /run/x /proc/sys/net/ipv4/ip_forward; do echo 1 >$f && echo wrote $f; done; unshare -n true && echo unshared; touch /tmp/x $0/x && echo ended',
          host.folder,
        ],
      ]);
      expect(tried.stdout).toBe('ended\n');
    });
  });

  it('examines its host before it starts, and is content', async () => {
    await withConfined({}, async (cluster) => {
      const agent = cluster.agent('a');
      const { code, stdout, stderr } = await agent.run(
        ['config', 'check', '--host', agent.configFile],
        sandbox(agent.host),
      );
      expect(code, `${stdout}${stderr}`).toBe(0);
    });
  });

  it('runs hooks without its capabilities, descriptors and priority', async () => {
    const hook = '/run/lab/look';
    const body = 'grep -E "^(Uid|Cap)" /proc/self/status; ls /proc/$$/fd; nice; cat /proc/$$/oom_score_adj';
    writeFileSync(hook, `#!/bin/sh\n{ ${body}; } > /run/lab/$WACKAMOLE_MEMBER/look\n`);
    chmodSync(hook, 0o755);
    await withConfined({ hooks: { on_up: hook } }, async (cluster) => {
      const seen = `${cluster.host('a').folder}/look`;
      const look = () => (existsSync(seen) ? readFileSync(seen, 'latin1').trim().split('\n') : []);
      // Whole, whichever of the hooks wrote it last: its last two lines are the priorities, behind the last descriptor.
      await eventually('the hook has looked', () => look().slice(-3).join(' ') === '2 0 0', 30_000);
      const lines = look();
      expect(lines[0]).toBe(`Uid:\t${USER}\t${USER}\t${USER}\t${USER}`);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
        expect(lines).toContain(`${set}:\t0000000000000000`);
      // 10 and 11 are the shell's own: its script, and where its output went before.
      const rest = lines.slice(lines.findIndex((line) => line.startsWith('CapAmb')) + 1);
      const open = rest.slice(0, -2).filter((fd) => fd !== '10' && fd !== '11');
      expect(open).toEqual(['0', '1', '2']);
      expect(rest.slice(-2)).toEqual(['0', '0']);
    });
  });

  it('killed: the guardian removes its addresses, the others serve', async () => {
    await withConfined({}, async (cluster) => {
      const { victim } = await expectFenced(cluster, (name) => cluster.agent(name).signal('SIGKILL'), {
        what: 'confined agent killed',
        goneWithin: SLACK,
      });
      const sighting = await during(cluster, async () => {
        cluster.agent(victim).start(sandbox(cluster.host(victim)));
        await cluster.joined();
        await cluster.balanced();
      });
      expectNeverTwo(sighting);
      expectOutageBelow(sighting, HANDOFF_MAX);
    });
  });

  it('frozen with its guardian: the kernel removes its addresses', async () => {
    await withConfined({}, async (cluster) => {
      const signalAll = (name: string) => {
        for (const pid of cluster.host(name).processes()) process.kill(pid, 'SIGSTOP');
      };
      await expectFenced(cluster, signalAll, {
        what: 'confined agent and guardian stopped',
        goneWithin: LEASE_BOUND + SLACK,
        goneAfter: 1000,
      });
    });
  });

  it('killed with its guardian: the clean-up needs no more rights than the agent had', async () => {
    await withConfined({ providers: { local: { lease: '60s' } } }, async (cluster) => {
      const victim = await cluster.busiest();
      const agent = cluster.agent(victim);
      const left = await heldBy(cluster, victim);
      agent.host.killAll();
      expect(await heldBy(cluster, victim)).toEqual(left);
      const { code, stdout, stderr } = await agent.run(['cleanup', '--force'], sandbox(agent.host));
      expect(code, stderr).toBe(0);
      expect(stdout.match(/^removed /gm)).toHaveLength(left.length);
      await cluster.served([cluster.others(victim)]);
    });
  });
});
