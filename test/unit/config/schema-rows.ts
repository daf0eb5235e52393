/** The rows that docs/configuration.md must have, from the JSON Schema. */
import { configJsonSchema } from '../../../src/config/json-schema.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly default?: unknown;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly type?: string;
  readonly 'x-range'?: string;
}

/** A table row for each key: key, default, allowed, meaning. */
export function schemaRows(): string[] {
  const rows = new Map<string, string>();
  collect(configJsonSchema(), '', rows);
  return [...rows.values()];
}

function collect(node: Node, path: string, rows: Map<string, string>): void {
  for (const [key, value] of Object.entries(node.properties ?? {})) {
    const full = path === '' ? key : `${path}.${key}`;
    if (!rows.has(full))
      rows.set(full, `| \`${full}\` | ${defaultOf(value)} | ${allowed(value)} | ${value.description} |`);
    collect(value, full, rows);
  }
  for (const option of node.anyOf ?? []) collect(option, ofKind(option, path), rows);
  if (node.items !== undefined) collect(node.items, `${path}[]`, rows);
  if (typeof node.additionalProperties === 'object') collect(node.additionalProperties, `${path}.NAME`, rows);
}

/** Of several kinds of providers each has rows of its own: `providers.local.lease` and not `providers.NAME.lease`. */
function ofKind({ properties }: Node, path: string): string {
  const kind = properties?.['kind']?.const;
  return kind === undefined ? path : path.replace(/NAME$/, kind);
}

function defaultOf({ default: value }: Node): string {
  if (Array.isArray(value)) return `\`[${value.join(', ')}]\``;
  const simple = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return simple ? `\`${value}\`` : '';
}

function allowed(node: Node): string {
  const range = node['x-range'] ?? node.items?.['x-range'];
  if (range !== undefined) return range;
  if (node.enum !== undefined) return node.enum.map((word) => `\`${word}\``).join(', ');
  if (node.type === 'integer') return `${node.minimum} to ${node.maximum}`;
  return node.type === 'boolean' ? '`true`, `false`' : '';
}
