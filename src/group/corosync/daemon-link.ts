/**
 * The connection to this host's corosync: opens libcpg and libquorum, joins the group, hands on what they deliver. The thin edge of
 * `session.ts`. Its calls stand still while the daemon does, so it lives on a thread of its own, and somebody else watches that.
 */
import type { CorosyncGroupConfig } from '../../config/config.ts';
import type { Millis } from '../../model/time.ts';
import {
  type Answer,
  Cpg,
  type CpgEvent,
  CS_OK,
  type QuorumEvent,
  SiteQuorum,
} from '../../platform/corosync-library.ts';
import type { TotemEvent, TotemTimes } from '../../platform/corosync-totem.ts';
import { type Descriptor, duplicateDescriptor } from '../../platform/libc.ts';
import { type Watch, watchReadable } from '../../platform/poll.ts';
import { PART_BYTES_MAX } from '../spread/envelope.ts';
import { CorosyncError, isPassing } from './codes.ts';
import type { LinkReach } from './link-reach.ts';
import type { Place } from './memberships.ts';
import { TotemLink } from './totem-link.ts';

export interface LinkHandlers {
  /** What waited in libcpg, and, looked for after that, in libquorum. */
  readonly events: (events: readonly CpgEvent[], quorum: readonly QuorumEvent[]) => void;
  /** What Totem says ahead of both. */
  readonly totem: (events: readonly TotemEvent[]) => void;
  readonly failed: (error: CorosyncError) => void;
}

/** A library is not on this machine: somebody has to install it. */
export class LibraryMissing extends Error {}

/** Between two attempts where the daemon says that it cannot just now. */
const AGAIN_MS: Millis = 20;
/** A part and what we write around it. */
const MESSAGE_BYTES_MIN = PART_BYTES_MAX + 1024;

export class DaemonLink {
  readonly #cpg: Cpg;
  /** Absent where the votes of the configuration decide, and where the site has no rule of quorum. */
  readonly #quorum: SiteQuorum | undefined;
  /** There with it. */
  readonly #totem: TotemLink | undefined;
  readonly #group: string;
  readonly #watches: Watch[] = [];
  readonly here: Place;
  readonly #descriptors: readonly Descriptor[];

