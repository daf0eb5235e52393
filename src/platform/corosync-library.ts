/**
 * libcpg and libquorum of corosync, as they are: calls that return a `cs_error_t`, and what their callbacks tell as plain values. The
 * libraries belong to the site; they are opened when asked for, and nothing else needs them. Decides nothing.
 *
 * Calls marked "waits" stand still while the daemon does; they are made on a thread of their own. Layouts: corosync/cpg.h, quorum.h.
 */
import koffi from 'koffi';
import { bytesAt, wordsAt } from './foreign-memory.ts';
import type { Descriptor } from './libc.ts';

/** `CS_OK`. */
export const CS_OK = 1;
/** Of all libraries: everything that waits, and then no longer. */
export const DISPATCH_ALL = 2;
const MODEL_V1 = 1;
/** `CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF`: tells which ring there is as soon as we have joined. */
const INITIAL_RING = 1;
const GUARANTEE_AGREED = 2;
const TRACK_CURRENT_AND_CHANGES = 3;
const ADDRESS_WORDS = 3;
const NAME_FIELD_BYTES = 128;

/** A process in a closed process group; `reason` is a number of `cpg_reason_t`. */
export interface CpgAddress {
  readonly node: number;
  readonly pid: number;
  readonly reason: number;
}

export interface RingId {
  readonly node: number;
  readonly seq: bigint;
}

/** What libcpg delivers, in its order. */
export type CpgEvent =
  | { readonly kind: 'message'; readonly node: number; readonly pid: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'members';
      readonly members: readonly CpgAddress[];
      readonly left: readonly CpgAddress[];
      readonly joined: readonly CpgAddress[];
    }
  /** All changes of the group that this ring brought have been told. */
  | { readonly kind: 'ring'; readonly ring: RingId; readonly nodes: readonly number[] };

/** What libquorum tells. */
export interface QuorumEvent {
  readonly kind: 'quorum';
  readonly quorate: boolean;
  readonly seq: bigint;
  readonly nodes: readonly number[];
}

/** A number of `cs_error_t`, and what came with it. */
export interface Answer<Value> {
  readonly code: number;
  readonly value: Value;
}

export type Opened<Library> =
  | { readonly ok: true; readonly library: Library }
  | { readonly ok: false; readonly reason: string };

const RING_ID = koffi.struct({ nodeid: 'uint32_t', seq: 'uint64_t' });
const DELIVER = koffi.proto(
  'void (uint64_t handle, const void *group, uint32_t nodeid, uint32_t pid, const void *message, size_t length)',
);
const CONFCHG = koffi.proto(
  'void (uint64_t handle, const void *group, const void *members, size_t m, const void *left, size_t l, const void *joined, size_t j)',
);
const TOTEM = koffi.proto('TotemConfchg', 'void', ['uint64_t', RING_ID, 'uint32_t', 'const void *']);
const QUORUM = koffi.proto(
  'void (uint64_t handle, uint32_t quorate, uint64_t seq, uint32_t entries, const void *list)',
);

type Library = ReturnType<typeof koffi.load>;

