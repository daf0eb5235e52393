/** Where answers, and the questions of others, about one family on one link come in. Asks nothing and judges nothing. */
import { MulticastGroups } from '../../src/platform/multicast-groups.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type FrameReceiver,
  openFrameReceiver,
} from '../../src/platform/packet-socket.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import {
  arpClaim,
  arpQuestion,
  type Binding,
  NEIGHBOUR_BYTES,
  neighbourClaim,
  neighbourQuestion,
  solicitedNodeGroup,
} from './packets.ts';

/** `claim`: somebody has the address. `question`: somebody asks whether it is free, and so means to have it. */
export interface Heard {
  readonly kind: 'claim' | 'question';
  readonly binding: Binding;
}

export interface Ear {
  readonly interfaceIndex: number;
  /** What frames that wait say; `undefined`: something else. Ends when none waits. */
  heard(framesMax: number): IterableIterator<Heard | undefined>;
  /** Makes sure that questions of others about the address come through to us. */
  attend(address: Uint8Array): void;
  close(): void;
}

/** Throws SystemError where the interface is gone or the kernel has no room. */
export function openEar(link: Link, family: 4 | 6): Ear {
  const arp = family === 4;
  const receiver = openFrameReceiver({
    interfaceIndex: link.index,
    ethertype: arp ? ETHERTYPE_ARP : ETHERTYPE_IPV6,
    ...(arp ? {} : { match: NEIGHBOUR_BYTES }),
  });
  const groups = new MulticastGroups();
  return {
    interfaceIndex: link.index,
    heard: (framesMax) => heardIn(receiver, arp ? meaningOfArp : meaningOfNeighbour, framesMax),
    attend(address) {
      // ARP asks everybody. Solicitations go to a group that a network card or a switch keeps from who is not in it.
      if (!arp) groups.join(solicitedNodeGroup(address), link.index);
    },
    close() {
      groups.close();
      receiver.close();
    },
  };
}

function* heardIn(
  receiver: FrameReceiver,
  meaningOf: (frame: Buffer) => Heard | undefined,
  framesMax: number,
): Generator<Heard | undefined, undefined> {
  for (let read = 0; read < framesMax; read++) {
    const frame = receiver.next();
    if (frame === undefined) return;
    yield meaningOf(frame);
  }
}

function meaningOfArp(frame: Buffer): Heard | undefined {
  return meaning(arpClaim(frame), () => arpQuestion(frame));
}

function meaningOfNeighbour(frame: Buffer): Heard | undefined {
  return meaning(neighbourClaim(frame), () => neighbourQuestion(frame));
}

function meaning(claim: Binding | undefined, ask: () => Binding | undefined): Heard | undefined {
  if (claim !== undefined) return { kind: 'claim', binding: claim };
  const binding = ask();
  return binding && { kind: 'question', binding };
}
