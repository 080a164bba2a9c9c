/**
 * Text as Go writes it, byte for byte: names go through strconv.Quote and then through encoding/json, so that a tree has
 * the same id whoever wrote it. One character written otherwise and stock restic neither deduplicates nor rewrites the tree.
 */
import { bytesOfUtf8, concatBytes, latin1Of } from '../../base/bytes.ts';
import printable from './printable-ranges.json' with { type: 'json' };
import { runeAt } from './utf8-rune.ts';

/** Frozen from Go's unicode.IsPrint: Node's own tables are of a later Unicode and differ in 10,615 code points. */
const ranges = printable.ranges as unknown as readonly (readonly [number, number])[]; // JSON types pairs as number[]
const starts = Uint32Array.from(ranges, ([start]) => start);
const ends = Uint32Array.from(ranges, ([, end]) => end);

export function isPrintable(code: number): boolean {
  let low = 0;
  let high = starts.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (code < starts[middle]!) high = middle - 1;
    else if (code > ends[middle]!) low = middle + 1;
    else return true;
  }
  return false;
}

/** Printable ASCII without `"` and `\`: what nearly every name is made of, and what needs no escape at either level. */
const PLAIN = /^[ !#-%'-;=?-[\]-~]*$/;
const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
};

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function isPlainAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return false;
  }
  return true;
}

/** strconv.Quote of raw bytes, without the quotes around it. */
export function quoteName(bytes: Uint8Array): string {
  if (isPlainAscii(bytes)) return latin1Of(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const { code, width, isValid } = runeAt(bytes, at);
    if (!isValid) text += `\\x${hex(bytes[at]!, 2)}`;
    else if (code === 0x22 || code === 0x5c) text += `\\${String.fromCharCode(code)}`;
    else if (isPrintable(code)) text += String.fromCodePoint(code);
    else text += SHORT_ESCAPES[code] ?? escapeRune(code);
    at += width;
  }
  return text;
}

function escapeRune(code: number): string {
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const UNQUOTED: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '\\': 92,
  '"': 34,
  "'": 39,
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abtnvfr\\"']))/y;

/**
 * The raw bytes of a quoted name.
 * @throws SyntaxError when it is not what strconv.Quote could have written.
 */
export function unquoteName(quoted: string): Uint8Array {
  if (!quoted.includes('\\')) return bytesOfUtf8(quoted);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < quoted.length; ) {
    const slash = quoted.indexOf('\\', at);
    if (slash !== at) {
      const end = slash === -1 ? quoted.length : slash;
      parts.push(bytesOfUtf8(quoted.slice(at, end)));
      at = end;
      continue;
    }
    ESCAPE.lastIndex = at;
    const match = ESCAPE.exec(quoted);
    if (match === null) throw new SyntaxError('a stored name has an escape that no quoting produces');
    parts.push(unescape(match));
    at = ESCAPE.lastIndex;
  }
  return concatBytes(parts);
}

function unescape([, byte, short, long, octal, letter]: RegExpExecArray): Uint8Array {
  if (letter !== undefined) return Uint8Array.of(UNQUOTED[letter] ?? 0);
  if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
  if (octal !== undefined) {
    const value = Number.parseInt(octal, 8);
    if (value > 0xff) throw new SyntaxError('a stored name has an octal escape past one byte');
    return Uint8Array.of(value);
  }
  const code = Number.parseInt(short ?? long ?? '', 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
    throw new SyntaxError('a stored name has an escape that is no character');
  }
  return bytesOfUtf8(String.fromCodePoint(code));
}

/** A JSON string as Go's encoder writes it: `< > &` and U+2028/9 escaped, each invalid byte as \ufffd. */
export function jsonString(value: string | Uint8Array): string {
  if (typeof value === 'string' && PLAIN.test(value)) return `"${value}"`;
  const bytes = typeof value === 'string' ? bytesOfUtf8(value) : value;
  let text = '"';
  for (let at = 0; at < bytes.length; ) {
    const { code, width, isValid } = runeAt(bytes, at);
    text += isValid ? jsonRune(code) : '\\ufffd';
    at += width;
  }
  return `${text}"`;
}

