import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { goTime, parseGoTime, utcZone } from './go-text.ts';
import { parseJson } from './json.ts';

test('any time that is written is read back, to the nanosecond, in any zone', () => {
  const seed = randomInt(2 ** 31);
  let state = seed;
  const below = (bound: number): number => (state = (state * 48_271) % 2_147_483_647) % bound;
  for (let round = 0; round < 5000; round += 1) {
    const seconds = BigInt(below(2_147_483_647)) * 146n - 62_167_000_000n;
    const stamp = seconds * 1_000_000_000n + BigInt([0, 1, 500_000_000, 999_999_999, below(1_000_000_000)][round % 5]!);
    expect(parseGoTime(goTime(stamp, utcZone)), `seed ${seed}: ${stamp}`).toBe(stamp);
    const minutes = below(28 * 60) - 14 * 60;
    expect(parseGoTime(goTime(stamp, () => minutes * 60)), `seed ${seed}: ${stamp} ${minutes}`).toBe(stamp);
  }
});

test.each([
  ['0000-01-01T00:00:00Z', -62_167_219_200_000_000_000n],
  ['0099-12-31T23:59:59.5Z', -59_011_459_200_500_000_000n],
  ['9999-12-31T23:59:59.999999999Z', 253_402_300_799_999_999_999n],
  ['1969-12-31T23:59:59.000000001Z', -999_999_999n],
  ['2026-11-21T06:30:00+05:45', 1_795_221_900_000_000_000n],
])('%s is %s', (text, expected) => expect(parseGoTime(text)).toBe(expected));

test.each([
  '',
  '2026-11-21',
  '2026-11-21T06:30:00',
  '2026-11-21 06:30:00Z',
  '2026-11-21T06:30:00.Z',
  '2026-11-21T06:30:00.1234567890Z',
  '2026-11-21T06:30:00z',
  '2026-11-21T06:30:00+1:00',
  '2026-11-21T06:30:00+01:00 ',
  '2026-11-21T06:30:0xZ',
  'x026-11-21T06:30:00Z',
  ' 2026-11-21T06:30:00Z',
])('%j is no time', (text) => expect(parseGoTime(text)).toBeUndefined());

test('a number that no double holds is kept wherever it stands in a listing', () => {
  const wide = 18_014_398_509_481_985n;
  for (let pad = 0; pad < 40; pad += 1) {
    const name = 'x'.repeat(pad);
    for (const between of ['', ' ', '\n\t ']) {
      const text = `{"nodes":[{"name":"${name}","inode":${between}${wide},"size":5,"content":["${'7'.repeat(64)}"]}]}`;
      const json = parseJson(Buffer.from(text), 'It', { uint64: true }) as { nodes: { inode: unknown }[] };
      expect(json.nodes[0]?.inode, text).toBe(wide);
    }
  }
});
