/** Tells the engines of group communication apart where only one of them can be meant. */
import type { Config, EmbeddedGroupConfig } from './config.ts';

/** Throws a TypeError where the file says another engine: whoever calls has made sure, or is a bug. */
export function embeddedGroupOf({ group }: Config): EmbeddedGroupConfig {
  if (group.engine === 'embedded') return group;
  throw new TypeError(`engine ${group.engine} where only the embedded one can be`);
}
