/** The plugin server's own parts: what it reads of the schemas, and what it answers to a plan. */
import { describe, expect, test } from 'vitest';
import { planChange, unconfigurable } from './planning.ts';
import { parseSchema, readSchema } from './schema-text.ts';
import { decode, encode, UNKNOWN, type Value } from './values.ts';

const schema = parseSchema(`
# a comment
resource thing
  !  size:n zone!
  ?  note secret~*
  ?= address tags_all:map
  =  id
  nic {list 1 min}
    !  network
    ?= kind!
  timeouts {single}
    ?  create
data look
  =  id
`);
const thing = schema.resources.get('thing')!;

describe('schema text', () => {
  test('reads attributes, flags and blocks', () => {
    expect(thing.attributes.map(({ name }) => name)).toEqual([
      'size',
      'zone',
      'note',
      'secret',
      'address',
      'tags_all',
      'id',
    ]);
    expect(thing.attributes[0]).toMatchObject({ type: 'number', required: true, computed: false });
    expect(thing.attributes[3]).toMatchObject({ optional: true, writeOnly: true, sensitive: true });
    expect(thing.attributes[4]).toMatchObject({ optional: true, computed: true, replaces: false });
    expect(thing.blocks).toMatchObject([
      { name: 'nic', nesting: 'list', min: 1, max: 1 },
      { name: 'timeouts', nesting: 'single', min: 0, max: 0 },
    ]);
    expect([...schema.data.keys()]).toEqual(['look']);
  });

  test.each([
    'resource',
    'what ever',
    'resource x\n  +  y',
    'resource x\n  ?  y:z',
    'resource x\n  nic {bag}\n',
  ])('refuses %j', (text) => {
    expect(() => parseSchema(text)).toThrow();
  });

  test.each(['aws', 'google'] as const)('of %s names no attribute twice', (provider) => {
    const { resources, data } = readSchema(provider);
    for (const [type, { attributes, blocks }] of [...resources, ...data]) {
      const names = [...attributes, ...blocks].map(({ name }) => name);
      expect(new Set(names).size, type).toBe(names.length);
      expect(names, type).toContain('id');
    }
  });
});

describe('values', () => {
  test('come back as they went, the unknown too', () => {
    const value: Value = { a: null, b: [1, true, 'x', UNKNOWN], c: { d: UNKNOWN } };
    expect(decode(encode(value))).toEqual(value);
    expect(decode({})).toBeNull();
    expect(decode({ json: new TextEncoder().encode('{"a":[1]}') })).toEqual({ a: [1] });
  });
});

describe('plan', () => {
  const made = {
    size: 1,
    zone: 'a',
    note: null,
    secret: null,
    address: '10.0.0.1',
    tags_all: {},
    id: 'i-1',
    nic: [{ network: 'n', kind: 'k' }],
    timeouts: null,
  };

  test('of a new one leaves to the provider what nobody says, and shows no secret', () => {
    const proposed = {
      ...made,
      address: null,
      tags_all: null,
      id: null,
      secret: 'x',
      nic: [{ network: 'n', kind: null }],
    };
    const { planned, replace } = planChange(thing, { prior: null, proposed });
    expect(planned).toEqual({
      ...made,
      address: UNKNOWN,
      tags_all: UNKNOWN,
      id: UNKNOWN,
      nic: [{ network: 'n', kind: UNKNOWN }],
    });
    expect(replace).toEqual([]);
  });

  test('of one that is as it should be changes nothing', () => {
    expect(planChange(thing, { prior: made, proposed: made })).toEqual({ planned: made, replace: [] });
  });

  test('replaces for what cannot be changed, in blocks too, and for nothing else', () => {
    const proposed = { ...made, size: 2, zone: 'b', nic: [{ network: 'm', kind: 'l' }] };
    expect(planChange(thing, { prior: made, proposed }).replace).toEqual([
      [{ attribute_name: 'zone' }],
      [{ attribute_name: 'nic' }, { element_key_int: 0 }, { attribute_name: 'kind' }],
    ]);
  });

  test('of one that goes is nothing', () => {
    expect(planChange(thing, { prior: made, proposed: null })).toEqual({ planned: null, replace: [] });
  });

  test('names what only the provider may say', () => {
    expect(unconfigurable(thing, made)).toEqual(['id']);
    expect(unconfigurable(thing, { ...made, id: null })).toEqual([]);
  });
});
