/**
 * A make-believe VPC whose routing really moves packets: a router (a namespace of its own) that sends each address to the host whose interface
 * has it by the API's word, an API that all hosts reach by a network of its own, and a client behind the router.
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { ip } from '../../src/lab/iproute.ts';
import { CLIENT_NETNS } from '../../src/lab/lab.ts';
import { insideNetworkNamespace } from '../../src/platform/libc.ts';
import { FakeEc2 } from '../cloud/ec2/fake-ec2.ts';
import { type EniState, Region } from '../cloud/ec2/region.ts';

const ROUTER = 'vpc';
const ROUTER_PATH = `/run/netns/${ROUTER}`;
const API_PORT = 8473;
/** Of the hosts' interfaces in the VPC. */
const SUBNET = '10.78.0.0/16';
export const API = `http://10.78.0.1:${API_PORT}`;
export const DEVICE = 'eth9';

export class Vpc {
  readonly region = new Region({ vpcCidr: SUBNET, ipv4PerInterface: 200 });
  readonly fake = new FakeEc2(this.region);
  readonly enis = new Map<string, EniState>();
  readonly #addresses: readonly string[];
  readonly #routed = new Map<string, string>();

  private constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  /** Cables every host and the client; `addresses`: those whose holder the router follows. */
  static async open(hosts: readonly string[], addresses: readonly string[]): Promise<Vpc> {
    const vpc = new Vpc(addresses);
    await ip([`netns add ${ROUTER}`]);
    await ip(
      ['link set lo up', 'link add fab type bridge', 'link set fab up', 'addr add 10.78.0.1/16 dev fab'],
      ROUTER,
    );
    const ends = [
      ...hosts.map((name, at) => [name, `10.78.0.${11 + at}/16`] as const),
      [CLIENT_NETNS, '10.79.0.2/24'] as const,
    ];
    for (const [name, address] of ends) await vpc.#cable(name, address);
    await ip(['addr add 10.79.0.1/24 dev v-client'], ROUTER);
    for (const address of addresses) await ip([`route add ${address}/32 via 10.79.0.1`], CLIENT_NETNS);
    insideNetworkNamespace(ROUTER_PATH, () => {
      for (const [file, value] of [
        ['ip_forward', '1'],
        ['conf/all/send_redirects', '0'],
        ['conf/fab/send_redirects', '0'],
        ['conf/all/rp_filter', '0'],
      ])
        writeFileSync(`/proc/sys/net/ipv4/${file}`, value!);
    });
    const subnet = vpc.region.addSubnet(SUBNET);
    for (const [at, name] of hosts.entries()) {
      const eni = vpc.region.addEni(subnet, `10.78.0.${11 + at}`, {
        description: `host ${name}`,
        sourceDestCheck: false,
      });
      // A second private address, for a second Elastic IP.
      eni.secondaries.add(`10.78.2.${11 + at}`);
      await ip([`addr add 10.78.2.${11 + at}/32 dev ${DEVICE}`], name);
      vpc.enis.set(name, eni);
    }
    await insideNetworkNamespace(ROUTER_PATH, () => vpc.fake.listen(API_PORT));
    vpc.region.onChange(() => vpc.#follow());
    return vpc;
  }

  async close(): Promise<void> {
    await this.fake.close();
    await ip([`netns del ${ROUTER}`]);
  }

  /** Name of the host whose interface has the address; undefined: none. */
  holder(address: string): string | undefined {
    const eni = this.#eniOf(address);
    return [...this.enis].find(([, { id }]) => id === eni)?.[0];
  }

  /** How often addresses moved to an interface since `from` moves. */
  movesTo(host: string, from = 0): number {
    const id = this.enis.get(host)?.id;
    return this.region.moves.slice(from).filter(({ to }) => to === id).length;
  }

  async #cable(name: string, address: string): Promise<void> {
    await ip([`link add ${DEVICE} netns ${name} type veth peer name v-${name} netns ${ROUTER}`]);
    await ip([name === CLIENT_NETNS ? `link set v-${name} up` : `link set v-${name} up master fab`], ROUTER);
    const routes = name === CLIENT_NETNS ? [] : ['route add 10.79.0.0/24 via 10.78.0.1'];
    await ip(
      [`link set ${DEVICE} addrgenmode none up`, `addr add ${address} dev ${DEVICE}`, ...routes],
      name,
    );
  }

  #eniOf(address: string): string | undefined {
    const elastic = this.region.elasticIp(address);
    if (elastic !== undefined) return elastic.association?.eni;
    for (const { routes } of this.region.state.tables.values()) {
      const route = routes.get(`${address}/32`);
      if (route !== undefined) return route.eni;
    }
    return this.region.holderOf(address)?.id;
  }

  /** Where the router sends it: an Elastic IP to the private address it lies on. */
  #hostOf(address: string, eni: string | undefined): string | undefined {
    const association = this.region.elasticIp(address)?.association;
    return (
      association?.privateAddress ??
      (eni === undefined ? undefined : this.region.state.enis.get(eni)?.primary)
    );
  }

  /** The data path follows the register at once. */
  #follow(): void {
    const lines: string[] = [];
    let translations = false;
    for (const address of this.#addresses) {
      const eni = this.#eniOf(address);
      const host = this.#hostOf(address, eni);
      if (this.#routed.get(address) === host) continue;
      if (host === undefined) this.#routed.delete(address);
      else this.#routed.set(address, host);
      if (this.region.elasticIp(address) !== undefined) translations = true;
      else
        lines.push(
          host === undefined ? `route del ${address}/32` : `route replace ${address}/32 via ${host}`,
        );
    }
    if (lines.length > 0) run(['ip', '-n', ROUTER, '-force', '-batch', '-'], `${lines.join('\n')}\n`);
    if (translations) this.#translate();
  }

  /** One to one, and without memory, so that a flow under way moves along. */
  #translate(): void {
    const rules = [...this.#routed].flatMap(([address, host]) =>
      this.region.elasticIp(address) === undefined
        ? []
        : [
            `iifname "v-client" ip daddr ${address} ip daddr set ${host}`,
            `iifname "fab" ip saddr ${host} ip daddr 10.79.0.0/24 ip saddr set ${address}`,
          ],
    );
    const table = `table ip eip {\nchain pre { type filter hook prerouting priority raw;\n${rules.join('\n')}\n}\n}\n`;
    run(['ip', 'netns', 'exec', ROUTER, 'nft', '-f', '-'], `table ip eip {}\ndelete table ip eip\n${table}`);
  }
}

function run([command, ...argv]: readonly string[], input: string): void {
  const { status, stderr } = spawnSync(command!, argv, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${argv.join(' ')}: ${stderr}`);
}
