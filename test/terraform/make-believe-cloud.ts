/**
 * What stands behind the plugin server: resources in memory, as a cloud keeps them. `terraform apply` makes them, a test changes them
 * behind Terraform's back as an agent would, and the next plan reads what is there now.
 */
import type { Attribute, Block, ProviderSchema } from './schema-text.ts';
import { isObject, type ObjectValue, textOf, UNKNOWN, type Value } from './values.ts';

export interface Resource {
  readonly type: string;
  value: ObjectValue;
}

export class MakeBelieveCloud {
  readonly schema: ProviderSchema;
  /** By id. */
  readonly resources = new Map<string, Resource>();
  /** What was given to attributes that are written and not kept, by type and name. */
  readonly written: { readonly type: string; readonly attribute: string; readonly value: Value }[] = [];
  /** Every create, update and delete, in order. */
  readonly history: string[] = [];
  #made = 0;

  constructor(schema: ProviderSchema) {
    this.schema = schema;
  }

  read(type: string, value: ObjectValue): ObjectValue | null {
    const found = this.resources.get(keyOf(type, value));
    return found?.value ?? null;
  }

  /** Carries out what was planned; what was not known then is made up now. */
  apply(type: string, change: { prior: Value; planned: Value; config: Value }): Value {
    const { prior, planned, config } = change;
    if (!isObject(planned)) {
      if (isObject(prior)) this.resources.delete(keyOf(type, prior));
      this.history.push(`delete ${type}`);
      return null;
    }
    const block = this.schema.resources.get(type)!;
    this.#keepWritten(type, { block, config });
    const value = this.#settled(block, { value: planned, type, whole: planned });
    this.resources.set(keyOf(type, value), { type, value });
    this.history.push(`${isObject(prior) ? 'update' : 'create'} ${type}`);
    if (type === 'aws_ec2_tag') this.#tag(value);
    return value;
  }

  /** What a data source shows. */
  look(type: string, config: ObjectValue): ObjectValue {
    const block = this.schema.data.get(type)!;
    const asked: Record<string, Value> = { ...config };
    for (const { name, computed } of block.attributes) if (computed) asked[name] ??= UNKNOWN;
    return this.#settled(block, { value: asked, type, whole: config });
  }

  /** The resources of a type, for a test to look at or to change. */
  of(type: string): readonly Resource[] {
    return [...this.resources.values()].filter((resource) => resource.type === type);
  }

  /** A tag is a part of what it is on, as others see that. */
  #tag({ resource_id: id, key, value }: ObjectValue): void {
    for (const resource of this.resources.values()) {
      if (resource.value['id'] !== id || resource.type === 'aws_ec2_tag') continue;
      const tags: ObjectValue = {
        ...(resource.value['tags'] as ObjectValue | null),
        [textOf(key)]: value ?? null,
      };
      resource.value = { ...resource.value, tags, tags_all: tags };
    }
  }

  #keepWritten(type: string, { block, config }: { block: Block; config: Value }): void {
    if (!isObject(config)) return;
    for (const { name, writeOnly } of block.attributes) {
      const value = config[name];
      if (writeOnly && value !== null && value !== undefined)
        this.written.push({ type, attribute: name, value });
    }
  }

  #settled(
    block: Block,
    at: { readonly value: ObjectValue; readonly type: string; readonly whole: ObjectValue },
  ): ObjectValue {
    const settled: Record<string, Value> = { ...at.value };
    for (const attribute of block.attributes)
      if (settled[attribute.name] === UNKNOWN) settled[attribute.name] = this.#make(attribute, at);
    for (const { name, block: inner } of block.blocks) {
      const items = settled[name];
      if (Array.isArray(items))
        settled[name] = items.map((item: Value) =>
          isObject(item) ? this.#settled(inner, { ...at, value: item }) : item,
        );
    }
    return settled;
  }

  #make(
    { name, type }: Attribute,
    { type: resource, whole }: { readonly type: string; readonly whole: ObjectValue },
  ): Value {
    if (type === 'bool') return name === 'source_dest_check';
    if (type === 'number') return 0;
    if (type !== 'string') return type[0] === 'map' ? copied(name, whole) : [];
    const number = ++this.#made;
    return special(resource, { name, number, whole }) ?? `made-up-${name}-${number}`;
  }
}

/** Global names are not ids: what Terraform knows a resource by is its type and id. */
function keyOf(type: string, value: ObjectValue): string {
  return `${type} ${textOf(value['id'])}`;
}

function copied(name: string, whole: ObjectValue): Value {
  const tags = whole['tags'] ?? whole['labels'];
  return /^(tags_all|effective_labels|terraform_labels)$/.test(name) && isObject(tags) ? tags : {};
}

const FIXED: Readonly<Record<string, string>> = {
  'aws_partition partition': 'aws',
  'aws_partition dns_suffix': 'amazonaws.com',
  'aws_caller_identity account_id': '123456789012',
  'aws_region name': 'eu-central-1',
  'aws_region region': 'eu-central-1',
  'aws_subnet availability_zone': 'eu-central-1a',
};
const ID_PREFIX: Readonly<Record<string, string>> = {
  aws_network_interface: 'eni',
  aws_instance: 'i',
  aws_eip: 'eipalloc',
  aws_security_group: 'sg',
  aws_subnet: 'subnet',
  aws_vpc: 'vpc',
  aws_route_table: 'rtb',
};

/** Values that others are made of, or that a configuration is checked for. */
function special(
  type: string,
  { name, number, whole }: { readonly name: string; readonly number: number; readonly whole: ObjectValue },
): string | undefined {
  const fixed = FIXED[`${type} ${name}`];
  if (fixed !== undefined) return fixed;
  const digits = number.toString(16).padStart(17, '0');
  const own = whole['private_ips'];
  if (name === 'private_ip' && Array.isArray(own) && typeof own[0] === 'string') return own[0];
  if (name === 'id' && ID_PREFIX[type] !== undefined) return `${ID_PREFIX[type]}-${digits}`;
  if (type === 'aws_region' && name === 'id') return 'eu-central-1';
  if (name === 'arn') return `arn:aws:made-up:eu-central-1:123456789012:${type}/${number}`;
  if (/(^|_)ip$|^address$/.test(name)) return `198.51.100.${number % 250}`;
  if (name === 'email') return `account-${number}@example-project.iam.gserviceaccount.com`;
  if (name === 'member') return `serviceAccount:account-${number}@example-project.iam.gserviceaccount.com`;
  return undefined;
}
