/** Parsing of stored JSON: 64-bit integers survive, keys like __proto__ are harmless, and shapes are checked before use. */
import { utf8Of } from '../../base/bytes.ts';
import { damagedRepository } from './damage.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Fields of trees that are uint64: JSON.parse would round them past 2^53. */
const UINT64_FIELDS = new Set(['inode', 'device_id', 'size', 'links', 'device']);
const DIGITS = /^(?:0|[1-9]\d{0,19})$/;

/** Trees nest five deep at most; foreign fields get some room. */
const DEPTH_MAX = 64;
/** A million entries with their lists and attributes; each costs some fifty bytes of memory once it is parsed. */
const CONTAINERS_MAX = 8_000_000;
/** Below this size even the worst text costs little memory, so that it is not scanned first. */
const SCAN_FROM_BYTES = 1024 * 1024;
/** A number of so many digits may be one that a double cannot hold: only then is the slow way of parsing needed. */
const LONG_DIGITS = 16;

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

const keepUint64: Reviver = (key, value, context) => {
  if (typeof value !== 'number' || !UINT64_FIELDS.has(key)) return value;
  const source = context.source ?? '';
  return DIGITS.test(source) ? BigInt(source) : value;
};

/**
 * With `uint64` the fields of trees that are uint64 arrive as bigint.
 * @throws HoldfastError repository_damaged when the bytes are no JSON, or JSON that would take gigabytes once it is parsed
 * (64 MiB of `[` do). `what` names them in the sentence.
 */
export function parseJson(bytes: Uint8Array, what: string, options: { uint64?: boolean } = {}): unknown {
  if (bytes.length >= SCAN_FROM_BYTES) refuseWide(bytes, what);
  const text = utf8Of(bytes);
  try {
    // The third argument of the reviver (the source text) is not in the compiler's library yet. It makes parsing several
    // times slower, so that it is used only where a number does not fit a double.
    return options.uint64 === true && hasLongNumber(bytes)
      ? JSON.parse(text, keepUint64 as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
  } catch (cause) {
    throw damagedRepository(`${what} is not readable: it is no JSON.`, cause);
  }
}

/** Looks at every sixteenth byte: a number of that many digits has one of its digits there. */
function hasLongNumber(bytes: Uint8Array): boolean {
  for (let at = LONG_DIGITS - 1; at < bytes.length; at += LONG_DIGITS) {
    if (!isDigit(bytes[at])) continue;
    let start = at;
    while (start > 0 && isDigit(bytes[start - 1])) start -= 1;
    let end = at + 1;
    while (isDigit(bytes[end])) end += 1;
    if (end - start >= LONG_DIGITS && mayBeNumber(bytes, start)) return true;
  }
  return false;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** Do digits that begin here stand where a number may? Inside of ids and names they mostly do not. */
function mayBeNumber(bytes: Uint8Array, start: number): boolean {
  let at = start - 1;
  if (bytes[at] === 0x2d) at -= 1;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at -= 1;
  return bytes[at] === 0x3a || bytes[at] === 0x5b || bytes[at] === 0x2c;
}

function refuseWide(bytes: Uint8Array, what: string): void {
  let depth = 0;
  let containers = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte === 0x22) {
      for (at += 1; at < bytes.length && bytes[at] !== 0x22; at += 1) if (bytes[at] === 0x5c) at += 1;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      containers += 1;
      if (depth > DEPTH_MAX || containers > CONTAINERS_MAX)
        throw damagedRepository(`${what} is built like no real one: it is nested too deeply or has too many parts.`);
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own member, never one of the prototype. */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

const ID_CHARACTERS = 64;

export function isId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== ID_CHARACTERS) return false;
  for (let at = 0; at < ID_CHARACTERS; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x30 || code > 0x66 || (code > 0x39 && code < 0x61)) return false;
  }
  return true;
}

export function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
