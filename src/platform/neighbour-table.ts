/**
 * The kernel's neighbour table (`man 7 arp`), as far as it keeps hosts apart that could hear each other again: while a neighbour
 * does not answer, the kernel asks for its link address once a second, and whatever is sent to it waits that long.
 * Touches the entries of the addresses it is given alone, and of these only such as are worth nothing.
 */
import { SystemError } from './libc.ts';
import {
  decodeOnLinkRoute,
  decodeUnanswered,
  encodeNeighbourDelete,
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
