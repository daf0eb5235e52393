/** What a change will make of a resource, as a provider must answer it: what is not known yet, and whether it must be replaced. Pure. */
import type { Block } from './schema-text.ts';
import { isObject, type ObjectValue, UNKNOWN, type Value } from './values.ts';

export interface Step {
  readonly attribute_name?: string;
  readonly element_key_int?: number;
}

export interface Plan {
  readonly planned: Value;
  /** Paths of what cannot be changed in place. */
  readonly replace: readonly (readonly Step[])[];
}

export function planChange(block: Block, { prior, proposed }: { prior: Value; proposed: Value }): Plan {
  if (!isObject(proposed)) return { planned: null, replace: [] };
  const planned = completed(block, { prior: isObject(prior) ? prior : undefined, proposed });
  const replace = isObject(prior) ? replacements(block, { prior, planned }) : [];
  return { planned, replace };
}

/** What a configuration sets although only the provider may, as paths for people. */
export function unconfigurable(block: Block, config: Value, path = ''): readonly string[] {
  if (!isObject(config)) return [];
  const own = block.attributes
    .filter(({ name, required, optional }) => !required && !optional && (config[name] ?? null) !== null)
    .map(({ name }) => path + name);
  const inner = block.blocks.flatMap(({ name, block: nested }) => {
    const items = config[name];
    if (!Array.isArray(items)) return [];
    return items.flatMap((item: Value, at) => unconfigurable(nested, item, `${path}${name}[${at}].`));
  });
  return [...own, ...inner];
}

interface Pair {
  readonly prior: ObjectValue | undefined;
  readonly proposed: ObjectValue;
}

function completed(block: Block, { prior, proposed }: Pair): ObjectValue {
  const planned: Record<string, Value> = { ...proposed };
  for (const { name, computed, writeOnly } of block.attributes) {
    if (writeOnly) planned[name] = null;
    else if (computed && planned[name] === null && (prior?.[name] ?? null) === null) planned[name] = UNKNOWN;
  }
  for (const { name, nesting, block: inner } of block.blocks) {
    const items = planned[name];
    const before = prior?.[name];
    if (!Array.isArray(items)) continue;
    planned[name] = items.map((item: Value, at) => {
      if (!isObject(item)) return item;
      const was = nesting === 'list' && Array.isArray(before) ? (before[at] as Value) : undefined;
      return completed(inner, { prior: isObject(was) ? was : undefined, proposed: item });
    });
  }
  return planned;
}

function replacements(
  block: Block,
  { prior, planned }: { readonly prior: ObjectValue; readonly planned: ObjectValue },
): readonly (readonly Step[])[] {
  const own = block.attributes
    .filter(({ name, replaces }) => replaces && !same(prior[name] ?? null, planned[name] ?? null))
    .map(({ name }): readonly Step[] => [{ attribute_name: name }]);
  const inner = block.blocks.flatMap(({ name, nesting, block: nested }) => {
    const [before, after] = [prior[name], planned[name]];
    if (nesting !== 'list' || !Array.isArray(before) || !Array.isArray(after)) return [];
    return after.flatMap((item: Value, at) => {
      const was = before[at] as Value | undefined;
      if (!isObject(item) || !isObject(was)) return [];
      const paths = replacements(nested, { prior: was, planned: item });
      return paths.map((path): readonly Step[] => [
        { attribute_name: name },
        { element_key_int: at },
        ...path,
      ]);
    });
  });
  return [...own, ...inner];
}

/** Sets come in any order. */
function same(left: Value, right: Value): boolean {
  return canonical(left) === canonical(right);
}

function canonical(value: Value): string {
  if (value === UNKNOWN) return '?';
  if (Array.isArray(value))
    return `[${value
      .map((item: Value) => canonical(item))
      .sort()
      .join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, inner]) => `${name}:${canonical(inner)}`);
  return `{${entries.sort().join()}}`;
}
