/** What the bench can do with whatever moves the addresses: ours or another. */

import type { LabHost } from '../../src/lab/host.ts';
import type { Observatory } from '../../src/lab/observatory.ts';

export interface SubjectTraits {
  /** Name in tables, with the setting: `keepalived 1 s`. */
  readonly name: string;
  readonly family: 'wackamole' | 'keepalived' | 'pacemaker';
  readonly setting: 'default' | 'fastest';
  /** How long after a fault the bench looks, ms: several times what detection and repair may take. */
  readonly window_ms: number;
  /** Longest wait until a fresh cluster serves everything, ms. */
  readonly start_ms_max: number;
}

/** One cluster of the subject in one lab. */
export interface Subject {
  /** Starts it on the host; does not wait. */
  start(host: LabHost): void;
  /** SIGKILL for what an out-of-memory killer would take: the daemon, with its worker processes if it has any. */
  kill(host: LabHost): void;
  /** SIGKILL for everything of it on the host. */
  killAll(host: LabHost): void;
  /** SIGSTOP and SIGCONT for the daemon with its workers. */
  freeze(host: LabHost): void;
  thaw(host: LabHost): void;
  /** SIGTERM; resolves when the daemon has ended. */
  stop(host: LabHost): Promise<void>;
  /** Last words for an error message. */
  complaint(): string;
}

export interface SubjectKind {
  readonly traits: SubjectTraits;
  create(observatory: Observatory): Subject;
}
