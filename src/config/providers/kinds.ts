/** All kinds of providers that a file may name. A new one joins the two lists here and the union in `config.ts`. */
import { z } from 'zod';
import type { ProviderConfig } from '../config.ts';
import { complaint } from '../schema-parts.ts';
import { AWS_KIND } from './aws.ts';
import { EXEC_KIND } from './exec.ts';
import { GCP_KIND } from './gcp.ts';
import { LOCAL_KIND } from './local.ts';
import { MEMORY_KIND } from './memory.ts';
import { PACKAGE_KIND } from './package.ts';
import type { CheckContext, ProviderKind, SectionContext } from './provider-kind.ts';

const KINDS = {
  local: LOCAL_KIND,
  memory: MEMORY_KIND,
  aws: AWS_KIND,
  gcp: GCP_KIND,
  exec: EXEC_KIND,
  package: PACKAGE_KIND,
} as const;

export const PROVIDER_SECTION = z.discriminatedUnion(
  'kind',
  [
    LOCAL_KIND.schema,
    MEMORY_KIND.schema,
    AWS_KIND.schema,
    GCP_KIND.schema,
    EXEC_KIND.schema,
    PACKAGE_KIND.schema,
  ],
  {
    error: () => complaint('not a kind of provider', `write ${wordsOf(Object.keys(KINDS))}`),
  },
);

export type ProviderShape = z.output<typeof PROVIDER_SECTION>;

export function settingsOf(section: ProviderShape, context: SectionContext): ProviderConfig {
  return kindOf(section.kind).settingsOf(section, context);
}

export function checkProvider(settings: ProviderConfig, context: CheckContext): void {
  kindOf(settings.kind).check?.(settings, context);
}

function kindOf(kind: ProviderConfig['kind']): ProviderKind<z.ZodObject, ProviderConfig> {
  return KINDS[kind];
}

function wordsOf(kinds: readonly string[]): string {
  const words = kinds.map((kind) => `\`kind: ${kind}\``);
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
