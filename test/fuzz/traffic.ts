/** Recorded traffic (`test/fixtures/traffic`, made by `record.ts`): records with four bytes of length (big endian) before each. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const TRAFFIC_FOLDER = join(import.meta.dirname, '../fixtures/traffic');

export const TRAFFIC_KINDS = [
  'datagrams',
  'stream-frames',
  'frames',
  'heartbeats',
  'hellos',
  'agent-messages',
  'control-requests',
  'control-responses',
  'netlink',
  'arp',
  'neighbour-discovery',
  'echo-replies',
] as const;

export type TrafficKind = (typeof TRAFFIC_KINDS)[number];

/** Never empty: a corpus that is missing would make a target blind without anybody seeing it. */
export function recorded(kind: TrafficKind): readonly Buffer[] {
  const file = trafficFile(kind);
  const records = existsSync(file) ? readRecords(readFileSync(file)) : [];
  if (records.length === 0) throw new Error(`${file} has no records; make it by: npm run fuzz -- --record`);
  return records;
}

export function trafficFile(kind: TrafficKind): string {
  return join(TRAFFIC_FOLDER, `${kind}.bin`);
}

export function writeRecords(records: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(record.length);
      return [length, record];
    }),
  );
}

export function readRecords(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 4 <= file.length; ) {
    const end = at + 4 + file.readUInt32BE(at);
    if (end > file.length) throw new Error(`the record at byte ${at} is cut short`);
    records.push(file.subarray(at + 4, end));
    at = end;
  }
  return records;
}
