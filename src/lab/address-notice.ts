/** Reads rtnetlink address messages (`man 7 rtnetlink`): which address appeared or vanished. Pure. */

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const NLMSG_DONE = 3;

const HEADER_BYTES = 16;
const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_DADFAILED = 0x08;

export interface AddressNotice {
  readonly held: boolean;
  readonly address: string;
}

export interface NoticeBatch {
  readonly notices: readonly AddressNotice[];
  /** A dump ended in this batch. */
  readonly done: boolean;
}

/** All notices of one received buffer; what is cut short ends the reading. */
export function readNotices(bytes: Buffer): NoticeBatch {
  const notices: AddressNotice[] = [];
  let done = false;
  let offset = 0;
  while (offset + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < HEADER_BYTES || offset + length > bytes.length) break;
    const type = bytes.readUInt16LE(offset + 4);
    if (type === NLMSG_DONE) done = true;
    if (type === RTM_NEWADDR || type === RTM_DELADDR) {
      const notice = readNotice(bytes.subarray(offset + HEADER_BYTES, offset + length), type === RTM_NEWADDR);
      if (notice !== undefined) notices.push(notice);
    }
    offset += (length + 3) & ~3;
  }
  return { notices, done };
}

/** A request for all addresses. */
export function dumpRequest(): Buffer {
  const request = Buffer.alloc(HEADER_BYTES + IFADDRMSG_BYTES);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(RTM_GETADDR, 4);
  request.writeUInt16LE(0x301, 6); // NLM_F_REQUEST | NLM_F_DUMP
  request.writeUInt32LE(1, 8);
  return request;
}

function readNotice(body: Buffer, appeared: boolean): AddressNotice | undefined {
  if (body.length < IFADDRMSG_BYTES) return undefined;
  let flags = body.readUInt8(2);
  let local: Buffer | undefined;
  let address: Buffer | undefined;
  let offset = IFADDRMSG_BYTES;
  while (offset + 4 <= body.length) {
    const length = body.readUInt16LE(offset);
    if (length < 4 || offset + length > body.length) break;
    const kind = body.readUInt16LE(offset + 2);
    const value = body.subarray(offset + 4, offset + length);
    if (kind === IFA_LOCAL) local = value;
    if (kind === IFA_ADDRESS) address = value;
    if (kind === IFA_FLAGS && value.length >= 4) flags = value.readUInt32LE();
    offset += (length + 3) & ~3;
  }
  const text = addressText(local ?? address);
  if (text === undefined) return undefined;
  // An IPv6 address that failed duplicate address detection is configured, but never used.
  return { held: appeared && (flags & IFA_F_DADFAILED) === 0, address: text };
}

/** Dotted decimal, or the canonical IPv6 text of RFC 5952; `undefined` for any other length. */
export function addressText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length === 4) return bytes.join('.');
  if (bytes?.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return compress(groups);
}

/** Replaces the first of the longest runs of at least two zero groups by `::`. */
function compress(groups: readonly string[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
