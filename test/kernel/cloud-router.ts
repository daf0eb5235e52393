/**
 * The ground that make-believe clouds stand on: a router (a namespace of its own) behind which a client is, a network of all hosts, and
 * routes that lead each address to the host that the cloud says. What the cloud is, the caller knows.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { ip } from '../../src/lab/iproute.ts';
import { CLIENT_NETNS } from '../../src/lab/lab.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';

const ROUTER = 'cloud';
/** Of the hosts in the cloud. */
export const CLOUD_DEVICE = 'eth9';
export const CLOUD_SUBNET = '10.78.0.0/16';
export const CLOUD_ROUTER = '10.78.0.1';

/**
 * Where an address leads: to a host by its own address there, or (`undefined`) to whoever answers for it on the link; `public`: the host
 * does not have it, and is asked under its own.
 */
export interface Way {
  readonly host: string | undefined;
  readonly public: boolean;
}

export class CloudRouter {
  readonly #addresses: readonly string[];
  readonly #ways = new Map<string, Way>();

  private constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  /** Cables every host and the client; `addresses`: those that the client reaches through the router. */
  static async open(hosts: readonly string[], addresses: readonly string[]): Promise<CloudRouter> {
    const router = new CloudRouter(addresses);
    await ip([`netns add ${ROUTER}`]);
    const bridge = ['link add fab type bridge', 'link set fab up', `addr add ${CLOUD_ROUTER}/16 dev fab`];
    await ip(['link set lo up', ...bridge], ROUTER);
    for (const [at, name] of hosts.entries()) await cable(name, `${CloudRouter.addressOf(at)}/16`);
    await cable(CLIENT_NETNS, '10.79.0.2/24');
    await ip(['addr add 10.79.0.1/24 dev v-client'], ROUTER);
    await ip(
      addresses.map((address) => `route add ${address}/32 via 10.79.0.1`),
      CLIENT_NETNS,
    );
    router.within(() => {
      for (const [file, value] of [
        ['ip_forward', '1'],
        ['conf/all/send_redirects', '0'],
        ['conf/fab/send_redirects', '0'],
        ['conf/all/rp_filter', '0'],
      ])
        writeFileSync(`/proc/sys/net/ipv4/${file}`, value!);
    });
    return router;
  }

  /** Of a host in the cloud, by its place in the list. */
  static addressOf(at: number): string {
    return `10.78.0.${11 + at}`;
  }

  /** Does something in the router's network; what begins to listen there is reached by all hosts. */
  within<T>(action: () => T): T {
    return insideNetworkNamespace(`/run/netns/${ROUTER}`, action);
  }

  /** The host's interface in the cloud: dead, as when its power is off, or alive. */
  async connect(host: string, alive: boolean): Promise<void> {
    await ip([`link set v-${host} ${alive ? 'up' : 'down'}`], ROUTER);
  }

  /** Leads each address as `wayOf` says; undefined: nowhere. At once. */
  follow(wayOf: (address: string) => Way | undefined): void {
    const lines: string[] = [];
    let translations = false;
    for (const address of this.#addresses) {
      const [before, way] = [this.#ways.get(address), wayOf(address)];
      if (wordsOf(before) === wordsOf(way)) continue;
      if (way === undefined) this.#ways.delete(address);
      else this.#ways.set(address, way);
      if ((way ?? before)?.public === true) translations = true;
      else if (way === undefined) lines.push(`route del ${address}/32`);
      else lines.push(`route replace ${address}/32 ${wordsOf(way)}`);
    }
    if (lines.length > 0) run(['ip', '-n', ROUTER, '-force', '-batch', '-'], `${lines.join('\n')}\n`);
    if (translations) this.#translate();
  }

  async close(): Promise<void> {
    await ip([`netns del ${ROUTER}`]);
  }

  /** One to one, and without memory, so that a flow under way moves along. */
  #translate(): void {
    const rules = [...this.#ways]
      .filter(([, way]) => way.public)
      .flatMap(([address, { host }]) => [
        `iifname "v-client" ip daddr ${address} ip daddr set ${host}`,
        `iifname "fab" ip saddr ${host} ip daddr 10.79.0.0/24 ip saddr set ${address}`,
      ]);
    const table = `table ip eip {\nchain pre { type filter hook prerouting priority raw;\n${rules.join('\n')}\n}\n}\n`;
    run(['ip', 'netns', 'exec', ROUTER, 'nft', '-f', '-'], `table ip eip {}\ndelete table ip eip\n${table}`);
  }
}

function wordsOf(way: Way | undefined): string {
  if (way === undefined) return 'nowhere';
  return way.host === undefined ? 'dev fab' : `via ${way.host}`;
}

async function cable(name: string, address: string): Promise<void> {
  const isClient = name === CLIENT_NETNS;
  await ip([`link add ${CLOUD_DEVICE} netns ${name} type veth peer name v-${name} netns ${ROUTER}`]);
  await ip([isClient ? `link set v-${name} up` : `link set v-${name} up master fab`], ROUTER);
  const routes = isClient ? [] : [`route add 10.79.0.0/24 via ${CLOUD_ROUTER}`];
  await ip(
    [`link set ${CLOUD_DEVICE} addrgenmode none up`, `addr add ${address} dev ${CLOUD_DEVICE}`, ...routes],
    name,
  );
}

function run([command, ...argv]: readonly string[], input: string): void {
  const { status, stderr } = spawnSync(command!, argv, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${argv.join(' ')}: ${stderr}`);
}
