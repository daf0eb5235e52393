/**
 * The EC2 Query protocol from the other side, driven by the schemas that the SDK itself ships: a request that does not fit its schema is
 * refused as AWS would, an answer of ours that does not fit is a bug of the fake and throws.
 */
import * as sdk from '@aws-sdk/client-ec2';
import { NormalizedSchema } from '@smithy/core/schema';
import { Refused } from './refused.ts';

type Schema = ReturnType<typeof NormalizedSchema.of>;

export interface Operation {
  readonly name: string;
  readonly input: Schema;
  readonly output: Schema;
}

/** The operation of that name as the SDK describes it; undefined: there is none. */
export function operationOf(action: string): Operation | undefined {
  const operation = (sdk as unknown as Record<string, unknown>)[`${action}$`];
  if (!Array.isArray(operation) || operation[0] !== 9) return undefined;
  const [, , name, , input, output] = operation as [9, string, string, unknown, unknown, unknown];
  return { name, input: schemaOf(input), output: schemaOf(output) };
}

function schemaOf(reference: unknown): Schema {
  return NormalizedSchema.of((typeof reference === 'function' ? reference() : reference) as never);
}

type Tree = Map<string, Tree | string>;

/** Parameters of a request, checked against the input's schema. */
export function readRequest(operation: Operation, parameters: URLSearchParams): Record<string, unknown> {
  const tree: Tree = new Map();
  for (const [name, value] of parameters) {
    if (name === 'Action' || name === 'Version') continue;
    plant(tree, name, value);
  }
  return readStruct(operation.input, tree, '');
}

function plant(tree: Tree, name: string, value: string): void {
  let branch = tree;
  const parts = name.split('.');
  for (const part of parts.slice(0, -1)) {
    const next = branch.get(part) ?? new Map();
    if (typeof next === 'string')
      throw new Refused('UnknownParameter', `The parameter ${name} is not recognized`);
    branch.set(part, next);
    branch = next;
  }
  branch.set(parts.at(-1) ?? name, value);
}

function readStruct(schema: Schema, tree: Tree, path: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const known = new Set<string>();
  for (const [member, memberSchema] of schema.structIterator()) {
    const key = queryKey(member, memberSchema);
    known.add(key);
    const branch = tree.get(key);
    if (branch !== undefined) result[member] = readValue(memberSchema, branch, `${path}${key}`);
  }
  const stray = [...tree.keys()].find((key) => !known.has(key));
  if (stray !== undefined)
    throw new Refused('UnknownParameter', `The parameter ${path}${stray} is not recognized`);
  const missing = requiredMembers(schema).find((member) => result[member] === undefined);
  if (missing !== undefined)
    throw new Refused('MissingParameter', `The request must contain the parameter ${missing}`);
  return result;
}

/** Static struct schemas carry the number of their required members, which come first. */
function requiredMembers(schema: Schema): readonly string[] {
  const raw = schema.getSchema() as unknown;
  if (!Array.isArray(raw) || raw[0] !== 3) return [];
  const [, , , , names, , required] = raw as [3, string, string, unknown, string[], unknown, number?];
  return names.slice(0, required ?? 0);
}

function queryKey(member: string, schema: Schema): string {
  const { ec2QueryName, xmlName } = schema.getMergedTraits();
  if (typeof ec2QueryName === 'string') return ec2QueryName;
  const name = typeof xmlName === 'string' ? xmlName : member;
  return name[0]!.toUpperCase() + name.slice(1);
}

function readValue(schema: Schema, branch: Tree | string, path: string): unknown {
  if (schema.isListSchema()) {
    if (typeof branch === 'string') throw invalid(path, branch);
    const items = [...branch].map(([index, item]) => [Number(index), item] as const);
    if (items.some(([index]) => !Number.isInteger(index) || index < 1)) throw invalid(path, 'its numbering');
    return items
      .toSorted(([a], [b]) => a - b)
      .map(([index, item]) => readValue(schema.getValueSchema(), item, `${path}.${index}`));
  }
  if (schema.isStructSchema()) {
    if (typeof branch === 'string') throw invalid(path, branch);
    return readStruct(schema, branch, `${path}.`);
  }
  if (typeof branch !== 'string') throw invalid(path, 'a structure');
  if (schema.isBooleanSchema()) {
    if (branch !== 'true' && branch !== 'false') throw invalid(path, branch);
    return branch === 'true';
  }
  if (schema.isNumericSchema()) {
    if (!/^-?\d+$/.test(branch)) throw invalid(path, branch);
    return Number(branch);
  }
  return branch;
}

function invalid(path: string, value: string): Refused {
  return new Refused('InvalidParameterValue', `Invalid value '${value}' for ${path}`);
}

/** The answer as XML; throws where it does not fit the output's schema. */
export function writeAnswer(operation: Operation, answer: Readonly<Record<string, unknown>>): string {
  const body = operation.output.isUnitSchema() ? '' : writeStruct(operation.output, answer, operation.name);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${operation.name}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>fake-request</requestId>${body}</${operation.name}Response>`;
}

function writeStruct(schema: Schema, value: Readonly<Record<string, unknown>>, path: string): string {
  const members = new Map(schema.structIterator());
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([member, item]) => {
      const memberSchema = members.get(member);
      if (memberSchema === undefined)
        throw new TypeError(`${path} has no member ${member} in the SDK's schema`);
      const name = memberSchema.getMergedTraits().xmlName ?? member;
      return `<${name}>${writeValue(memberSchema, item, `${path}.${member}`)}</${name}>`;
    })
    .join('');
}

function writeValue(schema: Schema, value: unknown, path: string): string {
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw new TypeError(`${path} is a list in the SDK's schema`);
    const member = schema.getValueSchema();
    const name = member.getMergedTraits().xmlName ?? 'item';
    return value.map((item) => `<${name}>${writeValue(member, item, `${path}[]`)}</${name}>`).join('');
  }
  if (schema.isStructSchema()) {
    if (typeof value !== 'object' || value === null)
      throw new TypeError(`${path} is a structure in the SDK's schema`);
    return writeStruct(schema, value as Record<string, unknown>, path);
  }
  const fits = schema.isBooleanSchema()
    ? typeof value === 'boolean'
    : schema.isNumericSchema()
      ? typeof value === 'number'
      : typeof value === 'string';
  if (!fits) throw new TypeError(`${path}: ${JSON.stringify(value)} does not fit the SDK's schema`);
  return escapeXml(String(value));
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
