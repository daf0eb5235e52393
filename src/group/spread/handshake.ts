/**
 * The talk before a session: our hello, the daemon's list of authentication methods, our choice, its answer. Pure; the daemon
 * wants hello and choice in one piece each and nothing ahead of time, so each is one array of bytes to be written at once.
 */
import type { ByteQueue } from './byte-queue.ts';
import { codeOf, type SpreadCode } from './codes.ts';
import { AUTH_CHOICES_MAX, AUTH_LIST_BYTES_MAX, AUTH_NAME_BYTES, NAME_LENGTH_MAX } from './wire.ts';

export type Version = readonly [major: number, minor: number, patch: number];

export interface Hello {
  /** As what library we present ourselves; daemons refuse what is older than 3.1 and nothing that is newer. */
  readonly version: Version;
  /** At most 10 characters; empty: the daemon makes one up. */
  readonly name: string;
  /** Whether membership messages are wanted; it holds for the whole session. */
  readonly membership: boolean;
  /** Daemons store it, and that is all. */
  readonly priority: boolean;
}

export function encodeHello({ version, name, membership, priority }: Hello): Uint8Array {
  const flags = (membership ? 0x01 : 0) | (priority ? 0x10 : 0);
  return Buffer.concat([Buffer.from([...version, flags, name.length]), Buffer.from(name, 'latin1')]);
}

/** The first three methods of the list; each name at most 29 ASCII characters. */
export function encodeChoice(methods: readonly string[]): Uint8Array {
  const bytes = Buffer.alloc(AUTH_CHOICES_MAX * AUTH_NAME_BYTES);
  for (const [index, method] of methods.slice(0, AUTH_CHOICES_MAX).entries()) {
    bytes.write(method, index * AUTH_NAME_BYTES, AUTH_NAME_BYTES - 1, 'latin1');
  }
  return bytes;
}

export type Refusal = {
  readonly kind: 'refused';
  /** Absent for a number without a name. */
  readonly code?: SpreadCode;
  readonly number: number;
};
type Unfinished = { readonly kind: 'more' } | { readonly kind: 'malformed'; readonly what: string };

export type MethodsResult =
  | { readonly kind: 'methods'; readonly methods: readonly string[] }
  | Refusal
  | Unfinished;

/** The daemon's first words: the methods it allows, in its order, or why it will not have us. */
export function readMethods(queue: ByteQueue): MethodsResult {
  if (queue.length === 0) return MORE;
  const length = signed(queue.at(0));
  if (length < 0) return refusal(queue);
  if (length > AUTH_LIST_BYTES_MAX) return malformed(`a list of methods of ${length} bytes`);
  if (queue.length < 1 + length) return MORE;
  const text = queue.take(1 + length).toString('latin1', 1);
  return { kind: 'methods', methods: text.split(' ').filter((name) => name !== '') };
}

export interface Answer {
  readonly version: Version;
  /** `#name#daemon`: where private messages to us go, and what stands in messages we send. */
  readonly privateGroup: string;
}

export type AnswerResult = ({ readonly kind: 'answer' } & Answer) | Refusal | Unfinished;

const ACCEPTED = 1;
const ANSWER_HEAD_BYTES = 5;

export function readAnswer(queue: ByteQueue): AnswerResult {
  if (queue.length === 0) return MORE;
  const verdict = signed(queue.at(0));
  if (verdict < 0) return refusal(queue);
  if (verdict !== ACCEPTED) return malformed(`an answer that begins with ${verdict}`);
  if (queue.length < ANSWER_HEAD_BYTES) return MORE;
  const length = queue.at(4);
  if (length === 0 || length > NAME_LENGTH_MAX) return malformed(`a private group of ${length} characters`);
  if (queue.length < ANSWER_HEAD_BYTES + length) return MORE;
  const bytes = queue.take(ANSWER_HEAD_BYTES + length);
  const privateGroup = bytes.toString('latin1', ANSWER_HEAD_BYTES);
  if (!PRIVATE_GROUP.test(privateGroup))
    return malformed(`the private group ${JSON.stringify(privateGroup)}`);
  return { kind: 'answer', version: [bytes[1]!, bytes[2]!, bytes[3]!], privateGroup };
}

const PRIVATE_GROUP = /^#[^#\0]{1,10}#[^#\0]+$/;
const MORE = { kind: 'more' } as const;

function refusal(queue: ByteQueue): Refusal {
  const number = signed(queue.take(1)[0]!);
  const code = codeOf(number);
  return { kind: 'refused', number, ...(code !== undefined && { code }) };
}

function malformed(what: string): Unfinished {
  return { kind: 'malformed', what };
}

function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte;
}

/** `#name#daemon` in its two parts; undefined for what is no private group. */
export function partsOf(
  privateGroup: string,
): { readonly name: string; readonly daemon: string } | undefined {
  const match = /^#([^#]{1,10})#([^#]+)$/.exec(privateGroup);
  return match === null ? undefined : { name: match[1]!, daemon: match[2]! };
}
