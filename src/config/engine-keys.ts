/** Keys of the `group` section that belong to some engines only. */
import { DEFAULTS } from './defaults.ts';
import type { Findings } from './findings.ts';
import type { FileShape } from './schema.ts';

type Section = FileShape['group'];
type Engine = Section['engine'];

const EMBEDDED: readonly Engine[] = ['embedded'];
const SPREAD: readonly Engine[] = ['spread'];
const COROSYNC: readonly Engine[] = ['corosync'];
const DAEMONS: readonly Engine[] = ['spread', 'corosync'];

const ENGINES_OF = {
  listen: EMBEDDED,
  peers: EMBEDDED,
  multicast: EMBEDDED,
  key_file: EMBEDDED,
  insecure: EMBEDDED,
  profile: EMBEDDED,
  timers: EMBEDDED,
  daemon: SPREAD,
  spread_group: SPREAD,
  cpg_group: COROSYNC,
  primary_by: COROSYNC,
  members: DAEMONS,
  connect_timeout: DAEMONS,
  daemon_timeout: DAEMONS,
  agent_timeout: DAEMONS,
} as const satisfies Partial<Record<keyof Section, readonly Engine[]>>;

const SEEN_TO: Readonly<Record<Engine, string>> = {
  embedded: 'our own engine needs no daemon',
  spread: 'the Spread daemon sees to that',
  corosync: 'corosync sees to that',
};

/** A key of another engine would do nothing, which nobody wants who wrote it. */
export function checkEngineKeys(section: Section, findings: Findings): void {
  for (const [key, engines] of Object.entries(ENGINES_OF)) {
    const name = key as keyof typeof ENGINES_OF;
    if (engines.includes(section.engine) || !isSet(section[name], name)) continue;
    const what = `belongs to engine ${engines.join(' and ')}, and this is ${section.engine}`;
    const mend =
      section.engine === 'embedded'
        ? `write \`engine: ${engines.join('` or `engine: ')}\`, or drop it`
        : `drop it: ${SEEN_TO[section.engine]}`;
    findings.error(['group', name], { what, mend, atKey: true });
  }
}

/** Differs from what stands there when the file says nothing. */
function isSet(value: unknown, key: string): boolean {
  if (key === 'profile') return value !== DEFAULTS.group.profile;
  if (key === 'timers') return Object.values(value as object).some((timer) => timer !== undefined);
  return value !== undefined && value !== false;
}
