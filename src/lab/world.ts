/**
 * A private world for experiments with networks: its own network, mount and process namespaces. The process starts itself
 * again in there. Whatever happens inside, the machine's own network is not touched, and when the outer process dies,
 * by SIGKILL too, everything inside dies with it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';

/** Written by the world's first process; holds the identity of the world's own network namespace. */
const MARK = '/run/wackamole-world';

const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const AS_ROOT = ['--user', '--map-root-user'];

/**
 * The world's first process: prepares it, then runs what it was given and buries orphans meanwhile. Shared memory that killed programs
 * leave behind goes with the world.
 */
const FIRST_PROCESS = `
set -e
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p /run/netns /run/lab
[ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777 tmpfs /dev/shm || true
ip link set lo up
readlink /proc/self/ns/net > ${MARK}
set +e
"$@"
exit $?`;

/** The kernel, or what is installed, does not let us make a world. The message says what is missing and how to mend it. */
export class WorldRefused extends Error {
  override readonly name = 'WorldRefused';
}

/** Whether this process lives in such a world: only then may the lab change networks. */
export function insideWorld(): boolean {
  try {
    return existsSync(MARK) && readFileSync(MARK, 'utf8').trim() === readlinkSync('/proc/self/ns/net');
  } catch {
    return false;
  }
}

/** For every function that changes a network. */
export function assertInsideWorld(): void {
  if (insideWorld()) return;
  throw new Error('the lab may only run inside its own world: start it through enterWorld()');
}

/** Why no world can be made here; `undefined` when it can. Takes some 20 ms. */
export function worldProblem(): string | undefined {
  const missing = ['unshare', 'nsenter', 'ip', 'setpriv', 'mount'].filter((tool) => !installed(tool));
  if (missing.length > 0) {
    return `missing: ${missing.join(', ')}; install the packages iproute2, mount and util-linux`;
  }
  const attempts = unshareAttempts().map((flags) => tryUnshare(flags));
  return attempts.includes(undefined) ? undefined : attempts.join('; ');
}

/**
 * Runs `argv` (an executable and its arguments) inside a new world with our standard streams; resolves with its exit
 * code (128 + signal number when a signal ended it). Throws {@link WorldRefused} where no world can be made.
 */
export async function enterWorld(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const problem = worldProblem();
  if (problem !== undefined) throw new WorldRefused(refusal(problem));
  const flags = unshareAttempts().find((attempt) => tryUnshare(attempt) === undefined) ?? NAMESPACES;
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'unshare', ...flags, 'sh', '-c', FIRST_PROCESS, 'world', ...argv],
    { stdio: 'inherit', env },
  );
  const stop = (signal: NodeJS.Signals) => endWorld(child.pid, signal);
  const onInterrupt = () => stop('SIGINT');
  const onTerminate = () => stop('SIGTERM');
  process.once('SIGINT', onInterrupt).once('SIGTERM', onTerminate);
  try {
    return await exitCodeOf(child);
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
}

function endWorld(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  process.kill(pid, 'SIGKILL');
  process.exitCode = signal === 'SIGINT' ? 130 : 143;
}

function exitCodeOf(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code !== null) resolve(code);
      else resolve(signal === 'SIGKILL' ? 137 : 143);
    });
  });
}

function unshareAttempts(): readonly (readonly string[])[] {
  const mapped = [...AS_ROOT, ...NAMESPACES];
  return process.getuid?.() === 0 ? [NAMESPACES, mapped] : [mapped];
}

/** `undefined` when the kernel allows it, else what it said. */
function tryUnshare(flags: readonly string[]): string | undefined {
  const tried = spawnSync(
    'unshare',
    [...flags, 'sh', '-c', 'mount -t tmpfs tmpfs /run && ip link set lo up'],
    {
      encoding: 'utf8',
    },
  );
  if (tried.status === 0) return undefined;
  return (tried.stderr ?? '').trim().split('\n')[0] || `unshare ended with ${tried.status ?? tried.signal}`;
}

function installed(tool: string): boolean {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;
  return path.split(':').some((folder) => folder !== '' && existsSync(`${folder}/${tool}`));
}

function refusal(problem: string): string {
  return (
    `cannot make network namespaces here: ${problem}. ` +
    'Run as root, or allow unprivileged user namespaces ' +
    '(sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0, ' +
    'user.max_user_namespaces above 0; in a container: the capability SYS_ADMIN).'
  );
}
