/**
 * The state of a make-believe region: one register for each address, as EC2 has it. Changes tell their listeners at once (the data path);
 * Describe calls may show an older state (`lag`), since EC2 promises eventual consistency alone.
 */

export interface EniState {
  readonly id: string;
  readonly subnet: string;
  readonly instance: string | undefined;
  readonly deviceIndex: number;
  readonly mac: string;
  readonly primary: string;
  sourceDestCheck: boolean;
  readonly description: string;
  readonly secondaries: Set<string>;
  readonly ipv6: Set<string>;
  /** Of another account in a shared subnet: its interfaces are not shown to us (VPC user guide, "Share your VPC subnets"). */
  readonly hidden: boolean;
}

export interface ElasticIpState {
  readonly address: string;
  readonly allocation: string;
  association: { readonly id: string; readonly eni: string; readonly privateAddress: string } | undefined;
}

export interface RouteState {
  readonly destination: string;
  eni: string | undefined;
  gateway?: string;
}

export interface TableState {
  readonly id: string;
  readonly main: boolean;
  readonly subnets: readonly string[];
  readonly routes: Map<string, RouteState>;
}

export interface SubnetState {
  readonly id: string;
  readonly cidr: string;
  readonly ipv6Cidr?: string;
  readonly zone: string;
  readonly vpc: string;
}

export interface State {
  readonly enis: Map<string, EniState>;
  readonly elasticIps: Map<string, ElasticIpState>;
  readonly tables: Map<string, TableState>;
  readonly subnets: Map<string, SubnetState>;
  readonly tags: Map<string, Map<string, string>>;
}

export interface RegionOptions {
  readonly name?: string;
  readonly account?: string;
  readonly vpc?: string;
  readonly vpcCidr?: string;
  readonly instanceType?: string;
  /** The primary counts (EC2 user guide, "IP addresses per network interface"). */
  readonly ipv4PerInterface?: number;
  readonly ipv6PerInterface?: number;
}

