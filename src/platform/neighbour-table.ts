/**
 * The kernel's neighbour table (`man 7 arp`), as far as it keeps hosts apart that could hear each other again: while a neighbour
 * does not answer, the kernel asks for its link address once a second, and whatever is sent to it waits that long.
 * Touches the entries of the addresses it is given alone, and of these only such as are worth nothing; reads the others when asked.
 */
import { SystemError } from './libc.ts';
import {
  decodeKnownNeighbour,
  decodeOnLinkRoute,
  decodeUnanswered,
  encodeNeighbourDelete,
  encodeNeighbourDump,
  encodeNeighbourQuestion,
  encodeRouteQuestion,
  type Neighbour,
  type RouteQuestion,
} from './neighbour-codec.ts';
import { openRouteRequests, type RouteRequests } from './netlink.ts';
import { socketAddressBytes } from './socket-address.ts';

/** `not-allowed`: this process may not change the table (CAP_NET_ADMIN), now or later. */
export type ForgetResult = number | 'not-allowed';

/**
 * Makes the kernel forget that these addresses (IP literals) do not answer, so that the next packet to them asks at once.
 * Returns how many it forgot. What is known, set by hand, behind a gateway or in use stays. Takes some 20 µs an address;
 * opens and closes its own socket, so that nothing is left open whichever thread it ran on. `source`: where packets to
 * them leave from, absent: the kernel chooses.
 */
export function forgetUnanswered(addresses: readonly string[], source?: string): ForgetResult {
  let requests: RouteRequests | undefined;
  try {
    requests = openRouteRequests();
    let forgotten = 0;
    for (const address of addresses) {
      const neighbour = unanswered(requests, routeQuestion(address, source));
      if (neighbour === undefined) continue;
      const [errno] = requests.request([encodeNeighbourDelete(neighbour)]);
      if (errno === EPERM) return 'not-allowed';
      if (errno === 0) forgotten += 1;
    }
    return forgotten;
  } catch (error) {
    // No descriptor left, or the kernel does not answer: its own second is what remains.
    if (error instanceof SystemError) return 0;
    throw error;
  } finally {
    requests?.close();
  }
}

const EPERM = 1;

/** Entries looked at: a router's table may be of any size, and we stand still while we read. */
const ENTRIES_MAX = 8192;

/**
 * Neighbours on the link of an interface whose link address the kernel has, `max` at most, in no order; none where the kernel
 * does not answer. Takes some milliseconds for a thousand; opens and closes its own socket.
 */
export function readKnownNeighbours(
  interfaceIndex: number,
  max: number,
): (Neighbour & { readonly mac: Uint8Array })[] {
  const found: (Neighbour & { readonly mac: Uint8Array })[] = [];
  let requests: RouteRequests | undefined;
  try {
    requests = openRouteRequests();
    let left = ENTRIES_MAX;
    requests.dump(encodeNeighbourDump(interfaceIndex), (message) => {
      const neighbour = decodeKnownNeighbour(message);
      if (neighbour?.interfaceIndex === interfaceIndex) found.push(neighbour);
      left -= 1;
      return left > 0 && found.length < max;
    });
    return found;
  } catch (error) {
    if (error instanceof SystemError) return found;
    throw error;
  } finally {
    requests?.close();
  }
}

function unanswered(requests: RouteRequests, question: RouteQuestion): Neighbour | undefined {
  const route = requests.ask(encodeRouteQuestion(question));
  const interfaceIndex = typeof route === 'number' ? undefined : decodeOnLinkRoute(route);
  if (interfaceIndex === undefined) return undefined;
  const neighbour = { interfaceIndex, bytes: question.bytes };
  const entry = requests.ask(encodeNeighbourQuestion(neighbour));
  return typeof entry !== 'number' && decodeUnanswered(entry) ? neighbour : undefined;
}

function routeQuestion(address: string, source: string | undefined): RouteQuestion {
  const { bytes, zone } = inBytes(address);
  const from = source === undefined ? undefined : inBytes(source).bytes;
  return {
    bytes,
    ...(from?.length === bytes.length ? { source: from } : {}),
    ...(zone === 0 ? {} : { interfaceIndex: zone }),
  };
}

/** `zone`: index of the interface an IPv6 literal names, else 0. */
function inBytes(literal: string): { bytes: Buffer; zone: number } {
  const address = socketAddressBytes(literal, 0);
  return address.length < 28
    ? { bytes: address.subarray(4, 8), zone: 0 }
    : { bytes: address.subarray(8, 24), zone: address.readUInt32LE(24) };
}
