import { createHash, randomBytes, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashPieces } from './hash-pieces.ts';

const PART = 256 * 1024;

test('pieces of every length around the borders, few and many, have the hashes that one after the other gives', () => {
  const lengths = [
    0,
    1,
    55,
    56,
    63,
    64,
    65,
    PART - 1,
    PART,
    PART + 1,
    2 * PART,
    2 * PART + 57,
    3 * PART + randomInt(PART),
  ];
  const pieces = lengths.map((length) => randomBytes(length));
  for (let count = 0; count <= pieces.length; count += 1) {
    // Each count begins elsewhere, so that lengths meet in other lanes.
    const some = Array.from({ length: count }, (_, at) => pieces[(at * 5 + count) % pieces.length]!);
    expect(
      hashPieces(some).map((sum) => sum.toString('hex')),
      `${count} pieces`,
    ).toEqual(some.map((piece) => createHash('sha256').update(piece).digest('hex')));
  }
});
