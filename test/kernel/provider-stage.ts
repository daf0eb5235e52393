/**
 * A stage for the local provider: a bridge in this process's own network namespace, its interface `vip0`, and neighbours
 * in namespaces of their own. Everything is taken down by `end`.
 */
import { execFileSync } from 'node:child_process';
import { createLocalProvider } from '../../providers/local/provider.ts';
import type { LocalProviderConfig } from '../../src/config/config.ts';
import type { Vip } from '../../src/model/vip.ts';
import type { Provider } from '../../src/provider/provider.ts';

/** The interface under test; its far end is in the neighbour's namespace. */
export const INTERFACE = 'vip0';
const FAR_END = 'far0';
export const CLUSTER = 'stage';

export const QUICK: LocalProviderConfig = {
  kind: 'local',
  interface: INTERFACE,
  lease_ms: 3000,
  renew_interval_ms: 500,
  guardian_timeout_ms: 1000,
  announce_repeat_ms: [50, 150],
  probe_always: false,
  silence_probe_interval_ms: 5,
  silence_probes: 3,
  carrier_hold_ms: 100,
};

export function run(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export function vip(id: string, ...addresses: readonly string[]): Vip {
  return {
    id,
    addresses: addresses.map((text) => {
      const [address = '', prefix] = text.split('/');
      const family = address.includes(':') ? 6 : 4;
      return { family, address, prefixLength: Number(prefix ?? (family === 4 ? 32 : 128)) };
    }),
    prefer: [],
    weight: 1,
    policy: 'component',
    providers: ['local'],
  };
}

let stages = 0;

export class Stage {
  readonly neighbour: string;

  constructor() {
    this.neighbour = `neighbour${process.pid}-${++stages}`;
  }

  begin(): void {
    run(`ip netns add ${this.neighbour}`);
    this.#addPair();
    run('ip link set lo up');
  }

  /** A fresh pair of interfaces, this end up with an address of its own. */
  #addPair(): void {
    run(`ip link add ${INTERFACE} type veth peer name ${FAR_END} netns ${this.neighbour}`);
    run(`ip address add 10.77.0.1/24 dev ${INTERFACE}; ip link set ${INTERFACE} up`);
    this.inNeighbour(`ip address add 10.77.0.2/24 dev ${FAR_END}; ip link set ${FAR_END} up`);
    // The kernel tells of a carrier some time after it has it.
    run(
      `for try in $(seq 500); do ip link show ${INTERFACE} | grep -q 'state UP' && exit; sleep 0.01; done; exit 1`,
    );
  }

  inNeighbour(command: string): string {
    return run(`ip netns exec ${this.neighbour} sh -c '${command}'`);
  }

  get farEnd(): string {
    return FAR_END;
  }

  get neighbourPath(): string {
    return `/run/netns/${this.neighbour}`;
  }

  deleteInterface(): void {
    run(`ip link delete ${INTERFACE}`);
  }

  recreateInterface(): void {
    this.#addPair();
  }

  setCarrier(on: boolean): void {
    this.inNeighbour(`ip link set ${FAR_END} ${on ? 'up' : 'down'}`);
  }

  /** Addresses on our interface beside its own and the link-local ones. */
  addresses(): string[] {
    return run(`ip -o address show dev ${INTERFACE} 2>/dev/null || true`)
      .split('\n')
      .flatMap((line) => /inet6? (\S+)/.exec(line)?.[1] ?? [])
      .filter((address) => address !== '10.77.0.1/24' && !address.startsWith('fe80'))
      .sort();
  }

  provider(changes: Partial<LocalProviderConfig> = {}): Provider {
    return createLocalProvider('local', { config: { ...QUICK, ...changes }, cluster: CLUSTER });
  }

  end(): void {
    run(`ip link delete ${INTERFACE} 2>/dev/null || true; ip netns delete ${this.neighbour}`);
  }
}
