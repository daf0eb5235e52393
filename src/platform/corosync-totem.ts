/**
 * libcmap and libvotequorum of corosync, as they are: what Totem says of its nodes before anything else of the daemon's does, its
 * times, and a question that is answered while the daemon synchronises. See corosync-library.ts, whose rules hold here too; layouts:
 * corosync/cmap.h, votequorum.h.
 */
import koffi from 'koffi';
import { type Answer, CS_OK, DISPATCH_ALL, type Opened, openLibrary } from './corosync-library.ts';
import { bytesAt } from './foreign-memory.ts';
import type { Descriptor } from './libc.ts';

const MODIFIED = 2;
const ADDED = 4;
const PREFIX = 8;
/** `CMAP_MAP_STATS` */
const STATS_MAP = 1;
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
  /** Between two questions of a link to its other end; undefined: the transport watches none. */
  readonly ping: number | undefined;
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
    const word = (key: string): Answer<number> => {
      const value = [0];
      const code: number = this.#c.word(this.#handle, `runtime.config.totem.${key}`, value);
      return { code, value: value[0]! };
    };
    const [token, consensus] = [word('token'), word('consensus')];
    const ping = word('interface.0.knet_ping_interval');
    return {
      code: token.code === CS_OK ? consensus.code : token.code,
      value: {
        token: token.value,
        consensus: consensus.value,
        ping: ping.code === CS_OK ? ping.value : undefined,
      },
    };
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
  return Buffer.from(bytesAt(data, Number(length)).buffer)
    .toString('latin1')
    .replace(/\0+$/, '');
}

function linkFunctionsOf(map: Library) {
  return {
    initialize: map.func('int cmap_initialize_map(_Out_ uint64_t *handle, int map)'),
    finalize: map.func('int cmap_finalize(uint64_t handle)'),
    descriptor: map.func('int cmap_fd_get(uint64_t handle, _Out_ int *fd)'),
    byte: map.func('int cmap_get_uint8(uint64_t handle, const char *key, _Out_ uint8_t *value)'),
    long: map.func('int cmap_get_uint64(uint64_t handle, const char *key, _Out_ uint64_t *value)'),
  };
}

type LinkFunctions = ReturnType<typeof linkFunctionsOf>;

/**
 * The daemon's map of what its links do (`man 7 cmap_keys`, stats map). It does not answer while it synchronises, so it is asked on a thread of
 * the runtime's, one question after the other.
 */
export class LinkMap {
  readonly #c: LinkFunctions;
  #handle: bigint | number = 0;

  private constructor(library: Library) {
    this.#c = linkFunctionsOf(library);
  }

  /** Opens libcmap.so.4; nothing is connected yet. */
  static load(): Opened<LinkMap> {
    const opened = openLibrary('libcmap.so.4');
    return opened.ok ? { ok: true, library: new LinkMap(opened.library) } : opened;
  }

  /** Waits. */
  initialize(): number {
    const handle: (bigint | number)[] = [0];
    const code: number = this.#c.initialize(handle, STATS_MAP);
    this.#handle = handle[0]!;
    return code;
  }

  descriptor(): Answer<Descriptor> {
    const fd = [-1];
    return { code: this.#c.descriptor(this.#handle, fd), value: fd[0]! };
  }

  /** Whether the link to the node counts as connected; undefined: there is no such link, or nobody knows. */
  async connected(node: number, link: number): Promise<boolean | undefined> {
    const value = await this.#ask(this.#c.byte, `stats.knet.node${node}.link${link}.connected`);
    return value === undefined ? undefined : value === 1;
  }

  /** How often the node has answered on the link; undefined: nobody knows. */
  pongs(node: number, link: number): Promise<number | undefined> {
    return this.#ask(this.#c.long, `stats.knet.node${node}.link${link}.rx_pong_packets`);
  }

  #ask(get: LinkFunctions['byte' | 'long'], key: string): Promise<number | undefined> {
    const value: (number | bigint)[] = [0];
    return new Promise((resolve, reject) => {
      get.async(this.#handle, key, value, (error: Error | null, code: number) => {
        if (error) reject(error);
        else resolve(code === CS_OK ? Number(value[0]) : undefined);
      });
    });
  }

  /** Not while a question is open. */
  finalize(): number {
    return this.#c.finalize(this.#handle);
  }
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
