/** One look of a health check at the world: bounded by its signal, never rejects, changes nothing. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import type { HealthProbe } from '../config/config.ts';
import { openRouteRequests } from '../platform/netlink.ts';
import type { Result } from './damper.ts';
import { parseProcessName } from './process-name.ts';

/** Looks that need no program; `look` of a command is the runner's affair (`watch.ts`). */
export type SimpleProbe = Exclude<HealthProbe, { kind: 'command' }>;

/** The signal aborts at the end of the time: what was not found by then is not there. */
export async function look(probe: SimpleProbe, signal: AbortSignal): Promise<Result> {
  try {
    switch (probe.kind) {
      case 'tcp':
        return await lookAtPort(probe, signal);
      case 'interface':
        return lookAtInterface(probe.interface);
      case 'process':
        return await lookForProcess(probe.process, signal);
      case 'file':
        return await lookForFile(probe);
    }
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function lookAtPort({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<Result> {
  const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: Result) => {
      signal.removeEventListener('abort', late);
      socket.destroy();
      resolve(result);
    };
    const late = () => end({ ok: false, detail: `${where} does not answer` });
    signal.addEventListener('abort', late, { once: true });
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      const why =
        code === 'ECONNREFUSED' ? 'refuses connections' : `cannot be reached (${code ?? 'unknown'})`;
      end({ ok: false, detail: `${where} ${why}` });
    });
    socket.once('connect', () => end({ ok: true, detail: `${where} accepts connections` }));
  });
}

/** Asked of the kernel by netlink: a mounted sysfs may show the interfaces of another network namespace. */
function lookAtInterface(name: string): Result {
  const requests = openRouteRequests();
  try {
    const link = requests.links().find((one) => one.name === name);
    if (link === undefined) return { ok: false, detail: `there is no interface ${name}` };
    if (!link.up) return { ok: false, detail: `${name} is down` };
    return { ok: link.carrier, detail: `${name} has ${link.carrier ? 'a' : 'no'} carrier` };
  } finally {
    requests.close();
  }
}

/** Where each program was seen last: as long as it is there nobody else is looked at. */
const lastSeen = new Map<string, string>();

async function lookForProcess(name: string, signal: AbortSignal): Promise<Result> {
  const seen = lastSeen.get(name);
  if (seen !== undefined && (await isProcess(seen, name)))
    return { ok: true, detail: `${name} runs as ${seen}` };
  lastSeen.delete(name);
  for (const pid of await readdir('/proc')) {
    if (signal.aborted) return { ok: false, detail: 'the list of processes could not be read in time' };
    if (!/^\d+$/.test(pid) || !(await isProcess(pid, name))) continue;
    lastSeen.set(name, pid);
    return { ok: true, detail: `${name} runs as ${pid}` };
  }
  return { ok: false, detail: `no process ${name} is running` };
}

async function isProcess(pid: string, name: string): Promise<boolean> {
  try {
    const [status, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile(`/proc/${pid}/cmdline`, 'latin1'),
    ]);
    return parseProcessName(status, command).includes(name);
  } catch {
    return false;
  }
}

async function lookForFile({ path, present }: { path: string; present: boolean }): Promise<Result> {
  const there = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw error;
    },
  );
  return { ok: there === present, detail: `${path} is ${there ? 'there' : 'not there'}` };
}
