/** What happened in a soak, as plain data: the rules judge it, the report keeps it, the picture shows it. Times: ms since the start. */
import type { FaultKind } from './schedule.ts';

export interface Strike {
  readonly number: number;
  readonly kind: FaultKind;
  /** The hosts it hits; empty: none in particular. */
  readonly hosts: readonly string[];
  readonly at: number;
  /** When it was mended; absent: it needs no mending, or was not until the end. */
  mendedAt?: number;
  /** For people. */
  readonly what: string;
}

export interface Held {
  readonly address: string;
  readonly host: string;
  readonly from: number;
  readonly to: number;
}

export interface Doubled {
  readonly address: string;
  readonly hosts: readonly [string, string];
  readonly from: number;
  readonly to: number;
}

export interface Unanswered {
  readonly address: string;
  readonly from: number;
  readonly to: number;
}

/** A process in a calm moment. */
export interface Sample {
  readonly at: number;
  readonly host: string;
  readonly pid: number;
  readonly role: 'agent' | 'guardian';
  readonly rss: number;
  readonly pss: number;
  readonly fds: number;
  readonly threads: number;
}

/** Something that must run and does not, must be gone and is not, or did not come to rest. */
export interface Complaint {
  readonly at: number;
  readonly rule: 'alive' | 'calm' | 'leftovers';
  readonly what: string;
}

export interface Timeline {
  readonly length: number;
  readonly hosts: readonly string[];
  readonly vips: readonly { readonly id: string; readonly address: string }[];
  readonly strikes: readonly Strike[];
  /** Moments at which the network or a process changed: strikes, mendings, and what follows of them by plan. */
  readonly events: readonly number[];
  /** Connections came back, or frames were lost in one direction: two hosts may both hold for a while. */
  readonly merges: readonly { readonly from: number; readonly to: number }[];
  readonly holds: readonly Held[];
  readonly duplicates: readonly Doubled[];
  readonly outages: readonly Unanswered[];
  /** The client itself was late. */
  readonly stalls: readonly { readonly from: number; readonly to: number }[];
  readonly samples: readonly Sample[];
  readonly complaints: readonly Complaint[];
}
