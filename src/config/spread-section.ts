/** The `group` section where the engine is a Spread daemon. */
import { isMemberName, type MemberName } from '../model/member.ts';
import type { SpreadGroupConfig } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { parseDuration } from './duration.ts';
import type { Findings } from './findings.ts';
import type { FileShape } from './schema.ts';
import { isSpreadGroup, parseSpreadDaemon } from './spread-daemon.ts';

type Section = FileShape['group'];

/** Undefined if there is no telling which group is meant. */
export function buildSpreadGroup(
  section: Section,
  cluster: string,
  findings: Findings,
): SpreadGroupConfig | undefined {
  const daemon = String(section.daemon ?? DEFAULTS.spread.daemon);
  const parsed = parseSpreadDaemon(daemon);
  if (!parsed.ok) findings.error(['group', 'daemon'], parsed);
  const members = readMembers(section, findings);
  const name = section.spread_group ?? `wackamole-${cluster}`;
  if (!isSpreadGroup(name)) {
    const own = section.spread_group !== undefined;
    const what = `${JSON.stringify(name)} cannot be the name of a Spread group`;
    const mend = `write \`spread_group\` with 1 to 31 printable ASCII characters, without space, " and #`;
    findings.error(own ? ['group', 'spread_group'] : ['group'], { what, mend, atKey: !own });
    return undefined;
  }
  return {
    engine: 'spread',
    daemon,
    spread_group: name,
    ...(members !== undefined && { members }),
    connect_timeout_ms: section.connect_timeout ?? parseDuration(DEFAULTS.spread.connect_timeout)!,
    daemon_timeout_ms: section.daemon_timeout ?? parseDuration(DEFAULTS.spread.daemon_timeout)!,
    agent_timeout_ms: section.agent_timeout ?? parseDuration(DEFAULTS.spread.agent_timeout)!,
  };
}

/** Members the file names. */
export function readMembers({ members }: Section, findings: Findings): readonly MemberName[] | undefined {
  for (const [index, name] of (members ?? []).entries()) {
    if (members!.indexOf(name) < index) {
      findings.error(['group', 'members', index], {
        what: `${name} stands here twice`,
        mend: 'name it once',
      });
    }
  }
  return members?.filter(isMemberName);
}
