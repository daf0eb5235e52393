/**
 * Values as Terraform sends them (MessagePack), with what is not known before it is done.
 * Source: docs/plugin-protocol/object-wire-format.md of hashicorp/terraform.
 */
import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack';
import type { DynamicValue } from './wire.ts';

/** Will be known when it is applied. */
export const UNKNOWN: unique symbol = Symbol('unknown');
export type Value = null | boolean | number | string | typeof UNKNOWN | readonly Value[] | ObjectValue;
export interface ObjectValue {
  readonly [name: string]: Value;
}

class UnknownValue {}
const unknownValue = new UnknownValue();

const codec = new ExtensionCodec();
codec.register({
  type: 0,
  encode: (value) => (value instanceof UnknownValue ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
/** Unknown, and something is known of it; we do without. */
codec.register({ type: 12, encode: () => null, decode: () => UNKNOWN });

const decoder = new Decoder({ extensionCodec: codec });
const encoder = new Encoder({ extensionCodec: codec });

export function decode({ msgpack, json }: DynamicValue = {}): Value {
  if (msgpack !== undefined && msgpack.length > 0) return decoder.decode(msgpack) as Value;
  if (json !== undefined && json.length > 0) return JSON.parse(new TextDecoder().decode(json)) as Value;
  return null;
}

export function encode(value: Value): DynamicValue {
  return { msgpack: encoder.encode(sendable(value)) };
}

function sendable(value: Value): unknown {
  if (value === UNKNOWN) return unknownValue;
  if (Array.isArray(value)) return value.map((item: Value) => sendable(item));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, sendable(inner)]));
  return value;
}

export function isObject(value: Value | undefined): value is ObjectValue {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws where it is none. */
export function textOf(value: Value | undefined): string {
  if (typeof value !== 'string') throw new Error('not a text');
  return value;
}
