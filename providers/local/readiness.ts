/** What a rehearsal finds out about the kernel and the tools that end an address: lease, mark and guardian. Looks; changes nothing. */
import { accessSync, constants } from 'node:fs';
import { release } from 'node:os';
import type { Check } from '../../src/provider/provider.ts';

/** `ifa_cacheinfo` for IPv4 addresses: Linux 3.9. IPv6 has had it from the beginning. */
const LIFETIMES_SINCE = [3, 9] as const;
/** `IFA_PROTO`, by which we mark what is ours: Linux 5.18. Before, a label does it for IPv4 alone. */
const MARKS_SINCE = [5, 18] as const;

export interface ReadinessSources {
  /** As `uname -r` prints it. */
  readonly kernel: string;
  readonly executable: (file: string) => boolean;
  /** Folders of PATH. */
  readonly path: readonly string[];
}

const HOST: ReadinessSources = {
  kernel: release(),
  executable,
  path: (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/')),
};

export function readinessChecks(sources: ReadinessSources = HOST): Check[] {
  return [leaseCheck(sources), markCheck(sources), guardianCheck(sources)];
}

function leaseCheck({ kernel }: ReadinessSources): Check {
  const what = 'lease of addresses';
  if (isSince(kernel, LIFETIMES_SINCE))
    return { what, verdict: 'pass', detail: `Linux ${kernel} ends addresses by itself` };
  return {
    what,
    verdict: 'fail',
    detail: `Linux ${kernel} gives IPv4 addresses no lifetime: they would outlive a dead agent`,
    mend: 'run Linux 3.9 or later',
  };
}

function markCheck({ kernel }: ReadinessSources): Check {
  const what = 'mark of addresses';
  if (isSince(kernel, MARKS_SINCE))
    return { what, verdict: 'pass', detail: 'ours are told from others by protocol' };
  return {
    what,
    verdict: 'warn',
    detail: `Linux ${kernel} keeps no protocol with an address: leftovers of IPv6 cannot be told from other addresses`,
    mend: 'run Linux 5.18 or later; until then see after a crash whether IPv6 addresses are left',
  };
}

function guardianCheck({ executable: runs, path }: ReadinessSources): Check {
  const what = 'guardian';
  const lacking = [
    ...(runs('/bin/bash') ? [] : ['/bin/bash']),
    ...(path.some((folder) => runs(`${folder}/ip`)) ? [] : ['ip']),
  ];
  if (lacking.length === 0) return { what, verdict: 'pass', detail: 'bash and ip are there' };
  return {
    what,
    verdict: 'fail',
    detail: `missing: ${lacking.join(', ')}; without them the agent does not start`,
    mend: 'install the packages bash and iproute2',
  };
}

/** A kernel whose name we cannot read is taken for a new one. */
function isSince(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const found = /^(\d+)\.(\d+)/.exec(kernel);
  if (found === null) return true;
  const [have, part] = [Number(found[1]), Number(found[2])];
  return have > major || (have === major && part >= minor);
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
