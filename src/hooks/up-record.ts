/**
 * Which VIPs the hooks were told to be here, in a file that outlives the agent: the next one tells `on_down` for what its
 * predecessor could not. One line a change; a file that cannot be read or written costs that, and nothing else.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { VipId } from '../model/vip.ts';
import type { ToldVip } from './hook-telling.ts';

const BYTES_MAX = 8 << 20;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;

export interface OpenedRecord {
  readonly record: UpRecord;
  /** What was told to be here and never to be gone. */
  readonly left: readonly ToldVip[];
}

/** Rejects with what the system says where the file cannot be had. */
export async function openUpRecord(path: string): Promise<OpenedRecord> {
  const file = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  try {
    const left = readUps(await read(file));
    return { record: await UpRecord.begin(file, left), left };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function read(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, BYTES_MAX));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.toString('utf8', 0, bytesRead);
}

/** Lines that are none of ours (a last one half written, another's file) say nothing. */
export function readUps(text: string): readonly ToldVip[] {
  const ups = new Map<VipId, ToldVip>();
  for (const line of text.split('\n')) {
    const [sign, vip] = parse(line);
    if (sign === '+' && isToldVip(vip)) ups.set(vip.id, vip);
    else if (sign === '-' && typeof vip === 'string') ups.delete(vip);
  }
  return [...ups.values()];
}

function parse(line: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isToldVip(value: unknown): value is ToldVip {
  if (typeof value !== 'object' || value === null) return false;
  const { id, addresses } = value as Partial<Record<keyof ToldVip, unknown>>;
  return (
    typeof id === 'string' &&
    id.length > 0 &&
    id.length <= 100 &&
    Array.isArray(addresses) &&
    addresses.every(isAddress)
  );
}

function isAddress(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { address, prefix_length: prefix } = value as Record<string, unknown>;
  return typeof address === 'string' && address.length <= 64 && typeof prefix === 'number';
}

export class UpRecord {
  readonly #file: FileHandle;
  readonly #ups = new Map<VipId, ToldVip>();
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle, ups: readonly ToldVip[]) {
    this.#file = file;
    for (const vip of ups) this.#ups.set(vip.id, vip);
  }

  static async begin(file: FileHandle, ups: readonly ToldVip[]): Promise<UpRecord> {
    const record = new UpRecord(file, ups);
    await record.#rewrite();
    return record;
  }

  /** Resolves when it stands in the file; rejects with what the system says. */
  up(vip: ToldVip): Promise<void> {
    this.#ups.set(vip.id, vip);
    return this.#write(['+', vip]);
  }

  down(id: VipId): Promise<void> {
    this.#ups.delete(id);
    return this.#write(['-', id]);
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#file.close();
  }

  #write(line: readonly unknown[]): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.#writing = this.#writing
      .catch(() => {})
      .then(async () => {
        this.#bytes += text.length;
        if (this.#bytes > BYTES_MAX / 2) await this.#rewrite();
        else await this.#file.appendFile(text);
      });
    return this.#writing;
  }

  /** As short as it can be. */
  async #rewrite(): Promise<void> {
    const text = [...this.#ups.values()].map((vip) => `${JSON.stringify(['+', vip])}\n`).join('');
    await this.#file.truncate(0);
    await this.#file.appendFile(text);
    this.#bytes = text.length;
  }
}
