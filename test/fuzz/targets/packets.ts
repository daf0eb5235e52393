/** What kernels and neighbours send: netlink datagrams, ARP and neighbour discovery frames, echo replies. */
import fc from 'fast-check';
import {
  arpAnnouncement,
  arpClaim,
  arpGratuitousReply,
  arpProbe,
  arpQuestion,
  arpWord,
  type Binding,
  macText,
  neighbourAdvertisement,
  neighbourClaim,
  neighbourProbe,
  neighbourQuestion,
} from '../../../providers/local/packets.ts';
import { readNotices } from '../../../src/lab/address-notice.ts';
import { readReply } from '../../../src/lab/echo.ts';
import { ipBytes, ipText } from '../../../src/platform/ip-bytes.ts';
import { acknowledgedErrno, decodeMessages } from '../../../src/platform/netlink-codec.ts';
import { readEchoReply } from '../../../src/platform/ping-socket.ts';
import {
  decodeRouteNotice,
  encodeAddressDelete,
  encodeAddressPut,
  type InterfaceAddress,
} from '../../../src/platform/rtnetlink-codec.ts';
import { nearly } from '../bytes.ts';
import { demand, demandSmall, sameData, type Target } from '../target.ts';
import { recorded } from '../traffic.ts';

type NetlinkInput = { readonly bytes: Buffer } | { readonly address: InterfaceAddress };

const ipAddress = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(ipText);

const seconds = fc.nat(0xffff_fffe);

const interfaceAddress: fc.Arbitrary<InterfaceAddress> = fc.record(
  {
    interfaceIndex: fc.nat(0xffff_ffff),
    address: ipAddress,
    prefixLength: fc.nat(128),
    validSeconds: seconds,
    preferredSeconds: seconds,
    origin: fc.nat(255),
    label: fc.constantFrom('', 'eth0', 'eth0:1'),
    flags: fc.nat(0xffff_ffff),
  },
  { requiredKeys: ['interfaceIndex', 'address', 'prefixLength', 'origin', 'label', 'flags'] },
);

function checkNetlink(input: NetlinkInput): void {
  if ('address' in input) return checkAddress(input.address);
  const { bytes } = input;
  const messages = decodeMessages(bytes);
  for (const message of messages) {
    demand(message.payload.length <= bytes.length, () => 'a payload longer than what came');
    const errno = acknowledgedErrno(message);
    demand(errno === undefined || Number.isInteger(errno), () => `errno ${errno}`);
    const notice = decodeRouteNotice(message);
    if (notice !== undefined) demandSmall(notice, message.payload.length);
    if (notice?.kind === 'address')
      demand(
        ipText(ipBytes(notice.address.address)) === notice.address.address,
        () => 'an address with two texts',
      );
  }
  demandSmall(messages, bytes.length);
  demand(readNotices(bytes).notices.length <= messages.length, () => 'more notices than messages');
}

function checkAddress(address: InterfaceAddress): void {
  const [put] = decodeMessages(encodeAddressPut(address));
  demand(put !== undefined, () => 'what was encoded is no message');
  const notice = decodeRouteNotice(put);
  demand(notice?.kind === 'address' && !notice.gone, () => 'what was encoded is no address');
  demand(sameData(notice.address, address), () => 'an address comes back changed');
  const [deleted] = decodeMessages(encodeAddressDelete(address));
  const gone = deleted && decodeRouteNotice(deleted);
  demand(
    gone?.kind === 'address' && gone.gone && gone.address.address === address.address,
    () => 'not deleted',
  );
}

export const netlink: Target<NetlinkInput> = {
  name: 'netlink',
  about: 'rtnetlink messages (src/platform/netlink-codec.ts, rtnetlink-codec.ts, src/lab/address-notice.ts)',
  share: 12,
  inputs: () =>
    fc.oneof(
      { arbitrary: interfaceAddress.map((address) => ({ address })), weight: 1 },
      { arbitrary: nearly(recorded('netlink')).map((bytes) => ({ bytes })), weight: 6 },
    ),
  check: checkNetlink,
};

type PacketInput = { readonly bytes: Buffer } | { readonly mac: Uint8Array; readonly address: Uint8Array };

