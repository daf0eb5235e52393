/** The `group` section where the engine is this host's corosync. */
import type { CorosyncGroupConfig } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { parseDuration } from './duration.ts';
import type { Findings } from './findings.ts';
import type { FileShape } from './schema.ts';
import { readMembers } from './spread-section.ts';

/** What `struct cpg_name` has room for, and its end. */
const NAME_LENGTH_MAX = 127;

/** Undefined if there is no telling which group is meant. */
export function buildCorosyncGroup(
  section: FileShape['group'],
  cluster: string,
  findings: Findings,
): CorosyncGroupConfig | undefined {
  const members = readMembers(section, findings);
  const name = section.cpg_group ?? `wackamole-${cluster}`;
  if (name.length > NAME_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(name)) {
    const own = section.cpg_group !== undefined;
    const what = `${JSON.stringify(name)} cannot be the name of a closed process group`;
    const mend = `write \`cpg_group\` with 1 to ${NAME_LENGTH_MAX} printable ASCII characters, without space`;
    findings.error(own ? ['group', 'cpg_group'] : ['group'], { what, mend, atKey: !own });
    return undefined;
  }
  return {
    engine: 'corosync',
    cpg_group: name,
    ...(members !== undefined && { members }),
    primary_by: section.primary_by ?? DEFAULTS.corosync.primary_by,
    connect_timeout_ms: section.connect_timeout ?? parseDuration(DEFAULTS.corosync.connect_timeout)!,
    daemon_timeout_ms: section.daemon_timeout ?? parseDuration(DEFAULTS.corosync.daemon_timeout)!,
    agent_timeout_ms: section.agent_timeout ?? parseDuration(DEFAULTS.corosync.agent_timeout)!,
  };
}
