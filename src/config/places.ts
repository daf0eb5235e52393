/** Whether what VIPs say of zones, tags and providers makes sense on this host, and to the other members. */

import type { Findings } from './findings.ts';
import { CLOUD_KINDS } from './policies.ts';
import type { FileShape } from './schema.ts';
import type { PlacedVip } from './vip-section.ts';

export function checkPlaces(placed: readonly PlacedVip[], shape: FileShape, findings: Findings): void {
  const seen = new Set<string>();
  for (const one of placed) {
    const key = JSON.stringify(one.path);
    if (seen.has(key)) continue;
    seen.add(key);
    checkZone(one, shape, findings);
    checkPolicy(one, shape, findings);
  }
}

function checkZone({ vip, path }: PlacedVip, { zone }: FileShape, findings: Findings): void {
  const { zones, spread } = vip.constraints ?? {};
  if (zone !== undefined || (zones === undefined && spread === undefined)) return;
  const what =
    zones === undefined
      ? 'is to be spread over zones, and this host says none'
      : 'is for some zones only, and this host says none: it will never hold it';
  findings.warn([...path, 'constraints'], {
    what,
    mend: 'write `zone: NAME` at the top of the file',
    atKey: true,
  });
}

/** What a member cannot know of the others' providers, it cannot take its default from. */
function checkPolicy(
  { vip, path }: PlacedVip,
  { policy, vips, providers }: FileShape,
  findings: Findings,
): void {
  const entry = vips[String(path[1])];
  const said = typeof entry === 'object' && !Array.isArray(entry) ? entry.policy : undefined;
  if (said !== undefined || policy !== undefined) return;
  const unknown = vip.providers.find((name) => !Object.hasOwn(providers, name) && !isKind(name));
  if (unknown === undefined || !vip.providers.some((name) => Object.hasOwn(providers, name))) return;
  findings.warn(path, {
    what: `of what kind ${unknown} is, this file does not say, and without it not which policy is meant`,
    mend: `write \`policy: ${vip.policy}\` or the other one at the VIP, alike on all members`,
    atKey: true,
  });
}

function isKind(name: string): boolean {
  return name === 'local' || name === 'memory' || CLOUD_KINDS.has(name);
}
