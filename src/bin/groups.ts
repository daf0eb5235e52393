/** The engine of group communication that the configuration names, for each connection a new member of it. */
import type { Config } from '../config/config.ts';
import { createEmbeddedGroup, type GroupLogger } from '../group/embedded.ts';
import type { GroupCommunication } from '../group/group.ts';
import { createSpreadGroup } from '../group/spread/spread-group.ts';

/** So much later at most a member comes back to its daemon than it could, ms: others lost it at the same moment. */
const REJOIN_JITTER_MS = 250;

export function createGroups(log: GroupLogger): (config: Config) => GroupCommunication {
  let first = true;
  return ({ cluster, member, group }) => {
    if (group.engine === 'embedded') return createEmbeddedGroup({ cluster, member, group }, { log });
    const delay = first ? 0 : Math.random() * REJOIN_JITTER_MS;
    first = false;
    return createSpreadGroup({ cluster, member, group, delay }, { log });
  };
}