/** Who holds an address, at the border of two changes. */
export interface Move {
  readonly register: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export class Region {
  readonly name: string;
  readonly account: string;
  readonly vpc: string;
  readonly vpcCidr: string;
  readonly instanceType: string;
  readonly ipv4PerInterface: number;
  readonly ipv6PerInterface: number;
  readonly state: State = {
    enis: new Map(),
    elasticIps: new Map(),
    tables: new Map(),
    subnets: new Map(),
    tags: new Map(),
  };
  /** Every change of who holds what, oldest first. */
  readonly moves: Move[] = [];
  /** Addresses that nobody gets though nobody has them, as of a reservation in the subnet, with what EC2 says then. */
  readonly kept = new Map<string, string>();
  /** Describe calls show the state of so long ago, ms. */
  lag = 0;
  readonly #history: { readonly at: number; readonly state: State }[] = [];
  readonly #listeners = new Set<() => void>();
  #number = 0;

  constructor(options: RegionOptions = {}) {
    this.name = options.name ?? 'eu-test-1';
    this.account = options.account ?? '123456789012';
    this.vpc = options.vpc ?? 'vpc-0a0a0a0a0a0a0a0a0';
    this.vpcCidr = options.vpcCidr ?? '10.0.0.0/16';
    this.instanceType = options.instanceType ?? 'm5.24xlarge';
    this.ipv4PerInterface = options.ipv4PerInterface ?? 50;
    this.ipv6PerInterface = options.ipv6PerInterface ?? 50;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A fresh id. */
  id(prefix: string): string {
    this.#number += 1;
    return `${prefix}-${this.#number.toString(16).padStart(17, '0')}`;
  }

  /** To be called before a change, so that older states can be shown. */
  remember(): void {
    const now = performance.now();
    this.#history.push({ at: now, state: structuredClone(this.state) });
    while (this.#history.length > 1 && this.#history[1]!.at < now - 60_000) this.#history.shift();
    // Bounded: a long test would otherwise keep every state.
    while (this.#history.length > 400) this.#history.shift();
  }

  changed(move?: Move): void {
    if (move !== undefined && move.from !== move.to) this.moves.push(move);
    for (const listener of this.#listeners) listener();
  }

  /** What a Describe call shows. Entry i of the history was true until its `at`. */
  get shown(): State {
    if (this.lag === 0) return this.state;
    const at = performance.now() - this.lag;
    return this.#history.find((entry) => entry.at > at)?.state ?? this.state;
  }

  addSubnet(
    cidr: string,
    options: { readonly ipv6Cidr?: string; readonly zone?: string; readonly vpc?: string } = {},
  ): SubnetState {
    const subnet: SubnetState = {
      id: this.id('subnet'),
      cidr,
      zone: options.zone ?? `${this.name}a`,
      vpc: options.vpc ?? this.vpc,
      ...(options.ipv6Cidr !== undefined && { ipv6Cidr: options.ipv6Cidr }),
    };
    this.state.subnets.set(subnet.id, subnet);
    return subnet;
  }

  /** An interface with its instance; `member` carries the cluster's mark. */
  addEni(
    subnet: SubnetState,
    primary: string,
    options: {
      readonly instance?: string;
      readonly deviceIndex?: number;
      readonly mac?: string;
      readonly sourceDestCheck?: boolean;
      readonly tags?: Readonly<Record<string, string>>;
      readonly description?: string;
      readonly hidden?: boolean;
    } = {},
  ): EniState {
    const id = this.id('eni');
    const number = this.#number;
    const eni: EniState = {
      id,
      subnet: subnet.id,
      instance: options.instance ?? this.id('i'),
      deviceIndex: options.deviceIndex ?? 0,
      mac:
        options.mac ??
        `02:00:00:00:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`,
      primary,
      sourceDestCheck: options.sourceDestCheck ?? true,
      description: options.description ?? '',
      secondaries: new Set(),
      ipv6: new Set(),
      hidden: options.hidden ?? false,
    };
    this.state.enis.set(id, eni);
    this.tag(id, options.tags ?? {});
    return eni;
  }

  addElasticIp(address: string): ElasticIpState {
    const elastic: ElasticIpState = { address, allocation: this.id('eipalloc'), association: undefined };
    this.state.elasticIps.set(elastic.allocation, elastic);
    return elastic;
  }

  addTable(
    options: {
      readonly main?: boolean;
      readonly subnets?: readonly string[];
      readonly tags?: Readonly<Record<string, string>>;
    } = {},
  ): TableState {
    const table: TableState = {
      id: this.id('rtb'),
      main: options.main ?? false,
      subnets: options.subnets ?? [],
      routes: new Map(),
    };
    this.state.tables.set(table.id, table);
    this.tag(table.id, options.tags ?? {});
    return table;
  }

  tag(resource: string, tags: Readonly<Record<string, string>>): void {
    const all = this.state.tags.get(resource) ?? new Map<string, string>();
    for (const [key, value] of Object.entries(tags)) all.set(key, value);
    this.state.tags.set(resource, all);
  }

  /** Of the interface, by its subnet. */
  vpcOf({ subnet }: EniState): string {
    return this.state.subnets.get(subnet)?.vpc ?? this.vpc;
  }

  /** The interface that has the address, primary or not; each VPC has addresses of its own. */
  holderOf(address: string, vpc = this.vpc): EniState | undefined {
    for (const eni of this.state.enis.values())
      if (this.vpcOf(eni) === vpc && hasAddress(eni, address)) return eni;
    return undefined;
  }

  elasticIp(address: string): ElasticIpState | undefined {
    return [...this.state.elasticIps.values()].find((each) => each.address === address);
  }

  /** Deletes an interface as when its instance is terminated. */
  removeEni(id: string): void {
    this.remember();
    this.state.enis.delete(id);
    for (const elastic of this.state.elasticIps.values())
      if (elastic.association?.eni === id) elastic.association = undefined;
    this.changed();
  }
}

function hasAddress({ primary, secondaries, ipv6 }: EniState, address: string): boolean {
  return primary === address || secondaries.has(address) || ipv6.has(address);
}
