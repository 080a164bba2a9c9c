/** SHA-256 of several large pieces that lie apart in memory, side by side and without a copy of all of them. */
import { hash } from 'node:crypto';
import { advanceStates, hashesSideBySide, hashOfState, LANES, newStates, padding } from './many-hashes.ts';

/** Of each piece at a time. What is gathered of all of them fits a processor's own memory, and is used again. */
const PART_BYTES = 256 * 1024;
/** A piece's last part is filled up to whole blocks. */
const END_BYTES_MAX = 128;
/** One after the other is as fast for fewer. */
const PIECES_MIN = 3;

let room: Uint8Array | undefined;

/** The hash of each piece, in their order. Synchronous; nobody may change the pieces meanwhile. */
export function hashPieces(pieces: readonly Uint8Array[]): Buffer[] {
  if (pieces.length < PIECES_MIN || !hashesSideBySide()) return pieces.map((piece) => hash('sha256', piece, 'buffer'));
  const hashes: Buffer[] = [];
  for (let at = 0; at < pieces.length; at += LANES) hashes.push(...hashGroup(pieces.slice(at, at + LANES)));
  return hashes;
}

function hashGroup(pieces: readonly Uint8Array[]): Buffer[] {
  room ??= new Uint8Array(LANES * (PART_BYTES + END_BYTES_MAX));
  const states = newStates(pieces.length);
  const ranges = new Float64Array(pieces.length * 2);
  const longest = Math.max(...pieces.map(({ length }) => length));
  for (let from = 0; from === 0 || from <= longest; from += PART_BYTES) {
    for (const [lane, piece] of pieces.entries()) {
      const start = lane * (PART_BYTES + END_BYTES_MAX);
      ranges[lane * 2] = start;
      ranges[lane * 2 + 1] = start + fill(room, start, piece, from);
    }
    advanceStates(room, ranges, states);
  }
  return pieces.map((_, lane) => hashOfState(states, lane));
}

/** @returns how many bytes: of whole blocks, with the end of the piece once its last byte is there. */
function fill(target: Uint8Array, start: number, piece: Uint8Array, from: number): number {
  if (from > piece.length) return 0;
  const part = piece.subarray(from, from + PART_BYTES);
  target.set(part, start);
  if (from + PART_BYTES < piece.length || part.length === PART_BYTES) return part.length;
  const end = padding(piece.length);
  target.set(end, start + part.length);
  return part.length + end.length;
}
