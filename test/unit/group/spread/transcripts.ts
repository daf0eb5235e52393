/** Reads the recorded sessions of test/fixtures/spread. */
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../../fixtures/spread/', import.meta.url);

export interface Piece {
  /** Seconds since the recording began. */
  readonly at: number;
  readonly from: 'client' | 'daemon';
  readonly bytes: Buffer;
}

/** What Spread's own library reported of a message it received. */
export interface Report {
  readonly ret: number;
  readonly service: number;
  readonly sender: string;
  readonly groups: readonly string[];
  readonly mess_type: number;
  readonly endian_mismatch: number;
  readonly gid?: readonly [number, number, number];
  readonly changed?: string;
  readonly vs_sets?: readonly (readonly string[])[];
  readonly my_vs_index?: number;
  readonly data?: string;
  readonly hash?: number;
}

/** One connection. */
export interface Channel {
  /** `A`, `A.2`, `split`. */
  readonly name: string;
  readonly pieces: Piece[];
  /** How the daemon's side ended. */
  ended?: 'eof' | 'reset' | 'senderr';
}

export interface Transcript {
  /** `5.0.1/connect`. */
  readonly name: string;
  readonly version: string;
  readonly scenario: string;
  readonly meta: Meta;
  readonly lines: readonly Line[];
  readonly channels: readonly Channel[];
  /** By client (`A`), over all its connections. */
  readonly reports: ReadonlyMap<string, readonly Report[]>;
}

export interface Meta {
  readonly daemons: readonly string[];
  /** Which daemon a client is at; absent: the only one. */
  readonly clients?: Readonly<Record<string, string>>;
}

export interface Line {
  readonly t: number;
  readonly c?: string;
  readonly conn?: 'open' | 'refused' | 'eof' | 'reset' | 'senderr';
  readonly d?: '>' | '<';
  readonly x?: string;
  readonly api?: Partial<Report>;
  readonly ev?: string;
  readonly meta?: Meta;
}

export function transcripts(): Transcript[] {
  return ['4.4.0', '5.0.1'].flatMap((version) =>
    readdirSync(new URL(`${version}/`, FOLDER))
      .filter((file) => file.endsWith('.jsonl'))
      .sort()
      .map((file) => transcript(version, file.replace('.jsonl', ''))),
  );
}

export function transcript(version: string, scenario: string): Transcript {
  const text = readFileSync(new URL(`${version}/${scenario}.jsonl`, FOLDER), 'utf8');
  const channels = new Map<string, Channel>();
  const reports = new Map<string, Report[]>();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  for (const line of lines) place(line, channels, reports);
  const meta = lines[0]!.meta!;
  return {
    name: `${version}/${scenario}`,
    version,
    scenario,
    meta,
    lines,
    channels: [...channels.values()],
    reports,
  };
}

function place(line: Line, channels: Map<string, Channel>, reports: Map<string, Report[]>): void {
  const { c: name } = line;
  if (name === undefined) return;
  if (line.conn === 'open') channels.set(name, { name, pieces: [] });
  const channel = channels.get(name);
  if (line.x !== undefined) {
    const from = line.d === '>' ? 'client' : 'daemon';
    channel?.pieces.push({ at: line.t, from, bytes: Buffer.from(line.x, 'hex') });
  }
  if (line.d === '<' && line.conn !== undefined && channel !== undefined) {
    channel.ended = line.conn as 'eof' | 'reset' | 'senderr';
  }
  if (line.api?.service !== undefined) {
    const client = name.split('.')[0]!;
    reports.set(client, [...(reports.get(client) ?? []), line.api as Report]);
  }
}

export function bytesFrom(channel: Channel, from: Piece['from']): Buffer {
  return Buffer.concat(channel.pieces.filter((piece) => piece.from === from).map(({ bytes }) => bytes));
}