function jsonRune(code: number): string {
  switch (code) {
    case 0x22:
      return '\\"';
    case 0x5c:
      return '\\\\';
    case 0x08:
      return '\\b';
    case 0x0c:
      return '\\f';
    case 0x0a:
      return '\\n';
    case 0x0d:
      return '\\r';
    case 0x09:
      return '\\t';
    case 0x3c:
    case 0x3e:
    case 0x26:
    case 0x2028:
    case 0x2029:
      return `\\u${hex(code, 4)}`;
    default:
      return code < 0x20 ? `\\u${hex(code, 4)}` : String.fromCodePoint(code);
  }
}

/** Offset of a zone at an instant, in seconds east of UTC: clocks went by the sun once, and in Monrovia until 1972. */
export type ZoneOffset = (epochSeconds: number) => number;

/** As the runtime knows it; where listings must be those of other programs, see core/filesystem/system-zone.ts. */
export const localZone: ZoneOffset = (epochSeconds) => {
  const date = new Date(epochSeconds * 1000);
  const minutes = -date.getTimezoneOffset(); // without its seconds
  const odd = modulo(date.getSeconds() - epochSeconds, 60);
  return minutes * 60 + (odd === 0 || minutes >= 0 ? odd : odd - 60);
};
export const utcZone: ZoneOffset = () => 0;

const NS_PER_SECOND = 1_000_000_000n;
const SECONDS_MIN = -62_167_219_200; // 0000-01-01T00:00:00Z
const SECONDS_MAX = 253_402_300_799; // 9999-12-31T23:59:59Z
const DAY_SECONDS = 86_400;