function checkPackets(input: PacketInput): void {
  if ('mac' in input) return checkBinding(input);
  const { bytes } = input;
  for (const binding of [arpClaim, arpQuestion, arpBinding, neighbourClaim, neighbourQuestion].map((read) =>
    read(bytes),
  )) {
    if (binding === undefined) continue;
    const lengths =
      binding.mac.length === 6 && (binding.address.length === 4 || binding.address.length === 16);
    demand(lengths, () => `a binding of ${binding.mac.length} and ${binding.address.length} bytes`);
    demand(macText(binding.mac).length === 17, () => 'a link address without a text');
    ipText(binding.address);
  }
}

const arpBinding = (bytes: Buffer) => arpWord(bytes)?.binding;

function checkBinding(binding: Binding): void {
  const { address } = binding;
  if (address.length === 16) {
    expectBinding(neighbourClaim(neighbourAdvertisement(binding)), binding);
    expectBinding(neighbourQuestion(neighbourProbe(binding)), binding);
    demand(neighbourClaim(neighbourProbe(binding)) === undefined, () => 'a question taken for a claim');
    demand(
      neighbourQuestion(neighbourAdvertisement(binding)) === undefined,
      () => 'a claim taken for a question',
    );
    return;
  }
  if (address.every((byte) => byte === 0)) return;
  expectBinding(arpClaim(arpAnnouncement(binding)), binding);
  expectBinding(arpClaim(arpGratuitousReply(binding)), binding);
  expectBinding(arpQuestion(arpProbe(binding)), binding);
  for (const frame of [arpAnnouncement(binding), arpGratuitousReply(binding)]) {
    expectBinding(arpBinding(frame), binding);
    demand(arpWord(frame)?.kind === 'announcement', () => 'an announcement is not read as one');
  }
  demand(arpWord(arpProbe(binding)) === undefined, () => 'a probe taken for a word about who has it');
  demand(arpClaim(arpProbe(binding)) === undefined, () => 'a probe taken for a claim');
  demand(arpQuestion(arpAnnouncement(binding)) === undefined, () => 'an announcement taken for a probe');
}

function expectBinding(read: Binding | undefined, meant: Binding): void {
  const same =
    read && Buffer.compare(read.mac, meant.mac) === 0 && Buffer.compare(read.address, meant.address) === 0;
  demand(same === true, () => 'a claim is not read as it was written');
}

export const packets: Target<PacketInput> = {
  name: 'packets',
  about: 'ARP and neighbour discovery (providers/local/packets.ts)',
  share: 12,
  inputs: () => {
    const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });
    const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
    const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const corpus = [...recorded('arp'), ...recorded('neighbour-discovery')];
    return fc.oneof(
      { arbitrary: fc.record({ mac, address: fc.oneof(four, sixteen) }), weight: 1 },
      { arbitrary: nearly(corpus).map((bytes) => ({ bytes })), weight: 6 },
    );
  },
  check: checkPackets,
};

interface PingInput {
  readonly bytes: Buffer;
  readonly family: 4 | 6;
  readonly withIpHeader: boolean;
}

const IDENTIFIER = 0x5743;

export const pings: Target<PingInput> = {
  name: 'pings',
  about: 'echo replies (src/platform/ping-socket.ts, src/lab/echo.ts)',
  share: 10,
  inputs: () =>
    fc.record({
      bytes: nearly(recorded('echo-replies')),
      family: fc.constantFrom(4 as const, 6 as const),
      withIpHeader: fc.boolean(),
    }),
  check: ({ bytes, family, withIpHeader }) => {
    const reply = readEchoReply(bytes, { family, withIpHeader, identifier: IDENTIFIER });
    if (reply !== undefined) {
      demand(reply.payload.length <= bytes.length - 8, () => 'a payload longer than what came');
      demand(reply.sequence >= 0 && reply.sequence <= 0xffff, () => `sequence ${reply.sequence}`);
    }
    const seen = readReply(bytes, IDENTIFIER);
    if (seen !== undefined) demand(seen.mac.length === 17, () => `link address ${seen.mac}`);
  },
};
