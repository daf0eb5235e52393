/** What the local provider needs of the machine, opened and closed together. */
import type { LocalProviderConfig } from '../../src/config/config.ts';
import { type Capability, hasCapability } from '../../src/platform/capabilities.ts';
import { InterfaceTable } from '../../src/platform/interface-watch.ts';
import { decodeLinkAddress, encodeNeighbourQuestion } from '../../src/platform/neighbour-codec.ts';
import { openRouteRequests, type RouteRequests } from '../../src/platform/netlink.ts';
import { type FrameSender, openFrameSender } from '../../src/platform/packet-socket.ts';
import { AddressBook } from './address-book.ts';
import { SilenceProbe } from './silence.ts';

export interface Host {
  readonly requests: RouteRequests;
  readonly sender: FrameSender;
  readonly interfaces: InterfaceTable;
  readonly addresses: AddressBook;
  readonly silence: SilenceProbe;
  /** Link address of a neighbour (4 or 16 bytes) as the kernel knows it; about 20 µs. */
  readonly linkAddressOf: (interfaceIndex: number, address: Uint8Array) => Uint8Array | undefined;
  close(): void;
}

const NEEDED: readonly { capability: Capability; why: string }[] = [
  { capability: 'CAP_NET_ADMIN', why: 'to put addresses on interfaces' },
  { capability: 'CAP_NET_RAW', why: 'to tell neighbours where an address is' },
];

/** Throws an Error for a person where the rights are missing. */
export function openHost(config: LocalProviderConfig, cluster: string): Host {
  const missing = missingRights();
  if (missing.length > 0) {
    throw new Error(
      `the local provider lacks ${missing.join(' and ')}; run the agent as root, or give its service ` +
        'AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW',
    );
  }
  return open(config, cluster);
}

/** `CAP_X (why)` for each right we need and do not have. */
export function missingRights(): string[] {
  return NEEDED.filter(({ capability }) => !hasCapability(capability)).map(
    ({ capability, why }) => `${capability} (${why})`,
  );
}

function open(config: LocalProviderConfig, cluster: string): Host {
  const requests = openRouteRequests();
  let sender: FrameSender;
  try {
    sender = openFrameSender();
  } catch (error) {
    requests.close();
    throw error;
  }
  const interfaces = new InterfaceTable();
  const linkOf = (index: number) => interfaces.byIndex(index);
  return {
    requests,
    sender,
    interfaces,
    addresses: new AddressBook(requests, { leaseSeconds: leaseSeconds(config), cluster }),
    silence: new SilenceProbe(
      { interval: config.silence_probe_interval_ms, rounds: config.silence_probes },
      { sender, linkOf, links: () => interfaces.all() },
    ),
    linkAddressOf(interfaceIndex, bytes) {
      const answer = requests.ask(encodeNeighbourQuestion({ interfaceIndex, bytes }));
      return typeof answer === 'number' ? undefined : decodeLinkAddress(answer);
    },
    close() {
      requests.close();
      sender.close();
    },
  };
}

/** The kernel counts whole seconds. */
export function leaseSeconds(config: Pick<LocalProviderConfig, 'lease_ms'>): number {
  return Math.floor(config.lease_ms / 1000);
}
