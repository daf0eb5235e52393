/** What this process may do, as the kernel says it (`man 7 capabilities`, `man 5 proc_pid_status`). Asks; never changes. */
import { readFileSync } from 'node:fs';

/** Number of each capability we ask about (linux/capability.h). */
const NUMBERS = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21 } as const;

export type Capability = keyof typeof NUMBERS;

/** Whether the capability is effective now. Throws where `/proc` is not mounted. */
export function hasCapability(capability: Capability): boolean {
  return effectiveCapability(readFileSync('/proc/self/status', 'latin1'), capability);
}

/** The same of a given text of `/proc/<pid>/status`; `false` when the text has no such line. */
export function effectiveCapability(status: string, capability: Capability): boolean {
  const mask = /^CapEff:\s*([0-9a-fA-F]{1,32})$/m.exec(status)?.[1];
  if (mask === undefined) return false;
  return ((BigInt(`0x${mask}`) >> BigInt(NUMBERS[capability])) & 1n) === 1n;
}
