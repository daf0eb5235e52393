/**
 * libcmap and libvotequorum of corosync, as they are: what Totem says of its nodes before anything else of the daemon's does, its
 * times, and a question that is answered while the daemon synchronises. See corosync-library.ts, whose rules hold here too; layouts:
 * corosync/cmap.h, votequorum.h.
 */
import koffi from 'koffi';
import { type Answer, CS_OK, DISPATCH_ALL, type Opened, openLibrary } from './corosync-library.ts';
import type { Descriptor } from './libc.ts';

const MODIFIED = 2;
const ADDED = 4;
const PREFIX = 8;
const MEMBERS = 'runtime.members.';
/** `struct votequorum_info`: nine words and a name of 255. */
const INFO_BYTES = 512;
const INFO_FLAGS = 7 * 4;
/** `VOTEQUORUM_INFO_QDEVICE_ALIVE`: a ring waits for the word of no other. */
const DEVICE_ALIVE = 128;

/** Totem has formed a ring with, or without, the node. The group's and the quorum's word of it come when that ring has synchronised. */
export interface TotemEvent {
  readonly node: number;
  readonly present: boolean;
}

/** Ms, as the daemon computed them for as many nodes as there are. */
export interface TotemTimes {
  readonly token: number;
  readonly consensus: number;
}

const VALUE = koffi.struct({ type: 'int', length: 'size_t', data: 'const void *' });
const NOTIFY = koffi.proto('CmapNotify', 'void', [
  'uint64_t',
  'uint64_t',
  'int32_t',
  'const char *',
  VALUE,
  VALUE,
  'void *',
]);

type Library = ReturnType<typeof koffi.load>;
type Value = { readonly type: number; readonly length: number | bigint; readonly data: unknown };

function mapFunctionsOf(map: Library) {
  return {
    initialize: map.func('int cmap_initialize(_Out_ uint64_t *handle)'),
    finalize: map.func('int cmap_finalize(uint64_t handle)'),
    descriptor: map.func('int cmap_fd_get(uint64_t handle, _Out_ int *fd)'),
    dispatch: map.func('int cmap_dispatch(uint64_t handle, int types)'),
    word: map.func('int cmap_get_uint32(uint64_t handle, const char *key, _Out_ uint32_t *value)'),
    track: map.func(
      'int cmap_track_add(uint64_t handle, const char *key, int32_t types, const void *notify, const void *data, _Out_ uint64_t *track)',
    ),
  };
}

/** One connection to the daemon's map of keys, which tells changes also while the daemon takes no requests. */
export class TotemMap {
  readonly #c: ReturnType<typeof mapFunctionsOf>;
  #handle: bigint | number = 0;
  #events: TotemEvent[] = [];
  #registered: unknown;

  private constructor(library: Library) {
    this.#c = mapFunctionsOf(library);
  }

  /** Opens libcmap.so.4; nothing is connected yet. */
  static load(): Opened<TotemMap> {
    const opened = openLibrary('libcmap.so.4');
    return opened.ok ? { ok: true, library: new TotemMap(opened.library) } : opened;
  }

  /** Waits. */
  initialize(): number {
    const handle: (bigint | number)[] = [0];
    const code: number = this.#c.initialize(handle);
    this.#handle = handle[0]!;
    return code;
  }

  /** Waits. */
  times(): Answer<TotemTimes> {
    const [token, consensus] = [[0], [0]];
    const code: number = this.#c.word(this.#handle, 'runtime.config.totem.token', token);
    if (code !== CS_OK) return { code, value: { token: 0, consensus: 0 } };
    const second: number = this.#c.word(this.#handle, 'runtime.config.totem.consensus', consensus);
    return { code: second, value: { token: token[0]!, consensus: consensus[0]! } };
  }

  /** Waits. From here on changes are told. */
  track(): number {
    this.#registered = koffi.register(this.#told, koffi.pointer(NOTIFY));
    const types = ADDED | MODIFIED | PREFIX;
    return this.#c.track(this.#handle, MEMBERS, types, this.#registered, null, [0]);
  }

  descriptor(): Answer<Descriptor> {
    const fd = [-1];
    return { code: this.#c.descriptor(this.#handle, fd), value: fd[0]! };
  }

  dispatch(): Answer<readonly TotemEvent[]> {
    const code: number = this.#c.dispatch(this.#handle, DISPATCH_ALL);
    const events = this.#events;
    this.#events = [];
    return { code, value: events };
  }

  finalize(): number {
    const code: number = this.#c.finalize(this.#handle);
    if (this.#registered !== undefined) koffi.unregister(this.#registered as never);
    this.#registered = undefined;
    return code;
  }

  readonly #told = (...[, , , key, value]: [unknown, unknown, number, string, Value]) => {
    const [, node] = /^runtime\.members\.(\d+)\.status$/.exec(key) ?? [];
    if (node === undefined) return;
    this.#events.push({ node: Number(node), present: textOf(value) === 'joined' });
  };
}

function textOf({ length, data }: Value): string {
  if (data === null || Number(length) === 0) return '';
  const bytes = koffi.decode(data, koffi.array('uint8_t', Number(length), 'Typed')) as Uint8Array;
  return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
}

function votesFunctionsOf(votes: Library) {
  return {
    initialize: votes.func('int votequorum_initialize(_Out_ uint64_t *handle, const void *callbacks)'),
    finalize: votes.func('int votequorum_finalize(uint64_t handle)'),
    descriptor: votes.func('int votequorum_fd_get(uint64_t handle, _Out_ int *fd)'),
    info: votes.func('int votequorum_getinfo(uint64_t handle, uint32_t node, void *info)'),
  };
}

/** A connection to the one service that answers while the daemon synchronises. */
export class VoteQuorum {
  readonly #c: ReturnType<typeof votesFunctionsOf>;
  readonly #info = Buffer.alloc(INFO_BYTES);
  #handle: bigint | number = 0;

  private constructor(library: Library) {
    this.#c = votesFunctionsOf(library);
  }

  /** Opens libvotequorum.so.8; nothing is connected yet. */
  static load(): Opened<VoteQuorum> {
    const opened = openLibrary('libvotequorum.so.8');
    return opened.ok ? { ok: true, library: new VoteQuorum(opened.library) } : opened;
  }

  /** Waits. */
  initialize(): number {
    const handle: (bigint | number)[] = [0];
    const code: number = this.#c.initialize(handle, null);
    this.#handle = handle[0]!;
    return code;
  }

  descriptor(): Answer<Descriptor> {
    const fd = [-1];
    return { code: this.#c.descriptor(this.#handle, fd), value: fd[0]! };
  }

  /** Waits for as long as the daemon stands still, and no longer. `value`: whether this node, its own, has a quorum device that is well. */
  ask(node: number): Answer<boolean> {
    const code: number = this.#c.info(this.#handle, node, this.#info);
    return { code, value: (this.#info.readUInt32LE(INFO_FLAGS) & DEVICE_ALIVE) !== 0 };
  }

  finalize(): number {
    return this.#c.finalize(this.#handle);
  }
}
