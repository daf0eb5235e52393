/**
 * A host of the lab on which systemd runs as its first process: process, mount, control group and name spaces of its own over the lab's
 * network, and this machine's files as its own, of which it changes a copy in memory. Nothing of the machine itself is touched: no
 * sysctl, module, device or unit of it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabHost } from '../../src/lab/host.ts';
import { monotonicNow } from '../../src/platform/clock.ts';
import { Cgroup } from './cgroup.ts';
import { NO_WORLD } from './vocabulary.ts';

const SYSTEMD = '/lib/systemd/systemd';
/** Three seconds on an idle machine, ms. */
const BOOTED_MAX = 120_000;

/** What would reach beyond the host, or is of no use in it. */
const MASKED = [
  ...['systemd-sysctl', 'systemd-modules-load', 'systemd-remount-fs', 'systemd-random-seed'],
  ...['systemd-udevd', 'systemd-udev-trigger', 'systemd-update-utmp', 'systemd-tmpfiles-setup-dev'],
  ...['systemd-journal-flush', 'systemd-sysusers', 'systemd-firstboot', 'systemd-tmpfiles-setup'],
].map((name) => `${name}.service`);
const MASKED_OTHERS = [
  ...['sys-kernel-debug', 'sys-kernel-tracing', 'sys-kernel-config', 'dev-hugepages', 'dev-mqueue'],
  'sys-fs-fuse-connections',
].map((name) => `${name}.mount`);

/** `$1`: name, `$2`: folder in the lab, `$3`: folder of the control group. */
const BOOT = `
set -e
echo $$ > "$3/cgroup.procs"
exec unshare --pid --mount --cgroup --uts --ipc --fork --kill-child sh -c '
set -e
hostname "$1"
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$2"
root="$2/root"
mkdir "$root" "$2/upper" "$2/work"
mount -t overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -o remount,bind,ro "$root/sys"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net" && mount -o remount,bind,rw "$root/proc/sys/net"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
# PrivateDevices= looks at it.
ln -s pts/ptmx "$root/dev/ptmx"
# Containers forbid their packages to start anything; this is a host.
rm -rf "$root/etc/systemd/system" "$root/etc/wackamole" "$root/var/log/journal" "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/etc/systemd/system"
for unit in ${[...MASKED, ...MASKED_OTHERS].join(' ')}; do ln -s /dev/null "$root/etc/systemd/system/$unit"; done
printf "[Unit]\\nRequires=basic.target\\nAfter=basic.target\\n" > "$root/etc/systemd/system/lab.target"
echo "$1" > "$root/etc/hostname"
head -c 16 /dev/urandom | od -An -tx1 | tr -d " \\n" > "$root/etc/machine-id"
cd "$root"
pivot_root . mnt
umount -l /mnt
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb ${SYSTEMD} --system --unit=lab.target --log-target=journal
' boot "$1" "$2"
`;

/** Why no host can be booted here; undefined: one can. */
export function bootProblem(): string | undefined {
  if (NO_WORLD !== undefined) return NO_WORLD;
  if (!/^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'latin1')))
    return 'systemd needs the real root, and this is a user namespace with one user';
  if (!existsSync(SYSTEMD)) return `${SYSTEMD} is not here: install the package systemd`;
  const group = Cgroup.make('unified', 'cgroup.procs');
  if (typeof group === 'string') return group;
  rmdirSync(group.folder);
  const overlay =
    'mount -t tmpfs tmpfs /run && mkdir /run/u /run/w /run/r && mount -t overlay -o lowerdir=/,upperdir=/run/u,workdir=/run/w o /run/r';
  const tried = spawnSync('unshare', ['--mount', 'sh', '-c', overlay], { encoding: 'utf8' });
  if (tried.status !== 0) return `no copy of this machine's files can be mounted: ${tried.stderr.trim()}`;
  return undefined;
}

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class BootedHost {
  readonly host: LabHost;
  readonly #child: ChildProcess;
  readonly #group: Cgroup;
  #errors = '';

  private constructor(host: LabHost, child: ChildProcess, group: Cgroup) {
    this.host = host;
    this.#child = child;
    this.#group = group;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** Resolves when systemd has started what it starts by itself. */
  static async boot(host: LabHost): Promise<BootedHost> {
    const group = Cgroup.make('unified', 'cgroup.procs');
    if (typeof group === 'string') throw new Error(group);
    const child = host.spawn(['sh', '-c', BOOT, 'boot', host.name, host.folder, group.folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const booted = new BootedHost(host, child, group);
    await booted.#untilRunning();
    return booted;
  }

  /** Process id of systemd, as it is seen from the world. */
  get #first(): number | undefined {
    const { pid } = this.#child;
    return pid === undefined ? undefined : childrenOf(pid)[0];
  }

  async #untilRunning(): Promise<void> {
    const deadline = monotonicNow() + BOOTED_MAX;
    while (monotonicNow() < deadline && this.#child.exitCode === null) {
      await sleep(50);
      if (this.#first === undefined || commandOf(this.#first) !== SYSTEMD) continue;
      const { stdout } = await this.run(['systemctl', 'is-active', 'lab.target']);
      if (stdout.trim() === 'active') return;
    }
    throw new Error(`systemd did not come up on ${this.host.name}: ${this.#errors}`);
  }

  /** Runs a program on the host, to its end. */
  run(argv: readonly string[], stdin: string | Buffer = ''): Promise<Said> {
    const first = this.#first;
    if (first === undefined) throw new Error(`host ${this.host.name} is down: ${this.#errors}`);
    const inside = [
      '--target',
      String(first),
      '--all',
      '--',
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    ];
    const child = spawn('nsenter', [...inside, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text.stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text.stderr += chunk;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...text }));
    });
  }

  /** What a program that must succeed printed. */
  async must(argv: readonly string[], stdin: string | Buffer = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, stdin);
    if (code === 0) return stdout;
    throw new Error(`${this.host.name}: \`${argv.join(' ')}\` ended with ${code}: ${stderr}${stdout}`);
  }

  write(path: string, content: string | Buffer, mode = '644'): Promise<string> {
    const script = 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"';
    return this.must(['sh', '-c', script, 'write', path, mode], content);
  }

  /** A property of a unit, as `systemctl show` has it. */
  async property(name: string, unit = 'wackamole.service'): Promise<string> {
    return (await this.must(['systemctl', 'show', '--value', '--property', name, unit])).trim();
  }

  /** What the unit's processes and systemd said of it. */
  async journal(unit = 'wackamole.service'): Promise<string> {
    return (await this.run(['journalctl', '--no-pager', '--output', 'cat', '--unit', unit])).stdout;
  }

  /** Pulls the plug. */
  async off(): Promise<void> {
    const first = this.#first;
    if (first !== undefined) process.kill(first, 'SIGKILL');
    while (this.#child.exitCode === null && this.#child.signalCode === null) await sleep(20);
    for (const folder of foldersBelow(this.#group.folder)) await removed(folder);
    await this.#group.remove();
  }
}

/** The innermost first. */
function foldersBelow(folder: string): readonly string[] {
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inner.flatMap(({ name }) => [...foldersBelow(join(folder, name)), join(folder, name)]);
}

async function removed(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      return rmdirSync(folder);
    } catch {
      await sleep(20);
    }
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0];
  } catch {
    return undefined;
  }
}
