/** Tags of resources, by the id of the resource. Pure. */
import type { Tag } from './ec2.ts';

export type TagsByResource = ReadonlyMap<string, readonly Tag[]>;

export function tagsByResource(
  tags: readonly { readonly resource: string; readonly tag: Tag }[],
): TagsByResource {
  const all = new Map<string, Tag[]>();
  for (const { resource, tag } of tags) {
    const present = all.get(resource);
    if (present) present.push(tag);
    else all.set(resource, [tag]);
  }
  return all;
}
