import { expect, test } from 'vitest';
import { noise } from '../testing/noise.ts';
import { plainSum } from './plain-sum.ts';

const LENGTHS = [0, 1, 1000, 65_535, 65_536, 65_537, 1_500_001];

test('a thread that has summed much gives the sums that it gave at first: another one may have just begun', () => {
  const bytes = noise(1_500_001, 'sums');
  const first = LENGTHS.map((length) => plainSum(bytes.subarray(0, length)));
  // More than what OpenSSL's code is taken from.
  for (let round = 0; round < 20; round += 1) plainSum(bytes);
  expect(LENGTHS.map((length) => plainSum(bytes.subarray(0, length)))).toEqual(first);
  expect(new Set(first).size).toBe(LENGTHS.length);
});

test.each(LENGTHS.slice(1))(
  'one bit that changes changes the sum of %i bytes, wherever it is, and so do two bytes that change places',
  (length) => {
    const bytes = noise(length, `bits ${length}`);
    const sum = plainSum(bytes);
    const places = [0, 1, 15, 16, 17, length >> 1, length - 17, length - 2, length - 1];
    for (const at of new Set(places.filter((place) => place >= 0 && place < length)))
      for (let bit = 0; bit < 8; bit += 1) {
        bytes[at]! ^= 1 << bit;
        expect(plainSum(bytes), `bit ${bit} of byte ${at}`).not.toBe(sum);
        bytes[at]! ^= 1 << bit;
      }
    expect(plainSum(bytes)).toBe(sum);
    if (length < 2) return;
    const other = Buffer.from(bytes);
    const far = other.findIndex((byte) => byte !== other[0]);
    [other[0], other[far]] = [other[far]!, other[0]!];
    expect(plainSum(other)).not.toBe(sum);
  },
);
