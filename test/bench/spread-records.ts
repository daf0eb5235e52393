/**
 * From what passed between agents and daemons to what of a takeover was theirs and what was ours. Goes back from the acquire along the
 * messages that it waited for: the last report, the announcement that this report waited for, the membership before that.
 */
import { decodeMessage } from '../../src/agent/messages.ts';
import { decodeEnvelope } from '../../src/group/spread/envelope.ts';
import { type SpreadMessage, sameGroupId } from '../../src/group/spread/message.ts';
import { AUTH_IP, AUTH_NULL, Session } from '../../src/group/spread/session.ts';
import type { Instant, Millis } from '../../src/model/time.ts';

/** Where the agent with this process id notes what it does (`spread-agent.ts`). */
export const notesFile = (pid: number) => `/run/lab/spread-notes-${pid}`;
/** How often it writes that down, ms. */
export const NOTES_EVERY: Millis = 300;

/** What came to an agent's socket, and the instant at which the kernel took it there (`spread-tap.ts`). */
export interface TapRecord {
  readonly at: Instant;
  /** Connections of one host, counted. */
  readonly client: number;
  readonly bytes: string;
}

export interface AgentNote {
  readonly at: Instant;
  /** For how long its thread had had a processor by then. */
  readonly worked: Millis;
  readonly kind: 'read' | 'written' | 'acquire';
  readonly bytes: string;
}

/** An agent did something. */
type Deed = Pick<AgentNote, 'at' | 'worked'>;

interface Heard {
  /** It could be read. */
  readonly at: Instant;
  /** The agent had it in its hands. */
  readonly read: Deed;
  readonly message: SpreadMessage;
}

/** One agent with its daemon. */
export interface Side {
  readonly privateGroup: string;
  readonly heard: readonly Heard[];
  readonly acquires: readonly Deed[];
  /** When these bytes were written. */
  written(bytes: Uint8Array): Deed | undefined;
}

export interface Span {
  /** All of it, from the instant at which the message could be read; ms. */
  readonly all: Millis;
  /** Until the process had read it: wake-up, event loop, and other processes that had the processor. */
  readonly reading: Millis;
  /** For how long our code then had a processor; what is left others had it. */
  readonly working: Millis;
}

export interface Parts {
  /** From the membership to the announcement, at the member whose announcement came last. */
  readonly announce: Span;
  /** From the last announcement to the report, at the member whose report came last: view, and what the agent says of itself. */
  readonly report: Span;
  /** From the last report to the provider's `acquire`: table, allocation, decision. */
  readonly acquire: Span;
  /** What the daemons took to tell all of the membership, and to order two rounds of messages. */
  readonly daemons: Millis;
  /** All together. */
  readonly all: Millis;
}

/** @param records of one connection of its host, from its beginning @param notes of the agent that had it, and no other one */
export function sideOf(records: readonly TapRecord[], notes: readonly AgentNote[]): Side | undefined {
  const session = new Session({
    version: [5, 0, 1],
    name: 'x',
    membership: true,
    priority: false,
    auth: [AUTH_NULL, AUTH_IP],
  });
  session.connected();
  const reads = endsOf(notes.filter(({ kind }) => kind === 'read'));
  const heard = endsOf(records).flatMap(({ at, end, bytes }) => {
    const read = reads.find((one) => one.end >= end);
    const actions = session.receive(bytes);
    if (read === undefined) return [];
    return actions.flatMap((action) =>
      action.kind === 'message' ? { at, read, message: action.message } : [],
    );
  });
  if (session.privateGroup === '') return undefined;
  const written = notes
    .filter(({ kind }) => kind === 'written')
    .map((note) => ({ ...note, whole: bytesOf(note) }));
  return {
    privateGroup: session.privateGroup,
    heard,
    acquires: notes.filter(({ kind }) => kind === 'acquire'),
    written: (bytes) => written.find(({ whole }) => whole.includes(Buffer.from(bytes))),
  };
}

/** With how much there was when each was there. */
function endsOf<T extends { readonly bytes: string }>(pieces: readonly T[]) {
  let end = 0;
  return pieces.map((piece) => {
    const bytes = bytesOf(piece);
    end += bytes.length;
    return { ...piece, bytes, end };
  });
}

function bytesOf({ bytes }: { readonly bytes: string }): Buffer {
  return Buffer.from(bytes, 'base64');
}

export interface Takeover {
  /** Of all survivors. */
  readonly sides: readonly Side[];
  /** The one that takes over. */
  readonly taker: Side;
  readonly from: Instant;
  readonly cluster: string;
}

/** Undefined where it took nothing over, or where the records do not show all of it. */
export function partsOf({ sides, taker, from, cluster }: Takeover): Parts | undefined {
  const acquired = taker.acquires.find(({ at }) => at >= from);
  if (acquired === undefined) return undefined;
  const told = membershipOf(taker, { from, until: acquired.at });
  const report = lastWord(taker, { sides, cluster, from, until: acquired.at, kind: 'report' });
  if (told === undefined || report === undefined) return undefined;
  const announcement = lastWord(report.sender, {
    ...{ sides, cluster, from, until: report.written.at },
    kind: 'announce',
  });
  if (announcement === undefined) return undefined;
  const first = membershipOf(announcement.sender, { from, until: announcement.written.at });
  if (first === undefined) return undefined;
  const ours = {
    announce: span(first, announcement.written),
    report: span(announcement, report.written),
    acquire: span(report, acquired),
  };
  const all = acquired.at - told.at;
  return { ...ours, daemons: all - ours.announce.all - ours.report.all - ours.acquire.all, all };
}

function span({ at, read }: Heard, done: Deed): Span {
  return { all: done.at - at, reading: read.at - at, working: done.worked - read.worked };
}

interface Window {
  readonly from: Instant;
  readonly until: Instant;
}

/** The membership whose round was under way at the end. */
function membershipOf({ heard }: Side, { from, until }: Window): Heard | undefined {
  return heard.findLast(({ at, message }) => message.kind === 'membership' && at >= from && at <= until);
}

interface Wanted extends Window {
  readonly sides: readonly Side[];
  readonly cluster: string;
  readonly kind: 'announce' | 'report';
}

interface Word extends Heard {
  readonly sender: Side;
  readonly written: Deed;
}

/** The last of its kind that this agent was told, of the membership that it was told last. */
function lastWord(side: Side, { sides, cluster, from, until, kind }: Wanted): Word | undefined {
  const latest = membershipOf(side, { from, until })?.message;
  const word = side.heard.findLast(({ at, message }) => {
    if (at < from || at > until || message.kind !== 'message' || latest?.kind !== 'membership') return false;
    const envelope = decodeEnvelope(message.data, cluster);
    if (kind === 'announce')
      return envelope?.kind === 'announce' && sameGroupId(envelope.round.id, latest.id);
    const said = envelope?.kind === 'part' ? decodeMessage(envelope.bytes) : undefined;
    return said?.ok === true && said.message.kind === 'report';
  });
  if (word?.message.kind !== 'message') return undefined;
  const { sender: name, data } = word.message;
  const sender = sides.find(({ privateGroup }) => privateGroup === name);
  const written = sender?.written(data);
  return sender === undefined || written === undefined ? undefined : { ...word, sender, written };
}
