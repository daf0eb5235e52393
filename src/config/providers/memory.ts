/** Section of a `memory` provider. */
import { z } from 'zod';
import { guest } from './guest.ts';
import type { ProviderKind } from './provider-kind.ts';

/** `memory` has no real addresses: for rehearsal and the demo without rights. */
export interface MemoryProviderConfig {
  readonly kind: 'memory';
}

const schema = z.strictObject({
  kind: z.literal('memory').describe('No real addresses: rehearsal without rights'),
  guest: guest(),
});

export const MEMORY_KIND: ProviderKind<typeof schema, MemoryProviderConfig> = {
  schema,
  settingsOf: () => ({ kind: 'memory' }),
};
