/**
 * From what agents noted of what corosync told them to the same records as those of Spread (`spread-records.ts`), which find what of a
 * takeover was theirs and what was ours.
 *
 * Nobody can stand beside a daemon's shared memory. The instant at which it woke the thread is found from behind: what the thread had of a
 * processor, and what it waited for one, between the last thing it did and its looking at what there is. That is too much rather than
 * too little.
 */
import { Memberships, nameOfPlace } from '../../src/group/corosync/memberships.ts';
import type { SpreadMessage } from '../../src/group/spread/message.ts';
import type { Instant, Millis } from '../../src/model/time.ts';
import type { CpgEvent } from '../../src/platform/corosync-library.ts';
import type { Side } from './spread-records.ts';

export interface CpgNote {
  readonly at: Instant;
  /** For how long the thread had had a processor by then, and had been waiting for one; and for how long its process had one. */
  readonly own: Millis;
  readonly waited: Millis;
  readonly worked: Millis;
  readonly kind: 'told' | 'sent' | 'idle' | 'acquire';
  readonly events?: readonly CpgEvent[];
  readonly bytes?: Uint8Array;
}

/** Where a thread of the agent with this process id notes what it does (`corosync-notes.ts`); 0 is the main thread. */
export const cpgNotesFile = (pid: number, thread: number) => `/run/lab/corosync-notes-${pid}-${thread}`;

/** A line. */
export function noteText(note: CpgNote): string {
  return `${JSON.stringify(note, (_, value: unknown) => {
    if (typeof value === 'bigint') return { bigint: String(value) };
    return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
  })}\n`;
}

export function noteOf(text: string): CpgNote {
  return JSON.parse(text, (_, value: unknown) => {
    if (value === null || typeof value !== 'object') return value;
    if ('bigint' in value) return BigInt(String(value.bigint));
    // A Buffer writes itself down in a way of its own.
    if ('type' in value && value.type === 'Buffer') return Buffer.from(value as never);
    return 'base64' in value ? Buffer.from(String(value.base64), 'base64') : value;
  }) as CpgNote;
}

export interface AgentOnCorosync {
  readonly node: number;
  readonly pid: number;
  readonly cpgGroup: string;
  /** Of the thread that speaks with the daemon, and of the main thread. */
  readonly spoken: readonly CpgNote[];
  readonly done: readonly CpgNote[];
}

/** One agent with its daemon, from its start. */
export function sideOnCorosync({ node, pid, cpgGroup, spoken, done }: AgentOnCorosync): Side {
  const memberships = new Memberships(cpgGroup);
  const sent = spoken.filter(({ kind }) => kind === 'sent');
  const heard = spoken.flatMap((note, index) => {
    const before = spoken[index - 1];
    if (note.kind !== 'told' || before === undefined) return [];
    const waking = note.own - before.own + (note.waited - before.waited);
    return (note.events ?? []).flatMap((event) =>
      messagesOf(event, { memberships, cpgGroup }).map((message) => ({
        at: note.at - waking,
        read: note,
        message,
      })),
    );
  });
  return {
    privateGroup: nameOfPlace({ node, pid }),
    heard,
    acquires: done.filter(({ kind }) => kind === 'acquire'),
    written: (bytes) => sent.find((one) => Buffer.from(one.bytes!).equals(bytes)),
  };
}

function messagesOf(
  event: CpgEvent,
  { memberships, cpgGroup }: { readonly memberships: Memberships; readonly cpgGroup: string },
): readonly SpreadMessage[] {
  if (event.kind === 'members') return memberships.change(event);
  if (event.kind === 'ring') return memberships.ringFormed(event.ring);
  const sender = nameOfPlace({ node: event.node, pid: event.pid });
  const fixed = {
    service: 'agreed',
    selfDiscard: false,
    groups: [cpgGroup],
    type: 0,
    foreignOrder: false,
  } as const;
  return [{ kind: 'message', sender, ...fixed, data: event.bytes }];
}