/** RFC 3339 with up to nanoseconds, trailing zeros cut, in the zone's offset; years are kept within 0 to 9999 as restic does. */
export function goTime(nanoseconds: bigint, zone: ZoneOffset = localZone): string {
  // Numbers from here on: a backup spells two times of each file, and large integers are objects.
  const rest = Number(nanoseconds % NS_PER_SECOND);
  const whole = Number(nanoseconds / NS_PER_SECOND);
  const fraction = rest < 0 ? rest + 1e9 : rest;
  const seconds = withinYears(rest < 0 ? whole - 1 : whole, zone);
  const second = modulo(seconds, 60);
  const minute = minuteOf((seconds - second) / 60, zone);
  // One digit more in front keeps the zeros that stand there.
  const digits = fraction === 0 ? '' : `.${withoutZeros(String(1e9 + fraction), 1)}`;
  if (minute !== undefined) return `${minute.date}${second < 10 ? '0' : ''}${second}${digits}${minute.suffix}`;
  const offset = zone(seconds);
  return `${dateText(seconds + offset, 19)}${digits}${suffixOf(offset)}`;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/** `2026-11-21T06:30:00` of a clock on the wall, or its beginning. */
function dateText(wallSeconds: number, length: number): string {
  return new Date(wallSeconds * 1000).toISOString().slice(0, length);
}

function suffixOf(offset: number): string {
  if (offset === 0) return 'Z';
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.trunc(offset / 60);
  const east = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(east / 60))}:${two(east % 60)}`;
}

/** What all times of one minute share: `2026-11-21T06:30:` and `+01:00`. */
interface Minute {
  readonly date: string;
  readonly suffix: string;
}

/** A backup spells millions of times, most of them of few minutes; spelling a date costs thirty times as much as a look-up. */
const spelled = new WeakMap<ZoneOffset, Map<number, Minute | undefined>>();
const MINUTES_MAX = 4096;

/** Undefined where the zone's minutes are not those of UTC. */
function minuteOf(number: number, zone: ZoneOffset): Minute | undefined {
  let minutes = spelled.get(zone);
  if (minutes === undefined) {
    minutes = new Map();
    spelled.set(zone, minutes);
  }
  const known = minutes.get(number);
  if (known !== undefined || minutes.has(number)) return known;
  const offset = zone(number * 60);
  const isWhole = offset % 60 === 0 && zone(number * 60 + 59) === offset;
  const minute = isWhole ? { date: dateText(number * 60 + offset, 17), suffix: suffixOf(offset) } : undefined;
  if (minutes.size === MINUTES_MAX) minutes.clear();
  minutes.set(number, minute);
  return minute;
}

/** The same day and hour of the year 9999 or 0, for a clock that shows a later or an earlier year. */
function withinYears(seconds: number, zone: ZoneOffset): number {
  if (seconds > SECONDS_MIN + DAY_SECONDS && seconds < SECONDS_MAX - DAY_SECONDS) return seconds;
  // The calendar repeats after 400 years: so far away that no Date holds it, it is the same day.
  const far = 24 * SHIFT_SECONDS;
  const inside = Math.abs(seconds) < far ? seconds : modulo(seconds, SHIFT_SECONDS) + Math.sign(seconds) * far;
  const wall = new Date((inside + zone(inside)) * 1000);
  const year = wall.getUTCFullYear();
  if (year >= 0 && year <= 9999) return seconds;
  const moved = wall.setUTCFullYear(year < 0 ? 0 : 9999) / 1000;
  return moved - zone(moved - zone(moved));
}

/** From `start` on, of digits of which one is no zero. */
function withoutZeros(digits: string, start: number): string {
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
  return digits.slice(start, end);
}

/** Where the fields of a stored time begin, and what stands between them: `2026-11-21T06:30:00.5+01:00`. */
const SEPARATORS = [
  [4, 0x2d],
  [7, 0x2d],
  [10, 0x54],
  [13, 0x3a],
  [16, 0x3a],
] as const;
const FRACTION_AT = 19;
const FRACTION_DIGITS = 9;
/** Date.UTC takes years below 100 for others; the calendar repeats after 400 years. */
const YEARS_SHIFTED = 400;
const SHIFT_SECONDS = 146_097 * 86_400;

/** Nanoseconds since the epoch of a stored time, or undefined when it is not RFC 3339. */
export function parseGoTime(text: string): bigint | undefined {
  for (const [at, code] of SEPARATORS) if (text.charCodeAt(at) !== code) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const minute = Date.UTC(
    year + YEARS_SHIFTED,
    twoDigits(text, 5) - 1,
    twoDigits(text, 8),
    twoDigits(text, 11),
    twoDigits(text, 14),
  );
  let end = FRACTION_AT;
  let fraction = 0;
  if (text.charCodeAt(end) === 0x2e) {
    end += 1;
    for (let digit = digitAt(text, end); !Number.isNaN(digit); digit = digitAt(text, end)) {
      fraction = fraction * 10 + digit;
      end += 1;
    }
    const digits = end - FRACTION_AT - 1;
    if (digits === 0 || digits > FRACTION_DIGITS) return undefined;
    fraction *= 10 ** (FRACTION_DIGITS - digits);
  }
  // NaN from any field that is no number ends up here.
  const seconds = minute / 1000 - SHIFT_SECONDS + twoDigits(text, 17) - zoneSeconds(text, end);
  return Number.isNaN(seconds) ? undefined : BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
}

/** East of UTC; NaN for what is no zone. */
function zoneSeconds(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === 0x5a) return text.length === at + 1 ? 0 : Number.NaN;
  const sign = code === 0x2b ? 1 : code === 0x2d ? -1 : Number.NaN;
  if (text.length !== at + 6 || text.charCodeAt(at + 3) !== 0x3a) return Number.NaN;
  return sign * (twoDigits(text, at + 1) * 3600 + twoDigits(text, at + 4) * 60);
}

function twoDigits(text: string, at: number): number {
  return digitAt(text, at) * 10 + digitAt(text, at + 1);
}

/** NaN for what is no digit. */
function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : Number.NaN;
}
