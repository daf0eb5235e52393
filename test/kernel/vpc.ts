/** A make-believe VPC on a router that follows it: an API that all hosts reach, and an interface for each of them. */
import { ip } from '../../src/lab/iproute.ts';
import { FakeEc2 } from '../cloud/ec2/fake-ec2.ts';
import { type EniState, Region } from '../cloud/ec2/region.ts';
import { CLOUD_DEVICE, CLOUD_ROUTER, CLOUD_SUBNET, CloudRouter, type Way } from './cloud-router.ts';

const API_PORT = 8473;
export const API = `http://${CLOUD_ROUTER}:${API_PORT}`;

export class Vpc {
  readonly region = new Region({ vpcCidr: CLOUD_SUBNET, ipv4PerInterface: 200 });
  readonly fake = new FakeEc2(this.region);
  readonly enis = new Map<string, EniState>();
  readonly router: CloudRouter;
  readonly #onLink: (address: string) => boolean;

  private constructor(router: CloudRouter, onLink: (address: string) => boolean) {
    this.router = router;
    this.#onLink = onLink;
  }

  /**
   * Cables every host and the client; `addresses`: those whose holder the router follows, on the link rather than by the VPC where
   * `onLink` says so.
   */
  static async open(
    hosts: readonly string[],
    addresses: readonly string[],
    onLink: (address: string) => boolean = () => false,
  ): Promise<Vpc> {
    const vpc = new Vpc(await CloudRouter.open(hosts, addresses), onLink);
    const subnet = vpc.region.addSubnet(CLOUD_SUBNET);
    for (const [at, name] of hosts.entries()) {
      const eni = vpc.region.addEni(subnet, CloudRouter.addressOf(at), {
        description: `host ${name}`,
        sourceDestCheck: false,
      });
      // A second private address, for a second Elastic IP.
      eni.secondaries.add(`10.78.2.${11 + at}`);
      await ip([`addr add 10.78.2.${11 + at}/32 dev ${CLOUD_DEVICE}`], name);
      vpc.enis.set(name, eni);
    }
    await vpc.router.within(() => vpc.fake.listen(API_PORT));
    vpc.region.onChange(() => vpc.follow());
    return vpc;
  }

  /** Leads every address anew. */
  follow(): void {
    this.router.follow((address) => this.#wayOf(address));
  }

  async close(): Promise<void> {
    await this.fake.close();
    await this.router.close();
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

  #eniOf(address: string): string | undefined {
    const elastic = this.region.elasticIp(address);
    if (elastic !== undefined) return elastic.association?.eni;
    for (const { routes } of this.region.state.tables.values()) {
      const route = routes.get(`${address}/32`);
      if (route !== undefined) return route.eni;
    }
    return this.region.holderOf(address)?.id;
  }

  /** An Elastic IP leads to the private address it lies on. */
  #wayOf(address: string): Way | undefined {
    if (this.#onLink(address)) return { host: undefined, public: false };
    const elastic = this.region.elasticIp(address);
    const eni = this.#eniOf(address);
    const host =
      elastic?.association?.privateAddress ??
      (eni === undefined ? undefined : this.region.state.enis.get(eni)?.primary);
    return host === undefined ? undefined : { host, public: elastic !== undefined };
  }
}
