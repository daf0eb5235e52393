/** Hosts that a real systemd runs, and the package on them: what the tests of it have in common. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sections } from '../../src/lab/agent-process.ts';
import { Cluster, type ClusterOptions } from '../../src/lab/cluster.ts';
import { BootedHost, bootProblem } from './booted-host.ts';

const PACKAGES = process.env['WACKAMOLE_PACKAGES'] ?? '/nowhere';
/** Why none of it can run here. */
export const packagedProblem = existsSync(PACKAGES)
  ? bootProblem()
  : 'no packages were built: there is no dpkg-deb, or a filter left them out';

export const CONFIG = '/etc/wackamole/wackamole.yaml';
/** Hosts that boot, packages that unpack: a busy machine takes its time, ms. */
export const PATIENCE = 60_000;
export const STRICT = process.env['WACKAMOLE_STRICT'] === '1';
const KEY_FILE = '/etc/wackamole/cluster.key';
const KEY = `${randomBytes(32).toString('hex')}\n`;
/** On a host. */
export const DEB = '/var/tmp/wackamole.deb';

/** The package for this machine. */
export function debFile(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return join(
    PACKAGES,
    readdirSync(PACKAGES).find((name) => name.endsWith(`_${architecture}.deb`)) ?? 'missing',
  );
}

export const debContent = (): Buffer => readFileSync(debFile());

/** Hosts that are up, with nothing installed and nothing configured. */
export async function withBareHosts(
  options: ClusterOptions,
  body: (cluster: Cluster, hosts: readonly BootedHost[]) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.open(options);
  const hosts: BootedHost[] = [];
  try {
    for (const host of cluster.observatory.lab.hosts) hosts.push(await BootedHost.boot(host));
    await body(cluster, hosts);
  } catch (error) {
    const journals = await Promise.all(
      hosts.map(async (host) => `--- ${host.host.name}\n${await host.journal('wackamole*')}`),
    );
    if (error instanceof Error) error.message += `\n${journals.join('\n').slice(-6000)}`;
    throw error;
  } finally {
    for (const host of hosts) await host.off();
    await cluster.close();
  }
}

/** The configuration of an agent on the host, as the lab has it with these changes; at the place where the service looks for it. */
export async function configure(
  cluster: Cluster,
  host: BootedHost,
  { file = CONFIG, sections = {} }: { readonly file?: string; readonly sections?: Sections } = {},
): Promise<void> {
  const group = { key_file: KEY_FILE, ...(sections['group'] as Sections | undefined) };
  const plain = { control: { socket: undefined } };
  const all = cluster.agent(host.host.name).configuration({ ...plain, ...sections, group });
  await host.write(file, JSON.stringify(all));
}

/** The key, which is the agent's: a user that comes with the package, and is made here where it is not there yet. */
export async function giveKey(host: BootedHost): Promise<void> {
  await host.write(KEY_FILE, KEY, '600');
  await host.must(['systemd-sysusers', '-'], 'u wackamole - - /var/lib/wackamole /usr/sbin/nologin\n');
  await host.must(['chown', 'wackamole:', KEY_FILE]);
}

/** What dpkg said. */
export async function installed(host: BootedHost, content: Buffer): Promise<string> {
  await host.write(DEB, content);
  return host.must(['dpkg', '--force-unsafe-io', '--install', DEB]);
}

export const active = (host: BootedHost, unit?: string): Promise<string> =>
  host.property('ActiveState', unit);
