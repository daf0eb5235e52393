/** Members of the embedded engine on loopback addresses 127.0.0.1, .2, …, which are "hosts" that answer probes. */
import { enableCompileCache } from 'node:module';
import type { EmbeddedGroupConfig } from '../../src/config/config.ts';
import { PROFILES } from '../../src/config/profiles.ts';
import { createEmbeddedGroup } from '../../src/group/embedded.ts';
import type { GroupCommunication } from '../../src/group/group.ts';
import type { EngineThreadData } from '../../src/group/worker-messages.ts';
import { type RunningWorker, startWorker } from '../../src/platform/worker-thread.ts';
import type { GroupCluster } from './group.ts';

// Most of what a test of two members takes is reading their threads' code.
enableCompileCache();

const NAMES = ['a', 'b', 'c', 'd', 'n', 'twin'];
const STATUS_INTERVAL_MS = 100;
let nextPort = 20_000 + (process.pid % 600) * 20;

export interface LoopbackOptions {
  readonly cluster?: string;
  readonly key?: Uint8Array | undefined;
  readonly port?: number;
  readonly group?: Partial<EmbeddedGroupConfig>;
}

export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const LOOPBACK_KEY = Buffer.alloc(32, 'loopback key');

export function loopbackAddress(name: string): string {
  return `127.0.0.${NAMES.indexOf(name) + 1}`;
}

/** A port nobody of this test run has used. */
export function freshPort(): number {
  nextPort += 1;
  return nextPort;
}

export class LoopbackCluster implements GroupCluster {
  readonly port: number;
  readonly logs: LogEntry[] = [];
  readonly #options: LoopbackOptions;
  readonly #workers = new Map<GroupCommunication, RunningWorker>();
  readonly #groups: GroupCommunication[] = [];

  constructor(options: LoopbackOptions = {}) {
    this.#options = options;
    this.port = options.port ?? freshPort();
  }

  /** `at`: whose address it takes; its own unless given. */
  member(name: string, changes: LoopbackOptions & { at?: string } = {}): GroupCommunication {
    const options = { ...this.#options, ...changes };
    const key = 'key' in options ? options.key : LOOPBACK_KEY;
    let group: GroupCommunication | undefined;
    const config: EmbeddedGroupConfig = {
      engine: 'embedded',
      listen: { host: loopbackAddress(changes.at ?? name), port: this.port },
      peers: ['a', 'b', 'c'].map((peer) => ({
        name: peer,
        addresses: [{ host: loopbackAddress(peer), port: this.port }],
      })),
      ...(key === undefined ? {} : { key }),
      profile: 'lan',
      // Patient heartbeats: several engines, the tests and their neighbours share few processors.
      timers: { ...PROFILES.lan, heartbeat_timeout_ms: 3000 },
      ...options.group,
    };
    const started: typeof startWorker = (start, handlers) => {
      // Tests wait for what the status tells.
      const data = { ...(start.data as EngineThreadData), statusInterval: STATUS_INTERVAL_MS };
      const worker = startWorker({ ...start, data }, handlers);
      if (group !== undefined) this.#workers.set(group, worker);
      return worker;
    };
    const log = (level: string) => (fields: object, message: string) => {
      this.logs.push({ level, message, fields: { ...fields } });
    };
    group = createEmbeddedGroup(
      { cluster: options.cluster ?? 'loopback', member: name, group: config },
      {
        log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
        startWorker: started,
      },
    );
    this.#groups.push(group);
    return group;
  }

  async crash(group: GroupCommunication): Promise<void> {
    await this.#workers.get(group)?.terminate();
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#groups.map((group) => group.leave()));
  }
}
