/** The cluster keys of a configuration: the first one seals, all are accepted. They come from the key file, not from the text. */
import type { Config } from './config.ts';

/** `keys`: 32 bytes each, at most four; none leaves the configuration as it is. */
export function withKeys(config: Config, [key, ...otherKeys]: readonly Uint8Array[]): Config {
  if (key === undefined) return config;
  if (config.group.engine !== 'embedded') return config;
  return { ...config, group: { ...config.group, key, otherKeys } };
}

/** In their order; none: the agent runs without. */
export function keysOf({ group }: Config): readonly Uint8Array[] {
  if (group.engine !== 'embedded') return [];
  return group.key === undefined ? [] : [group.key, ...(group.otherKeys ?? [])];
}
