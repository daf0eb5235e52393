/** The engine of group communication that the configuration names, for each connection a new member of it. */
import type { Config } from '../config/config.ts';
import type { GroupLogger } from '../group/embedded.ts';
import type { GroupCommunication } from '../group/group.ts';
import type { PreparedWorker, startWorker } from '../platform/worker-thread.ts';

/** So much later at most a member comes back to its daemon than it could, ms: others lost it at the same moment. */
const REJOIN_JITTER_MS = 250;

export interface EngineParts {
  readonly log: GroupLogger;
  /** The thread of the embedded engine, ready to begin; the first member takes it, or it is dropped. */
  readonly prepared?: PreparedWorker | undefined;
}

type CreateGroup = (config: Config) => GroupCommunication;

/** Loads the one engine that is needed; it stays the same while the agent runs. */
export function loadEngine(engine: Config['group']['engine'], parts: EngineParts): Promise<CreateGroup> {
  if (engine !== 'embedded') parts.prepared?.drop();
  return LOADERS[engine](parts);
}

const LOADERS = { embedded: loadEmbedded, spread: loadSpread, corosync: loadCorosync };

async function loadEmbedded({ log, prepared }: EngineParts): Promise<CreateGroup> {
  const { createEmbeddedGroup } = await import('../group/embedded.ts');
  const { embeddedGroupOf } = await import('../config/engines.ts');
  let waiting = prepared;
  return (config) => {
    const { cluster, member } = config;
    const first = waiting;
    waiting = undefined;
    const start: typeof startWorker | undefined =
      first && (({ data }, handlers) => first.begin(data, handlers));
    const settings = { cluster, member, group: embeddedGroupOf(config) };
    return createEmbeddedGroup(settings, { log, ...(start !== undefined && { startWorker: start }) });
  };
}

async function loadSpread({ log }: EngineParts): Promise<CreateGroup> {
  const { createSpreadGroup } = await import('../group/spread/spread-group.ts');
  let first = true;
  return ({ cluster, member, group, agent }) => {
    if (group.engine !== 'spread') throw new TypeError('another engine than the agent was started with');
    const delay = first ? 0 : Math.random() * REJOIN_JITTER_MS;
    first = false;
    return createSpreadGroup({ cluster, member, group, delay, ...goneWithDaemon(agent) }, { log });
  };
}

async function loadCorosync({ log }: EngineParts): Promise<CreateGroup> {
  const { createCorosyncGroup } = await import('../group/corosync/corosync-group.ts');
  const { CorosyncThread } = await import('../group/corosync/thread.ts');
  const thread = new CorosyncThread();
  let first = true;
  return ({ cluster, member, group, agent }) => {
    if (group.engine !== 'corosync') throw new TypeError('another engine than the agent was started with');
    const delay = first ? 0 : Math.random() * REJOIN_JITTER_MS;
    first = false;
    return createCorosyncGroup({ cluster, member, group, delay, ...goneWithDaemon(agent) }, { log, thread });
  };
}

/** A daemon cannot tell whether the host of another still answers: whoever is to wait then has to take it for silent. */
function goneWithDaemon({ takeover }: Config['agent']) {
  return takeover === 'strict' ? ({ goneWithDaemon: 'host' } as const) : {};
}
