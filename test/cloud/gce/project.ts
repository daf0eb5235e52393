/**
 * The state of a make-believe project: instances with their interfaces, reserved addresses, routes, operations. An alias range lies on
 * one interface at most. Changes tell their listeners at once (the data path); reads may show an older state (`lag`).
 */

export interface NicState {
  readonly name: string;
  readonly network: string;
  readonly subnet: string;
  readonly primary: string;
  readonly mac: string;
  fingerprint: string;
  aliases: { readonly range: string; readonly rangeName?: string }[];
  accessConfigs: { readonly name: string; readonly natIp: string }[];
}

export interface InstanceState {
  readonly name: string;
  readonly zone: string;
  status: string;
  canIpForward: boolean;
  readonly labels: Record<string, string>;
  readonly metadata: Record<string, string>;
  readonly guestAttributes: Record<string, string>;
  readonly nics: NicState[];
}

export interface SubnetState {
  readonly name: string;
  readonly network: string;
  readonly cidr: string;
  readonly secondary: readonly { readonly name: string; readonly cidr: string }[];
}

export interface RouteState {
  readonly id: string;
  readonly name: string;
  readonly network: string;
  readonly destination: string;
  readonly priority: number;
  readonly description: string;
  /** URL. */
  readonly instance: string;
}

export interface State {
  readonly instances: Map<string, InstanceState>;
  readonly subnets: Map<string, SubnetState>;
  /** External addresses that are reserved, by name. */
  readonly addresses: Map<string, string>;
  readonly routes: Map<string, RouteState>;
}

/** Somebody got or lost an address. */
export interface Move {
  readonly address: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export class Project {
  readonly id = 'proj-test';
  readonly region = 'europe-west3';
  readonly network = 'net';
  /** Of one interface (quotas page, "Alias IP ranges per network interface"): a knob, since it has changed over the years. */
  aliasesPerNic = 100;
  readonly state: State = {
    instances: new Map(),
    subnets: new Map(),
    addresses: new Map(),
    routes: new Map(),
  };
  readonly moves: Move[] = [];
  /** Reads show the state of so long ago, ms. */
  lag = 0;
  readonly #history: { readonly at: number; readonly state: State }[] = [];
  readonly #listeners = new Set<() => void>();
  #number = 1000;
  #holders = new Map<string, string>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  number(): number {
    this.#number += 1;
    return this.#number;
  }

  fingerprint(): string {
    return Buffer.from(String(this.number())).toString('base64');
  }

  /** To be called before a change, so that older states can be shown. */
  remember(): void {
    this.#history.push({ at: performance.now(), state: structuredClone(this.state) });
    // Bounded: a long test would otherwise keep every state.
    while (this.#history.length > 400) this.#history.shift();
  }

  get shown(): State {
    if (this.lag === 0) return this.state;
    const at = performance.now() - this.lag;
    return this.#history.find((entry) => entry.at > at)?.state ?? this.state;
  }

  /** To be called after a change. */
  changed(): void {
    const holders = this.holders();
    for (const address of new Set([...holders.keys(), ...this.#holders.keys()])) {
      const [from, to] = [this.#holders.get(address), holders.get(address)];
      if (from !== to) this.moves.push({ address, from, to });
    }
    this.#holders = holders;
    for (const listener of this.#listeners) listener();
  }

  /** Names of instances by the address that leads there: aliases of the network, external addresses, routes. */
  holders(): Map<string, string> {
    const holders = new Map<string, string>();
    for (const { name, nics } of this.state.instances.values())
      for (const { aliases, accessConfigs, network } of nics) {
        if (network === this.network)
          for (const { range } of aliases) holders.set(range.replace('/32', ''), name);
        for (const { natIp } of accessConfigs) holders.set(natIp, name);
      }
    for (const { destination, instance } of this.state.routes.values())
      holders.set(destination.replace('/32', ''), instance.split('/').at(-1)!);
    return holders;
  }

  addSubnet(name: string, cidr: string, secondary: SubnetState['secondary'] = []): SubnetState {
    const subnet = { name, network: this.network, cidr, secondary };
    this.state.subnets.set(name, subnet);
    return subnet;
  }

  addInstance(
    name: string,
    {
      zone = `${this.region}-a`,
      subnet = 'sub',
      network = this.network,
      primary,
      labels = {},
      canIpForward = true,
      metadata = {},
      natIp,
    }: {
      readonly zone?: string;
      readonly subnet?: string;
      readonly network?: string;
      readonly primary: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly canIpForward?: boolean;
      readonly metadata?: Readonly<Record<string, string>>;
      readonly natIp?: string;
    },
  ): InstanceState {
    const instance: InstanceState = {
      name,
      zone,
      status: 'RUNNING',
      canIpForward,
      labels: { ...labels },
      metadata: { 'enable-guest-attributes': 'TRUE', ...metadata },
      guestAttributes: {},
      nics: [
        {
          name: 'nic0',
          network,
          subnet,
          primary,
          mac: `42:01:${primary
            .split('.')
            .map((part) => Number(part).toString(16).padStart(2, '0'))
            .join(':')}`,
          fingerprint: this.fingerprint(),
          aliases: [],
          accessConfigs: natIp === undefined ? [] : [{ name: 'External NAT', natIp }],
        },
      ],
    };
    this.state.instances.set(name, instance);
    return instance;
  }

  removeInstance(name: string): void {
    this.remember();
    this.state.instances.delete(name);
    // A route whose instance is gone stays, and leads nowhere.
    this.changed();
  }

  url(instance: InstanceState): string {
    return `https://www.googleapis.com/compute/v1/projects/${this.id}/zones/${instance.zone}/instances/${instance.name}`;
  }
}
