/**
 * Hears on one link what others say of one family's addresses: announcements, and answers to questions. For as long as it is open; a
 * flood costs a bounded share of it and of nobody else. Asks nothing and judges nothing.
 */
import type { Millis } from '../../src/model/time.ts';
import { bpfProgram, JUMP_IF_EQUAL, LOAD, RETURN, type Step } from '../../src/platform/classic-bpf.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  type FrameReceiver,
  matchProgram,
  openFrameReceiver,
} from '../../src/platform/packet-socket.ts';
import type { Watch } from '../../src/platform/poll.ts';
import type { Link } from '../../src/platform/rtnetlink-codec.ts';
import { ADVERTISEMENT_BYTES, type ArpWord, arpWord, neighbourClaim } from './packets.ts';

/** `claim`: an advertisement, which says not whether somebody asked. */
export interface Overheard {
  readonly kind: ArpWord['kind'] | 'claim';
  readonly mac: Uint8Array;
  readonly address: Uint8Array;
}

/** Frames that are read in one go, and how long nothing is read then. */
const FRAMES_MAX = 64;
const REST: Millis = 20;
/** Some hundred frames: what waits any longer is old, and said again. */
const BUFFER_BYTES = 256 << 10;

const KEEP: Step = [RETURN, 0, 0, 128];
const DROP: Step = [RETURN, 0, 0, 0];
const COPY_TO_INDEX = 0x07;
const JUMP_IF_EQUAL_INDEX = 0x1d;
/** ARP whose sender has an address, and which is a reply or says of sender and target the same. */
const ARP_WORDS: readonly Step[] = [
  [LOAD[4], 0, 0, 28],
  [JUMP_IF_EQUAL, 5, 0, 0],
  [COPY_TO_INDEX, 0, 0, 0],
  [LOAD[4], 0, 0, 38],
  [JUMP_IF_EQUAL_INDEX, 3, 0, 0],
  [LOAD[2], 0, 0, 20],
  [JUMP_IF_EQUAL, 1, 0, 2],
  DROP,
  KEEP,
];

export class ConflictEar {
  readonly interfaceIndex: number;
  readonly #receiver: FrameReceiver;
  readonly #read: (frame: Buffer) => Overheard | undefined;
  readonly #hear: (heard: readonly Overheard[]) => void;
  #closed = false;
  #watch: Watch | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Throws SystemError where the interface is gone or the kernel has no room. `hear` is called in turns of its own. */
  constructor({ index }: Pick<Link, 'index'>, family: 4 | 6, hear: (heard: readonly Overheard[]) => void) {
    const arp = family === 4;
    this.interfaceIndex = index;
    this.#read = arp ? readArp : readNeighbour;
    this.#hear = hear;
    this.#receiver = openFrameReceiver({
      interfaceIndex: index,
      ethertype: arp ? ETHERTYPE_ARP : ETHERTYPE_IPV6,
      filter: arp ? bpfProgram(ARP_WORDS) : matchProgram(ADVERTISEMENT_BYTES),
      bufferBytes: BUFFER_BYTES,
    });
    this.#listen();
  }

  /** Takes in what waits now, as far as one go reaches. */
  drain(): void {
    const heard: Overheard[] = [];
    for (let read = 0; read < FRAMES_MAX && !this.#closed; read++) {
      const frame = this.#receiver.next();
      if (frame === undefined) break;
      const word = this.#read(frame);
      if (word !== undefined) heard.push(word);
    }
    if (heard.length > 0) this.#hear(heard);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watch?.close();
    this.#receiver.close();
  }

  #listen(): void {
    this.#watch = this.#receiver.watch(() => {
      this.#watch?.close();
      this.#timer = setTimeout(() => this.#listen(), REST);
      this.#timer.unref();
      this.drain();
    });
  }
}

function readArp(frame: Buffer): Overheard | undefined {
  const word = arpWord(frame);
  return word && { kind: word.kind, ...word.binding };
}

function readNeighbour(frame: Buffer): Overheard | undefined {
  const claim = neighbourClaim(frame);
  return claim && { kind: 'claim', ...claim };
}
