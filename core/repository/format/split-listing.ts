/** The entries of an enormous folder listing one by one, so that neither its text nor its objects are in memory as a whole. */
import { damagedRepository } from './damage.ts';

const HEAD = Uint8Array.from('{"nodes":[', (letter) => letter.charCodeAt(0));
const TAIL = Uint8Array.from(']}\n', (letter) => letter.charCodeAt(0));
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * The JSON text of each entry, as a view. Only what surrounds the entries is looked at here, which is as programs write it and in
 * no other way; whether an entry is JSON its parser says.
 * @throws HoldfastError repository_damaged where a listing is built otherwise.
 */
export function* splitListing(listing: Uint8Array): Generator<Uint8Array, void, void> {
  const end = listing.length - TAIL.length;
  if (end < HEAD.length || !hasAt(listing, 0, HEAD) || !hasAt(listing, end, TAIL)) throw malformed();
  for (let start = HEAD.length; start < end; ) {
    const stop = entryEnd(listing, start, end);
    yield listing.subarray(start, stop);
    if (stop === end) return;
    if (listing[stop] !== COMMA || stop + 1 === end) throw malformed();
    start = stop + 1;
  }
}

/** Behind the object that begins at `start`. */
function entryEnd(listing: Uint8Array, start: number, end: number): number {
  let depth = 0;
  for (let at = start; at < end; at += 1) {
    const byte = listing[at]!;
    if (byte === QUOTE) at = stringEnd(listing, at + 1, end);
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
    if (depth <= 0) throw malformed(); // something that is no object, or ends more than it began
  }
  throw malformed();
}

/** Place of the quote that ends a string. */
function stringEnd(listing: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = listing[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  throw malformed();
}

function hasAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  return wanted.every((byte, place) => bytes[at + place] === byte);
}

function malformed(): Error {
  return damagedRepository('A stored folder listing is not built as programs build it.');
}