  private constructor(parts: {
    readonly cpg: Cpg;
    readonly quorum: SiteQuorum | undefined;
    readonly totem: TotemLink | undefined;
    readonly group: string;
    readonly here: Place;
  }) {
    this.#cpg = parts.cpg;
    this.#quorum = parts.quorum;
    this.#totem = parts.totem;
    this.#group = parts.group;
    this.here = parts.here;
    this.#descriptors = [
      parts.cpg.descriptor().value,
      ...(parts.quorum ? [parts.quorum.descriptor().value] : []),
      ...(parts.totem?.descriptors ?? []),
    ];
  }

  /** Waits as long as the daemon does. Throws {@link LibraryMissing} or a {@link CorosyncError}; nothing is left open then. */
  static open({ cpg_group: group, primary_by: primaryBy }: CorosyncGroupConfig): DaemonLink {
    const cpg = found(Cpg.load(), 'libcpg4');
    const siteQuorum = primaryBy === 'corosync' ? found(SiteQuorum.load(), 'libquorum5') : undefined;
    must('cpg_initialize', cpg.initialize());
    try {
      const here = { node: need('cpg_local_get', cpg.localNode()), pid: process.pid };
      if (need('cpg_max_atomic_msgsize_get', cpg.messageMax()) < MESSAGE_BYTES_MIN)
        throw new CorosyncError('cpg_max_atomic_msgsize_get', TOO_BIG);
      const quorum = siteQuorum && openQuorum(siteQuorum);
      return new DaemonLink({ cpg, quorum, totem: quorum && TotemLink.open(), group, here });
    } catch (error) {
      cpg.finalize();
      throw error;
    }
  }

  /** Whether the site has a rule of quorum that we listen to. */
  get decrees(): boolean {
    return this.#quorum !== undefined;
  }

  /** Of the site's Totem; undefined where it cannot be asked. */
  get times(): TotemTimes | undefined {
    return this.#totem?.times;
  }

  /** The site has a quorum device, whose word a ring waits for. */
  get hasDevice(): boolean {
    return this.#totem?.hasDevice === true;
  }

  /** Joins; an earlier process of ours may still be on its way out. Throws a {@link CorosyncError} if that takes longer than `within`. */
  async join(within: Millis): Promise<void> {
    const deadline = performance.now() + within;
    for (;;) {
      const code = this.#cpg.join(this.#group);
      if (code === CS_OK) return;
      if (!isPassing(code) || performance.now() > deadline) throw new CorosyncError('cpg_join', code);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  listen({ events, totem, failed }: LinkHandlers): void {
    const attempt = (read: () => void) => () => {
      try {
        read();
      } catch (error) {
        if (!(error instanceof CorosyncError)) throw error;
        failed(error);
      }
    };
    const quorum = () => (this.#quorum ? need('quorum_dispatch', this.#quorum.dispatch()) : []);
    const [cpgDescriptor, quorumDescriptor] = this.#descriptors;
    const readCpg = attempt(() => {
      const told = need('cpg_dispatch', this.#cpg.dispatch());
      events(told, quorum());
    });
    this.#watches.push(watchReadable(cpgDescriptor!, { readable: readCpg }));
    if (quorumDescriptor === undefined) return;
    const readQuorum = attempt(() => events([], quorum()));
    this.#watches.push(watchReadable(quorumDescriptor, { readable: readQuorum }));
    const totemDescriptor = this.#totem?.descriptor;
    if (totemDescriptor === undefined) return;
    const readTotem = attempt(() => totem(this.#totem!.read()));
    this.#watches.push(watchReadable(totemDescriptor, { readable: readTotem }));
  }

  /** False: the daemon takes nothing just now. */
  send(bytes: Uint8Array): boolean {
    const code = this.#cpg.multicast(bytes);
    if (code === CS_OK) return true;
    if (isPassing(code)) return false;
    throw new CorosyncError('cpg_mcast_joined', code);
  }

  /** For who shuts them down from elsewhere; they are closed there, so that their numbers mean nothing else by then. */
  handles(): readonly Descriptor[] {
    return this.#descriptors.map(duplicateDescriptor);
  }

  /** Returns when the daemon has answered: it need not be in a ring for that, and where it can be it is asked what it answers while it synchronises. */
  ask(): void {
    if (this.#totem?.ask(this.here.node) === true) return;
    must('cpg_local_get', this.#cpg.localNode().code);
  }

  /** Which nodes corosync's links reach; undefined where nothing here can tell. */
  get reach(): LinkReach | undefined {
    return this.#totem?.reach;
  }

  leave(): void {
    must('cpg_leave', this.#cpg.leave(this.#group));
  }

  /** A promise where something is still under way; bounded by what the daemon does, and by who shuts the handles down. */
  close(): Promise<void> | undefined {
    for (const watch of this.#watches.splice(0)) watch.close();
    this.#cpg.finalize();
    this.#quorum?.finalize();
    return this.#totem?.close();
  }
}

/** What is not on this host, and how to get it; undefined: everything is. */
export function missingLibrary(primaryBy: CorosyncGroupConfig['primary_by']): string | undefined {
  try {
    found(Cpg.load(), 'libcpg4');
    if (primaryBy === 'corosync') found(SiteQuorum.load(), 'libquorum5');
    return undefined;
  } catch (error) {
    if (error instanceof LibraryMissing) return error.message;
    throw error;
  }
}

const TOO_BIG = 26;

function openQuorum(quorum: SiteQuorum): SiteQuorum | undefined {
  const hasRule = need('quorum_initialize', quorum.initialize());
  if (!hasRule) {
    quorum.finalize();
    return undefined;
  }
  const code = quorum.track();
  if (code === CS_OK) return quorum;
  quorum.finalize();
  throw new CorosyncError('quorum_trackstart', code);
}

function found<Library>(
  opened: { readonly ok: true; readonly library: Library } | { readonly ok: false; readonly reason: string },
  name: string,
): Library {
  if (opened.ok) return opened.library;
  throw new LibraryMissing(
    `engine corosync needs ${name}, which is not on this host (${opened.reason}); install it: apt install ${name} (Debian, Ubuntu) or dnf install corosynclib (Fedora, RHEL)`,
  );
}

function must(call: string, code: number): void {
  if (code !== CS_OK) throw new CorosyncError(call, code);
}

function need<Value>(call: string, { code, value }: Answer<Value>): Value {
  must(call, code);
  return value;
}
