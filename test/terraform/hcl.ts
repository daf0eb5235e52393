/** A folder of Terraform files as data, parsed by HashiCorp's own parser (compiled to WebAssembly), whether `terraform` is here or not. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@cdktn/hcl2json';

type Body = Readonly<Record<string, unknown>>;
type Named = Readonly<Record<string, readonly Body[]>>;

export interface Folder {
  readonly variables: Named;
  readonly outputs: Named;
  /** By type, then name. */
  readonly resources: Readonly<Record<string, Named>>;
  readonly terraform: readonly Body[];
}

/** Rejects with file, line and column of what does not parse. */
export async function readFolder(folder: string): Promise<Folder> {
  const variables: Record<string, readonly Body[]> = {};
  const outputs: Record<string, readonly Body[]> = {};
  const resources: Record<string, Record<string, readonly Body[]>> = {};
  const terraform: Body[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.tf')) continue;
    const file = (await parse(name, readFileSync(join(folder, name), 'utf8'))) as Readonly<
      Record<string, Readonly<Record<string, never>>>
    >;
    Object.assign(variables, file['variable']);
    Object.assign(outputs, file['output']);
    for (const [type, named] of Object.entries(file['resource'] ?? {}))
      resources[type] = { ...resources[type], ...(named as Named) };
    terraform.push(...((file['terraform'] ?? []) as unknown as readonly Body[]));
  }
  return { variables, outputs, resources, terraform };
}

/** `${list(string)}` and `"x"` alike, on one line. */
export function expression(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const inner = /^\$\{([\s\S]*)\}$/.exec(value);
  if (inner === null) return JSON.stringify(value);
  const line = inner[1]!
    .replaceAll(/\{\s*\n/g, '{')
    .replaceAll(/\n\s*\}/g, '}')
    .replaceAll(/\n\s*/g, ', ');
  return line.replaceAll(/\s+/g, ' ').replaceAll('{ ', '{');
}
