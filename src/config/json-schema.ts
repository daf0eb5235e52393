/** The file's schema as JSON Schema (draft 2020-12), from which editors complete and check while one types. */
import { z } from 'zod';
import { FILE_SCHEMA } from './schema.ts';

export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(FILE_SCHEMA, {
    io: 'input',
    override: ({ jsonSchema }) => {
      letKindFollowName(jsonSchema);
    },
  });
  return { title: 'Wackamole configuration', ...schema };
}

interface Node {
  oneOf?: unknown[];
  anyOf?: unknown[];
}

/** `kind` of a provider may be absent (it is then the provider's name), which a discriminated union cannot say. */
function letKindFollowName(node: Node): void {
  const options = node.oneOf as { properties?: Record<string, unknown>; required?: string[] }[] | undefined;
  if (options === undefined || !options.every((option) => option.properties?.['kind'] !== undefined)) return;
  for (const option of options) {
    const required = option.required?.filter((key) => key !== 'kind') ?? [];
    if (required.length > 0) option.required = required;
    else delete option.required;
  }
  node.anyOf = options;
  delete node.oneOf;
}