export function openLibrary(name: string): Opened<Library> {
  try {
    return { ok: true, library: koffi.load(name) };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function functionsOf(cpg: Library) {
  return {
    initialize: cpg.func(
      'int cpg_model_initialize(_Out_ uint64_t *handle, int model, const void *data, const void *context)',
    ),
    finalize: cpg.func('int cpg_finalize(uint64_t handle)'),
    descriptor: cpg.func('int cpg_fd_get(uint64_t handle, _Out_ int *fd)'),
    localNode: cpg.func('int cpg_local_get(uint64_t handle, _Out_ uint32_t *nodeid)'),
    messageMax: cpg.func('int cpg_max_atomic_msgsize_get(uint64_t handle, _Out_ uint32_t *size)'),
    join: cpg.func('int cpg_join(uint64_t handle, const void *group)'),
    leave: cpg.func('int cpg_leave(uint64_t handle, const void *group)'),
    multicast: cpg.func(
      'int cpg_mcast_joined(uint64_t handle, int guarantee, const void *iovec, uint32_t count)',
    ),
    dispatch: cpg.func('int cpg_dispatch(uint64_t handle, int types)'),
  };
}

/** One connection to the daemon's closed process groups. */
export class Cpg {
  readonly #c: ReturnType<typeof functionsOf>;
  #handle: bigint | number = 0;
  #events: CpgEvent[] = [];
  #registered: unknown[] = [];

  private constructor(library: Library) {
    this.#c = functionsOf(library);
  }

  /** Opens libcpg.so.4; nothing is connected yet. */
  static load(): Opened<Cpg> {
    const opened = openLibrary('libcpg.so.4');
    return opened.ok ? { ok: true, library: new Cpg(opened.library) } : opened;
  }

  /** Waits. */
  initialize(): number {
    const deliver = koffi.register(this.#deliver, koffi.pointer(DELIVER));
    const confchg = koffi.register(this.#confchg, koffi.pointer(CONFCHG));
    const totem = koffi.register(this.#totem, koffi.pointer(TOTEM));
    this.#registered = [deliver, confchg, totem];
    const data = Buffer.alloc(40);
    data.writeInt32LE(MODEL_V1, 0);
    for (const [index, callback] of this.#registered.entries())
      data.writeBigUInt64LE(koffi.address(callback), 8 * (index + 1));
    data.writeUInt32LE(INITIAL_RING, 32);
    const handle: (bigint | number)[] = [0];
    const code: number = this.#c.initialize(handle, MODEL_V1, data, null);
    this.#handle = handle[0]!;
    if (code !== CS_OK) this.#unregister();
    return code;
  }

  descriptor(): Answer<Descriptor> {
    const fd = [-1];
    return { code: this.#c.descriptor(this.#handle, fd), value: fd[0]! };
  }

  /** Waits. Our node's id. Answered also while a ring forms. */
  localNode(): Answer<number> {
    const node = [0];
    return { code: this.#c.localNode(this.#handle, node), value: node[0]! };
  }

  /** Longest message that travels in one piece, bytes. */
  messageMax(): Answer<number> {
    const size = [0];
    return { code: this.#c.messageMax(this.#handle, size), value: size[0]! };
  }

  /** Waits. */
  join(group: string): number {
    return this.#c.join(this.#handle, nameField(group));
  }

  /** Waits. */
  leave(group: string): number {
    return this.#c.leave(this.#handle, nameField(group));
  }

  /** In agreed order, to the group we joined; at most {@link messageMax} bytes. `CS_ERR_TRY_AGAIN`: nothing was sent. */
  multicast(bytes: Uint8Array): number {
    const iovec = Buffer.alloc(16);
    iovec.writeBigUInt64LE(koffi.address(bytes), 0);
    iovec.writeBigUInt64LE(BigInt(bytes.length), 8);
    return this.#c.multicast(this.#handle, GUARANTEE_AGREED, iovec, 1);
  }

  /** Everything that waits to be delivered; bytes are of their own. */
  dispatch(): Answer<readonly CpgEvent[]> {
    const code: number = this.#c.dispatch(this.#handle, DISPATCH_ALL);
    const events = this.#events;
    this.#events = [];
    return { code, value: events };
  }

  /** Waits. */
  finalize(): number {
    const code: number = this.#c.finalize(this.#handle);
    this.#unregister();
    return code;
  }

  #unregister(): void {
    for (const callback of this.#registered) koffi.unregister(callback as never);
    this.#registered = [];
  }

  // Callbacks only note: an exception in one would vanish in C.
  readonly #deliver = (
    ...[, , node, pid, message, length]: [unknown, unknown, number, number, unknown, number]
  ) => {
    this.#events.push(messageTold({ node, pid }, message, length));
  };

  readonly #confchg = (
    ...[, , members, m, left, l, joined, j]: [
      unknown,
      unknown,
      unknown,
      number,
      unknown,
      number,
      unknown,
      number,
    ]
  ) => {
    this.#events.push(
      membersTold({ at: members, count: m }, { at: left, count: l }, { at: joined, count: j }),
    );
  };

  readonly #totem = (
    ...[, ring, entries, list]: [unknown, { nodeid: number; seq: number | bigint }, number, unknown]
  ) => {
    this.#events.push(ringTold(ring, { at: list, count: entries }));
  };
}

/** Tells whether the daemon's ring has quorum. */
export class SiteQuorum {
  readonly #c: ReturnType<typeof quorumFunctionsOf>;
  #handle: bigint | number = 0;
  #events: QuorumEvent[] = [];
  #registered: unknown;

  private constructor(library: Library) {
    this.#c = quorumFunctionsOf(library);
  }

  /** Opens libquorum.so.5; nothing is connected yet. */
  static load(): Opened<SiteQuorum> {
    const opened = openLibrary('libquorum.so.5');
    return opened.ok ? { ok: true, library: new SiteQuorum(opened.library) } : opened;
  }

  /** Waits. `value`: whether the site has a rule of quorum; without one the daemon calls every ring quorate. */
  initialize(): Answer<boolean> {
    this.#registered = koffi.register(this.#told, koffi.pointer(QUORUM));
    const callbacks = Buffer.alloc(8);
    callbacks.writeBigUInt64LE(koffi.address(this.#registered), 0);
    const handle: (bigint | number)[] = [0];
    const type = [0];
    const code: number = this.#c.initialize(handle, callbacks, type);
    this.#handle = handle[0]!;
    if (code !== CS_OK) this.#unregister();
    return { code, value: type[0] !== 0 };
  }

  /** Waits. From here on changes are told, and at once what is now. */
  track(): number {
    return this.#c.track(this.#handle, TRACK_CURRENT_AND_CHANGES);
  }

  descriptor(): Answer<Descriptor> {
    const fd = [-1];
    return { code: this.#c.descriptor(this.#handle, fd), value: fd[0]! };
  }

  dispatch(): Answer<readonly QuorumEvent[]> {
    const code: number = this.#c.dispatch(this.#handle, DISPATCH_ALL);
    const events = this.#events;
    this.#events = [];
    return { code, value: events };
  }

  finalize(): number {
    const code: number = this.#c.finalize(this.#handle);
    this.#unregister();
    return code;
  }

  #unregister(): void {
    if (this.#registered !== undefined) koffi.unregister(this.#registered as never);
    this.#registered = undefined;
  }

  readonly #told = (
    ...[, quorate, seq, entries, list]: [unknown, number, number | bigint, number, unknown]
  ) => {
    this.#events.push(quorumTold({ quorate, seq }, { at: list, count: entries }));
  };
}

function quorumFunctionsOf(quorum: Library) {
  return {
    initialize: quorum.func(
      'int quorum_initialize(_Out_ uint64_t *handle, const void *callbacks, _Out_ uint32_t *type)',
    ),
    finalize: quorum.func('int quorum_finalize(uint64_t handle)'),
    descriptor: quorum.func('int quorum_fd_get(uint64_t handle, _Out_ int *fd)'),
    track: quorum.func('int quorum_trackstart(uint64_t handle, uint32_t flags)'),
    dispatch: quorum.func('int quorum_dispatch(uint64_t handle, int types)'),
  };
}

/** `struct cpg_name`: a length and 128 bytes. */
function nameField(group: string): Buffer {
  const name = Buffer.from(group, 'latin1');
  const field = Buffer.alloc(4 + NAME_FIELD_BYTES);
  field.writeUInt32LE(name.length, 0);
  name.copy(field, 4);
  return field;
}

/** Where a library has so many of something one behind the other. */
export interface ListAt {
  readonly at: unknown;
  readonly count: number;
}

// What the callbacks make of what they are told; also for who practises that (`group/corosync/practice.ts`).

export function messageTold(
  { node, pid }: Pick<CpgAddress, 'node' | 'pid'>,
  at: unknown,
  length: number,
): CpgEvent {
  return { kind: 'message', node, pid, bytes: bytesAt(at, length) };
}

/** Lists of `struct cpg_address`. */
export function membersTold(members: ListAt, left: ListAt, joined: ListAt): CpgEvent {
  return {
    kind: 'members',
    members: addressesAt(members),
    left: addressesAt(left),
    joined: addressesAt(joined),
  };
}

export function ringTold(
  { nodeid, seq }: { readonly nodeid: number; readonly seq: number | bigint },
  nodes: ListAt,
): CpgEvent {
  return { kind: 'ring', ring: { node: nodeid, seq: BigInt(seq) }, nodes: nodesAt(nodes) };
}

export function quorumTold(
  { quorate, seq }: { readonly quorate: number; readonly seq: number | bigint },
  nodes: ListAt,
): QuorumEvent {
  return { kind: 'quorum', quorate: quorate !== 0, seq: BigInt(seq), nodes: nodesAt(nodes) };
}

function nodesAt({ at, count }: ListAt): readonly number[] {
  return [...wordsAt(at, count)];
}

function addressesAt({ at, count }: ListAt): readonly CpgAddress[] {
  const words = wordsAt(at, count * ADDRESS_WORDS);
  return Array.from({ length: count }, (_, index) => {
    const [node = 0, pid = 0, reason = 0] = words.subarray(index * ADDRESS_WORDS);
    return { node, pid, reason };
  });
}
