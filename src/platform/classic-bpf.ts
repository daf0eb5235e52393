/** Programs for the kernel's packet filters (linux/filter.h, linux/bpf_common.h) as bytes. Pure; knows no protocol but addresses. */
import { ipBytes } from './ip-bytes.ts';

/** Code, steps to skip if true, steps to skip if false, constant. */
export type Step = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

export const LOAD = { 4: 0x20, 2: 0x28, 1: 0x30 } as const;
export const AND = 0x54;
export const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
export const RETURN = 0x06;
/** SKF_AD_OFF + SKF_AD_RANDOM: a fresh random number of 32 bits. */
const RANDOM = 0xfffff000 + 56;
/** SKF_NET_OFF: offsets from here count from the IP header. */
const IP_HEADER = 0xfff00000;
const SOURCE = { 4: IP_HEADER + 12, 6: IP_HEADER + 8 } as const;

const PASS: Step = [RETURN, 0, 0, 0xffff];
const DROP: Step = [RETURN, 0, 0, 0];

export function bpfProgram(steps: readonly Step[]): Buffer {
  const bytes = Buffer.alloc(8 * steps.length);
  for (const [index, [code, ifTrue, ifFalse, constant]] of steps.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(ifTrue, 8 * index + 2);
    bytes.writeUInt8(ifFalse, 8 * index + 3);
    bytes.writeUInt32LE(constant, 8 * index + 4);
  }
  return bytes;
}

/** The end of a filter: of what comes so far a share is let through, at random. 0 < share ≤ 1. */
export function passShare(share: number): readonly Step[] {
  if (share >= 1) return [PASS];
  return [[LOAD[4], 0, 0, RANDOM], [JUMP_IF_AT_LEAST, 0, 1, Math.floor(share * 2 ** 32)], DROP, PASS];
}

/** Lets through what comes from these addresses (IP literals without a zone); the rest goes on. */
export function passSources(addresses: readonly string[]): readonly Step[] {
  return addresses.flatMap((address): readonly Step[] => {
    const bytes = Buffer.from(ipBytes(address));
    const from = bytes.length === 4 ? SOURCE[4] : SOURCE[6];
    const words = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(4 * index));
    const compared = words.flatMap((word, index): Step[] => [
      [LOAD[4], 0, 0, from + 4 * index],
      [JUMP_IF_EQUAL, 0, 2 * (words.length - index) - 1, word],
    ]);
    return [...compared, PASS];
  });
}

/** Lets through what is no request for a new connection, seen from the TCP header on; the rest goes on. */
export const PASS_ESTABLISHED: readonly Step[] = [
  [LOAD[1], 0, 0, 13],
  // SYN and ACK; a request has the first alone.
  [AND, 0, 0, 0x12],
  [JUMP_IF_EQUAL, 1, 0, 0x02],
  PASS,
];
