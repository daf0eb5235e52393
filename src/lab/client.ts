/** What a client on the link experiences: which VIP answered when, and which host answered. */

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicNow } from '../platform/clock.ts';
import { scriptPath } from '../platform/layout.ts';
import type { ClientSettings } from './client-process.ts';
import { LineChild } from './line-child.ts';
import { type Outage, outagesOf, type Window } from './outages.ts';
import type { VipPlan } from './plan.ts';
import type { Turn } from './verdicts.ts';

const PROGRAM = scriptPath('lab/client-process.ts');

export interface ClientOptions {
  /** Network namespace of the client. */
  readonly netns: string;
  readonly vips: readonly VipPlan[];
  /** Between two requests to one VIP, ms. */
  readonly interval_ms?: number;
  /** An answer that took longer counts as none, ms. */
  readonly patience_ms?: number;
}

/** A tick of the client came late by this much: nothing was asked meanwhile. */
export interface Stall {
  readonly at: number;
  readonly length: number;
}

export interface ClientCounts {
  readonly at: number;
  readonly sent: number;
  readonly answered: number;
  readonly repeated: number;
  /** Processor time used since its start, ms. */
  readonly cpu_ms: number;
}

type ClientLine =
  | ({ readonly kind: 'turn'; readonly address: string } & Turn)
  | { readonly kind: 'answered-by'; readonly address: string; readonly mac: string; readonly at: number }
  | ({ readonly kind: 'stall' } & Stall)
  | ({ readonly kind: 'counts' } & ClientCounts);

export class Client {
  readonly #child: LineChild;
  readonly #turns = new Map<string, Turn[]>();
  readonly #patience: number;
  readonly stalls: Stall[] = [];
  /** Address → link address of the host that answered last. */
  readonly answeredBy = new Map<string, string>();
  counts: ClientCounts | undefined;

  constructor(options: ClientOptions) {
    const { vips, interval_ms = 2, patience_ms = 30 } = options;
    this.#patience = patience_ms;
    for (const { address } of vips) this.#turns.set(address, []);
    const settings: ClientSettings = {
      targets: vips.map(({ address, family }) => ({ address, family, bytes: addressBytes(address) })),
      interval_ms,
      patience_ms,
    };
    this.#child = new LineChild({
      argv: [PROGRAM, JSON.stringify(settings)],
      netns: options.netns,
      onLine: (line) => this.#take(line as ClientLine),
    });
  }

  async start(): Promise<void> {
    await this.#child.start();
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  /** All outages in the window, once every request sent in it has been judged. */
  async outages(window: Window): Promise<readonly Outage[]> {
    const settled = window.to + this.#patience + 20 - monotonicNow();
    if (settled > 0) await sleep(settled);
    await this.#child.sync();
    return [...this.#turns].flatMap(([address, turns]) => outagesOf(address, turns, window));
  }

  /** Whether the VIP answers, as far as is known now. */
  up(address: string): boolean {
    return this.#turns.get(address)?.at(-1)?.up ?? false;
  }

  #take(line: ClientLine): void {
    if (line.kind === 'turn') this.#turns.get(line.address)?.push(line);
    else if (line.kind === 'answered-by') this.answeredBy.set(line.address, line.mac);
    else if (line.kind === 'stall') this.stalls.push(line);
    else this.counts = line;
  }
}

/** The bytes of an address the lab planned itself (no embedded IPv4, no zone). */
export function addressBytes(address: string): readonly number[] {
  if (!address.includes(':')) return address.split('.').map(Number);
  const [head = '', tail = ''] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}
