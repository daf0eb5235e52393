/** What becomes of the original's `Notify`: neighbours of the `local` provider that are told directly. Pure. */
import { DEFAULTS } from '../defaults.ts';
import { NEIGHBOURS_MAX, NOTIFY_ENTRIES_MAX } from '../providers/notify.ts';
import type { OriginalNotify } from './original.ts';

const PREFIX_MIN = 32 - Math.log2(NEIGHBOURS_MAX);
const THROTTLE_MAX = 10_000;

/** Lines of the key, below `local:`; empty where nobody is told so. */
export function notifyLines(notify: readonly OriginalNotify[]): string[] {
  const carried = notify.filter(isCarried).slice(0, NOTIFY_ENTRIES_MAX);
  return carried.length === 0 ? [] : ['    notify:', ...carried.map((entry) => `      - ${entryOf(entry)}`)];
}

/** Remarks about those that are not carried over. */
export function notifyRemarks(notify: readonly OriginalNotify[]): string[] {
  const carried = new Set<OriginalNotify>(notify.filter(isCarried).slice(0, NOTIFY_ENTRIES_MAX));
  return notify
    .filter((entry) => !carried.has(entry))
    .map((entry) => `# Notify ${entry.text}: ${whyNot(entry)}`);
}

function isCarried({ address }: OriginalNotify): boolean {
  return address === undefined || address.prefixLength >= PREFIX_MIN;
}

function entryOf({ address, throttle, ping }: OriginalNotify): string {
  // To the original none and 0 are the same: as fast as it can.
  const rate = Math.min(throttle || DEFAULTS.local.notify.throttle, THROTTLE_MAX);
  const parts = [
    address === undefined ? 'neighbours: shared' : `addresses: ${address.address}/${address.prefixLength}`,
    ...(address?.interface === undefined ? [] : [`interface: ${JSON.stringify(address.interface)}`]),
    ...(rate === DEFAULTS.local.notify.throttle ? [] : [`throttle: ${rate}`]),
    ...(ping ? ['ping: true'] : []),
  ];
  return `{ ${parts.join(', ')} }`;
}

function whyNot({ address }: OriginalNotify): string {
  if (address !== undefined && address.prefixLength < PREFIX_MIN)
    return `more than ${NEIGHBOURS_MAX} neighbours are not told one by one; write /${PREFIX_MIN} or longer in \`notify\`.`;
  return `\`notify\` has room for ${NOTIFY_ENTRIES_MAX} entries.`;
}
