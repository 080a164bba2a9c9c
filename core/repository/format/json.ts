/** Parsing of stored JSON: 64-bit integers survive, keys like __proto__ are harmless, and shapes are checked before use. */
import { damagedRepository } from './damage.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Fields of trees that are uint64: JSON.parse would round them past 2^53. */
const UINT64_FIELDS = new Set(['inode', 'device_id', 'size', 'links', 'device']);
const DIGITS = /^(?:0|[1-9]\d{0,19})$/;

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

const keepUint64: Reviver = (key, value, context) => {
  if (typeof value !== 'number' || !UINT64_FIELDS.has(key)) return value;
  const source = context.source ?? '';
  return DIGITS.test(source) ? BigInt(source) : value;
};

/** @throws HoldfastError repository_damaged when the bytes are no JSON. `what` names them in the sentence. */
export function parseJson(bytes: Uint8Array, what: string, options: { uint64?: boolean } = {}): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    // The third argument of the reviver (the source text) is not in the compiler's library yet.
    return options.uint64 === true
      ? JSON.parse(text, keepUint64 as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch (cause) {
    throw damagedRepository(`${what} is not readable: it is no JSON.`, cause);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member, never one of the prototype. */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

const ID = /^[0-9a-f]{64}$/;

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

export function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
