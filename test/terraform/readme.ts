/** The tables of inputs and outputs in the modules' READMEs, made of the modules themselves. `npm run terraform:write` writes them; a test compares. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expression, type Folder, readFolder } from './hcl.ts';
import { ROOT } from './terraform.ts';

export const MODULES: readonly string[] = readdirSync(join(ROOT, 'modules'));

const TABLES = /<!-- tables -->\n[\s\S]*<!-- \/tables -->/;

export function readmeOf(module: string): string {
  return readFileSync(join(ROOT, 'modules', module, 'README.md'), 'utf8');
}

/** The README as it should be. Throws where it has no place for the tables. */
export async function freshReadme(module: string): Promise<string> {
  const text = readmeOf(module);
  if (!TABLES.test(text)) throw new Error(`README.md of ${module} lacks <!-- tables --> … <!-- /tables -->`);
  const tables = tablesOf(await readFolder(join(ROOT, 'modules', module)));
  return text.replace(TABLES, () => `<!-- tables -->\n${tables}\n<!-- /tables -->`);
}

function tablesOf({ variables, outputs }: Folder): string {
  const inputs = Object.entries(variables).map(([name, [body]]) => {
    const fallback = body!['default'] === undefined ? 'required' : `\`${expression(body!['default'])}\``;
    return `| \`${name}\` | ${code(expression(body!['type']))} | ${fallback} | ${cell(body!['description'])} |`;
  });
  const shown = Object.entries(outputs).map(
    ([name, [body]]) => `| \`${name}\` | ${cell(body!['description'])} |`,
  );
  return [
    '## Inputs',
    '',
    '| name | type | default | meaning |',
    '|---|---|---|---|',
    ...inputs,
    '',
    '## Outputs',
    '',
    '| name | meaning |',
    '|---|---|',
    ...shown,
  ].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: unknown): string {
  return String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

if (import.meta.main)
  for (const module of MODULES)
    writeFileSync(join(ROOT, 'modules', module, 'README.md'), await freshReadme(module));
