/** What the processes of a daemon double say to the one that keeps their rings (`ring-keeper.ts`): a line of JSON each. */
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';

/** Timeouts in ms, as a spread.conf has them. */
export interface RingTimes {
  readonly token: number;
  readonly hurry: number;
  readonly seg: number;
  readonly gather: number;
  readonly lookup: number;
}

/** Names in the order of the configuration, each with the address of its host. */
export type Sites = Readonly<Record<string, string>>;

export type FromDaemon =
  | { readonly kind: 'up'; readonly name: string }
  | { readonly kind: 'token'; readonly serial: number }
  /** This one answered us: frames go there and back. */
  | { readonly kind: 'heard'; readonly peer: string }
  | { readonly kind: 'open'; readonly client: number }
  | { readonly kind: 'end'; readonly client: number }
  | { readonly kind: 'data'; readonly client: number; readonly bytes: string };

export type ToDaemon =
  /** To be passed on from host to host along the route, and back. */
  | { readonly kind: 'token'; readonly serial: number; readonly route: readonly string[] }
  | { readonly kind: 'probe' }
  | { readonly kind: 'write'; readonly client: number; readonly bytes: string }
  | { readonly kind: 'close'; readonly client: number };

/** What travels from host to host, on the network that tests cut. */
export type OnTheRing =
  | {
      readonly kind: 'token';
      readonly serial: number;
      readonly route: readonly string[];
      readonly at: number;
    }
  | { readonly kind: 'probe' | 'answer'; readonly from: string };

export const RING_PORT = 4804;

export function say(stream: Duplex, word: FromDaemon | ToDaemon): void {
  if (!stream.destroyed) stream.write(`${JSON.stringify(word)}\n`);
}

export function listen<Word>(stream: Duplex, hear: (word: Word) => void): void {
  // The end of a stream is told by `close`, whatever brought it about.
  const lines = createInterface({ input: stream }).on('error', () => undefined);
  lines.on('line', (line) => hear(JSON.parse(line) as Word));
}
