/** Which keys the schema knows at a path, for "did you mean". */
import { z } from 'zod';
import type { Path } from './problem.ts';
import { FILE_SCHEMA } from './schema.ts';

export function knownKeys(path: Path): string[] {
  let found: z.ZodType[] = [FILE_SCHEMA];
  for (const part of path) found = found.flatMap((schema) => step(schema, part));
  const keys = found
    .flatMap(alternatives)
    .flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  return [...new Set(keys)];
}

/** Without defaults and options: the schemas a value there may have to meet. */
function alternatives(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault)
    return alternatives(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option) => alternatives(option as z.ZodType));
  return [schema];
}

function step(schema: z.ZodType, part: string | number): z.ZodType[] {
  return alternatives(schema).flatMap((inner): z.ZodType[] => {
    if (inner instanceof z.ZodObject) {
      const property: unknown = Object.hasOwn(inner.shape, part) ? inner.shape[part] : undefined;
      return property instanceof z.ZodType ? [property] : [];
    }
    if (inner instanceof z.ZodRecord) return [inner.valueType as z.ZodType];
    return inner instanceof z.ZodArray ? [inner.element as z.ZodType] : [];
  });
}
