/**
 * The permissions in terraform/modules/*, as the program makes them: for every set of modes, with placeholders for what a module knows
 * first. `npm run terraform:write` writes them; a test compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awsPolicy } from '../../providers/aws/policy.ts';
import { gcpRole } from '../../providers/gcp/policy.ts';
import { ROOT } from './terraform.ts';

const AWS_MODES = ['elastic-ip', 'route', 'secondary-ip'] as const;
const GCP_MODES = ['alias-ip', 'external-ip', 'route'] as const;

/** All sets of one or more, each in the order of `of`. */
function sets<Mode>(of: readonly Mode[]): readonly (readonly Mode[])[] {
  let found: readonly (readonly Mode[])[] = [[]];
  for (const mode of of) found = [...found, ...found.map((some) => [...some, mode])];
  return found.filter((some) => some.length > 0);
}

function awsPolicies() {
  const entries = sets(AWS_MODES).flatMap((modes) => {
    const providers = modes.map((mode) => ({ mode, region: '@REGION@' }));
    const policy = (ipv6: boolean) => awsPolicy({ cluster: '@CLUSTER@', providers, ipv6 });
    return [[modes.join(), policy(false)] as const, [`${modes.join()},ipv6`, policy(true)] as const];
  });
  return Object.fromEntries(entries);
}

function gcpRoles() {
  const entries = sets(GCP_MODES).map((modes) => {
    const providers = modes.map((mode) => ({ mode }));
    return [modes.join(), gcpRole({ cluster: '@CLUSTER@', providers })] as const;
  });
  return Object.fromEntries(entries);
}

export const POLICIES: readonly { readonly file: string; readonly text: string }[] = [
  { file: join(ROOT, 'modules/aws/policies.json'), text: written(awsPolicies()) },
  { file: join(ROOT, 'modules/gcp/policies.json'), text: written(gcpRoles()) },
];

function written(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

export function kept(file: string): string {
  return written(JSON.parse(readFileSync(file, 'utf8')));
}

if (import.meta.main) for (const { file, text } of POLICIES) writeFileSync(file, text);
