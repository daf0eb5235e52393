import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arpAnnouncement,
  arpClaim,
  arpGratuitousReply,
  arpProbe,
  arpQuestion,
  arpWord,
  macText,
  neighbourAdvertisement,
  neighbourClaim,
  neighbourProbe,
  neighbourQuestion,
  solicitedNodeGroup,
} from '../../../../providers/local/packets.ts';
import { ipBytes } from '../../../../src/platform/ip-bytes.ts';

const MAC = Uint8Array.of(0x02, 0x00, 0x5e, 0x10, 0x00, 0x01);
const FOUR = { mac: MAC, address: ipBytes('10.77.0.101') };
const SIX = { mac: Uint8Array.of(0x62, 0x7c, 0x09, 0x1d, 0x5d, 0xc7), address: ipBytes('2001:db8:77::101') };

const hex = (text: string) => text.replaceAll(/\s/g, '');
const ARP_HEAD = 'ffffffffffff 02005e100001 0806 0001 0800 06 04';

describe('ARP', () => {
  it('announces to everybody, or answers who asked', () => {
    expect(arpWord(arpAnnouncement(FOUR))).toEqual({
      kind: 'announcement',
      binding: arpClaim(arpAnnouncement(FOUR)),
    });
    expect(arpWord(arpGratuitousReply(FOUR))?.kind).toBe('announcement');
    expect(arpWord(arpProbe(FOUR))).toBeUndefined();
    const answer = arpGratuitousReply(FOUR);
    answer.writeUInt32BE(0, 38);
    expect(arpWord(answer)?.kind, 'the answer to a probe').toBe('answer');
    const question = arpAnnouncement(FOUR);
    question.writeUInt32BE(0x0a4d0001, 38);
    expect(arpWord(question), 'somebody looks for another address').toBeUndefined();
    expect(arpWord(arpAnnouncement(FOUR).subarray(0, 41))).toBeUndefined();
  });

  it('announces by a request whose sender and target are the address', () => {
    expect(arpAnnouncement(FOUR).toString('hex')).toBe(
      hex(`${ARP_HEAD} 0001 02005e100001 0a4d0065 000000000000 0a4d0065`),
    );
  });

  it('announces by a reply', () => {
    expect(arpGratuitousReply(FOUR).toString('hex')).toBe(
      hex(`${ARP_HEAD} 0002 02005e100001 0a4d0065 02005e100001 0a4d0065`),
    );
  });

  it('asks with sender address 0', () => {
    expect(arpProbe(FOUR).toString('hex')).toBe(
      hex(`${ARP_HEAD} 0001 02005e100001 00000000 000000000000 0a4d0065`),
    );
  });

  it('reads who claims the address: announcements do, probes do not', () => {
    for (const frame of [arpAnnouncement(FOUR), arpGratuitousReply(FOUR)]) {
      const claim = arpClaim(frame)!;
      expect([macText(claim.mac), [...claim.address]]).toEqual(['02:00:5e:10:00:01', [10, 77, 0, 101]]);
    }
    expect(arpClaim(arpProbe(FOUR))).toBeUndefined();
  });
});

describe('neighbour discovery', () => {
  it('advertises to all nodes with the override flag; a Linux neighbour accepted this checksum', () => {
    expect(neighbourAdvertisement(SIX).toString('hex')).toBe(
      hex(`333300000001 627c091d5dc7 86dd 60000000 0020 3a ff
        20010db8007700000000000000000101 ff020000000000000000000000000001
        88 00 2edd 20000000 20010db8007700000000000000000101 02 01 627c091d5dc7`),
    );
  });

  it('asks from :: at the solicited-node group', () => {
    const frame = neighbourProbe(SIX);
    expect(frame.toString('hex')).toMatch(
      new RegExp(
        hex(`^3333ff000101 627c091d5dc7 86dd 60000000 0018 3a ff
          00000000000000000000000000000000 ff0200000000000000000001ff000101
          87 00 [0-9a-f]{4} 00000000 20010db8007700000000000000000101$`),
      ),
    );
    expect(onesComplementSum(frame)).toBe(0xffff);
    expect(onesComplementSum(neighbourAdvertisement(SIX))).toBe(0xffff);
  });

  it('reads who advertises; believes nothing routed and no question', () => {
    const frame = neighbourAdvertisement(SIX);
    expect(macText(neighbourClaim(frame)!.mac)).toBe('62:7c:09:1d:5d:c7');
    frame[21] = 64;
    expect(neighbourClaim(frame)).toBeUndefined();
    expect(neighbourClaim(neighbourProbe(SIX))).toBeUndefined();
  });

  it('reads who asks from ::; one who has an address of its own asks for another reason', () => {
    const frame = neighbourProbe(SIX);
    const question = neighbourQuestion(frame)!;
    expect([macText(question.mac), [...question.address]]).toEqual([macText(SIX.mac), [...SIX.address]]);
    expect(neighbourQuestion(neighbourAdvertisement(SIX))).toBeUndefined();
    const resolving = Buffer.from(frame);
    resolving[37] = 1;
    expect(neighbourQuestion(resolving)).toBeUndefined();
    const routed = Buffer.from(frame);
    routed[21] = 64;
    expect(neighbourQuestion(routed)).toBeUndefined();
    for (let length = 0; length < 78; length++)
      expect(neighbourQuestion(frame.subarray(0, length))).toBeUndefined();
    expect(Buffer.from(solicitedNodeGroup(SIX.address)).toString('hex')).toBe(
      'ff0200000000000000000001ff000101',
    );
  });

  it('never throws, and makes nothing of a frame that is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        arpClaim(Buffer.from(bytes));
        arpQuestion(Buffer.from(bytes));
        neighbourClaim(Buffer.from(bytes));
        neighbourQuestion(Buffer.from(bytes));
      }),
    );
    const [arp, advertisement] = [arpAnnouncement(FOUR), neighbourAdvertisement(SIX)];
    for (let length = 0; length < arp.length; length++)
      expect(arpClaim(arp.subarray(0, length))).toBeUndefined();
    for (let length = 0; length < 78; length++) {
      expect(neighbourClaim(advertisement.subarray(0, length))).toBeUndefined();
    }
  });
});

/** As a receiver checks it: over pseudo header and body, checksum included. */
function onesComplementSum(frame: Buffer): number {
  let sum = frame.readUInt16BE(18) + 58;
  for (let at = 22; at < frame.length; at += 2) sum += frame.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
