/** The engine of group communication that the configuration names, for each connection a new member of it. */
import type { Config } from '../config/config.ts';
import type { GroupLogger } from '../group/embedded.ts';
import type { GroupCommunication } from '../group/group.ts';

/** So much later at most a member comes back to its daemon than it could, ms: others lost it at the same moment. */
const REJOIN_JITTER_MS = 250;

type CreateGroup = (config: Config) => GroupCommunication;

/** Loads the one engine that is needed; it stays the same while the agent runs. */
export function loadEngine(engine: Config['group']['engine'], log: GroupLogger): Promise<CreateGroup> {
  return LOADERS[engine](log);
}

const LOADERS = { embedded: loadEmbedded, spread: loadSpread, corosync: loadCorosync };

async function loadEmbedded(log: GroupLogger): Promise<CreateGroup> {
  const { createEmbeddedGroup } = await import('../group/embedded.ts');
  const { embeddedGroupOf } = await import('../config/engines.ts');
  return (config) => {
    const { cluster, member } = config;
    return createEmbeddedGroup({ cluster, member, group: embeddedGroupOf(config) }, { log });
  };
}

async function loadSpread(log: GroupLogger): Promise<CreateGroup> {
  const { createSpreadGroup } = await import('../group/spread/spread-group.ts');
  let first = true;
  return ({ cluster, member, group }) => {
    if (group.engine !== 'spread') throw new TypeError('another engine than the agent was started with');
    const delay = first ? 0 : Math.random() * REJOIN_JITTER_MS;
    first = false;
    return createSpreadGroup({ cluster, member, group, delay }, { log });
  };
}

async function loadCorosync(log: GroupLogger): Promise<CreateGroup> {
  const { createCorosyncGroup } = await import('../group/corosync/corosync-group.ts');
  const { CorosyncThread } = await import('../group/corosync/thread.ts');
  const thread = new CorosyncThread();
  let first = true;
  return ({ cluster, member, group }) => {
    if (group.engine !== 'corosync') throw new TypeError('another engine than the agent was started with');
    const delay = first ? 0 : Math.random() * REJOIN_JITTER_MS;
    first = false;
    return createCorosyncGroup({ cluster, member, group, delay }, { log, thread });
  };
}
