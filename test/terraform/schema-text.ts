/** What the types of a provider take, as read from `schemas/*.schema` (whose head says how it is written). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type AttributeType = 'string' | 'bool' | 'number' | readonly ['map' | 'set' | 'list', 'string'];

export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly required: boolean;
  readonly optional: boolean;
  readonly computed: boolean;
  /** A change replaces the resource. */
  readonly replaces: boolean;
  readonly writeOnly: boolean;
  readonly sensitive: boolean;
}

export interface NestedBlock {
  readonly name: string;
  readonly nesting: 'list' | 'set' | 'single';
  /** 0: none. */
  readonly min: number;
  /** 0: any number. */
  readonly max: number;
  readonly block: Block;
}

export interface Block {
  readonly attributes: readonly Attribute[];
  readonly blocks: readonly NestedBlock[];
}

export interface ProviderSchema {
  readonly resources: ReadonlyMap<string, Block>;
  readonly data: ReadonlyMap<string, Block>;
}

interface Line {
  readonly indent: number;
  readonly text: string;
}

const TYPES: Readonly<Record<string, AttributeType>> = {
  '': 'string',
  b: 'bool',
  n: 'number',
  map: ['map', 'string'],
  set: ['set', 'string'],
  list: ['list', 'string'],
};

export function readSchema(provider: 'aws' | 'google'): ProviderSchema {
  const file = join(import.meta.dirname, 'schemas', `${provider}.schema`);
  return parseSchema(readFileSync(file, 'utf8'));
}

/** Throws an Error that names what it does not understand. */
export function parseSchema(text: string): ProviderSchema {
  const lines = text
    .split('\n')
    .map((line): Line => ({ indent: line.length - line.trimStart().length, text: line.trim() }))
    .filter(({ text: content }) => content !== '' && !content.startsWith('#'));
  const resources = new Map<string, Block>();
  const data = new Map<string, Block>();
  for (let at = 0; at < lines.length; ) {
    const [kind, name] = lines[at]!.text.split(' ');
    const end = endOf(lines, at);
    const into = kind === 'resource' ? resources : kind === 'data' ? data : undefined;
    if (into === undefined || name === undefined) throw new Error(`no head of a type: ${lines[at]!.text}`);
    into.set(name, blockOf(lines.slice(at + 1, end)));
    at = end;
  }
  return { resources, data };
}

/** The first line after `at` that is not further in than it. */
function endOf(lines: readonly Line[], at: number): number {
  let end = at + 1;
  while (end < lines.length && lines[end]!.indent > lines[at]!.indent) end++;
  return end;
}

function blockOf(lines: readonly Line[]): Block {
  const attributes: Attribute[] = [];
  const blocks: NestedBlock[] = [];
  for (let at = 0; at < lines.length; ) {
    const { text } = lines[at]!;
    const end = endOf(lines, at);
    const head = /^(\w+) \{(list|set|single)( 1)?( min)?\}$/.exec(text);
    if (head === null) {
      attributes.push(...attributesOf(text));
    } else {
      const [, name, nesting, max, min] = head;
      blocks.push({
        name: name!,
        nesting: nesting as NestedBlock['nesting'],
        min: min === undefined ? 0 : 1,
        max: max === undefined ? 0 : 1,
        block: blockOf(lines.slice(at + 1, end)),
      });
    }
    at = end;
  }
  return { attributes, blocks };
}

function attributesOf(line: string): readonly Attribute[] {
  const [flags, ...words] = line.split(/\s+/);
  if (!['!', '?', '?=', '='].includes(flags ?? ''))
    throw new Error(`neither attributes nor a block: ${line}`);
  return words.map((word): Attribute => {
    const parts = /^(\w+?)(?::(\w+))?([!~*]*)$/.exec(word);
    const type = TYPES[parts?.[2] ?? ''];
    if (parts === null || type === undefined) throw new Error(`no attribute: ${word}`);
    return {
      name: parts[1]!,
      type,
      required: flags === '!',
      optional: flags!.startsWith('?'),
      computed: flags!.endsWith('='),
      replaces: parts[3]!.includes('!'),
      writeOnly: parts[3]!.includes('~'),
      sensitive: parts[3]!.includes('*'),
    };
  });
}
