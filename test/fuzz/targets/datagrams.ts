/** Sealed datagrams: what opens has one form, what was sealed opens, and one wrong bit never does. */
import fc from 'fast-check';
import {
  clusterHash,
  DATAGRAM_BYTES_MAX,
  type Datagram,
  openDatagram,
  sealDatagram,
} from '../../../src/group/sealed-datagram.ts';
import { authenticationCode, sealingKey } from '../../../src/platform/keyed-hash.ts';
import { nearly } from '../bytes.ts';
import { demand, hex, sameData, type Target } from '../target.ts';
import { recorded } from '../traffic.ts';
import { WIDE } from '../wire.ts';

const CODE_BYTES = 16;
const secret = { key: sealingKey(Buffer.alloc(32, 'fuzz')), clusterHash: clusterHash('lab') };
const TOKEN = Buffer.alloc(32, 'pair');
const NO_TOKEN = Buffer.alloc(0);

type Input =
  | { readonly datagram: Datagram; readonly wrongBit: number }
  /** `sealed`: its last bytes are replaced by the right code, as one who has the key could do. */
  | { readonly bytes: Buffer; readonly sealed: boolean };

const datagram: fc.Arbitrary<Datagram> = fc.record({
  kind: fc.constantFrom('seek', 'heartbeat', 'beacon'),
  sender: WIDE.member,
  number: fc.oneof(fc.bigInt({ min: 0n, max: 9n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  clock: fc.nat(0xffff_ffff),
  listenPort: fc.nat(0xffff),
  body: fc.uint8Array({ maxLength: 40 }),
});

function tokenOf(kind: Datagram['kind']): Buffer {
  return kind === 'heartbeat' ? TOKEN : NO_TOKEN;
}

const open = (bytes: Buffer) => openDatagram(bytes, secret, () => [TOKEN]);

function checkSealed(value: Datagram, wrongBit: number): void {
  const sealed = sealDatagram(value, secret, tokenOf(value.kind));
  demand(sealed !== undefined, () => 'a short datagram is told to be too long');
  const opened = open(sealed);
  demand(opened.ok && sameData(opened.value, value), () => 'it comes back changed');
  const bit = wrongBit % (sealed.length * 8);
  sealed[bit >> 3]! ^= 1 << (bit & 7);
  demand(!open(sealed).ok, () => `bit ${bit} may be wrong without anybody noticing`);
}

function checkBytes(bytes: Buffer): void {
  const opened = open(bytes);
  if (!opened.ok) return;
  const { value } = opened;
  demand(
    bytes.length <= DATAGRAM_BYTES_MAX && value.body.length < bytes.length,
    () => 'longer than it may be',
  );
  const again = sealDatagram(value, secret, tokenOf(value.kind));
  demand(again?.equals(bytes) === true, () => `two forms: ${hex(bytes)} and ${hex(again ?? NO_TOKEN)}`);
}

/** The kind decides whether the code covers the pair's token. */
function withCode(bytes: Buffer): Buffer {
  if (bytes.length < CODE_BYTES) return bytes;
  const covered = bytes.subarray(0, bytes.length - CODE_BYTES);
  const code = authenticationCode(secret.key, [covered, bytes[3] === 2 ? TOKEN : NO_TOKEN], CODE_BYTES);
  return Buffer.concat([covered, code]);
}

export const datagrams: Target<Input> = {
  name: 'datagrams',
  about:
    'heartbeats, seeks and beacons as datagrams, with and without the key (src/group/sealed-datagram.ts)',
  share: 10,
  inputs: () => {
    const made = fc
      .sample(datagram, { numRuns: 60, seed: 1 })
      .flatMap((value) => sealDatagram(value, secret, tokenOf(value.kind)) ?? []);
    const bytes = nearly([...recorded('datagrams'), ...made]);
    return fc.oneof(
      { arbitrary: fc.record({ datagram, wrongBit: fc.nat() }), weight: 1 },
      { arbitrary: fc.record({ bytes, sealed: fc.boolean() }), weight: 4 },
    );
  },
  check: (input) => {
    if ('datagram' in input) checkSealed(input.datagram, input.wrongBit);
    else checkBytes(input.sealed ? withCode(input.bytes) : input.bytes);
  },
};
