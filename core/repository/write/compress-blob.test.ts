import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { compressView, ZSTD_LEVEL } from '../format/zstd.ts';
import { noise } from '../testing/noise.ts';
import { BlobCompressor } from './compress-blob.ts';

/** Lines of a program: repetitions that a search of some depth finds. */
function sourceText(number: number): Buffer {
  const words = ['const', 'return', 'readonly', 'if (value === undefined)', 'length', 'export function', 'this.#state'];
  const dice = noise(600, `source ${number}`);
  return Buffer.from(
    Array.from(dice, (die, at) => `${words[die % 7]} ${words[(die >> 3) % 7]}${at % 3 === 0 ? ';\n  ' : ' '}`).join(''),
  );
}

/** Tokens and digits: what looks like a repetition of some bytes costs more than it saves. */
function tokenText(number: number): Buffer {
  return Buffer.from(
    noise(1500, `tokens ${number}`)
      .toString('hex')
      .replaceAll(/(.{7})/g, '$1 '),
  );
}

function storedBytes(make: Make, count: number): { ours: number; usual: number } {
  const compressor = new BlobCompressor();
  let [ours, usual] = [0, 0];
  for (let number = 0; number < count; number += 1) {
    const plain = make(number);
    const packed = compressor.compress('data', plain);
    if (packed !== undefined) expect(zstdDecompressSync(packed).equals(plain)).toBe(true);
    ours += packed?.length ?? plain.length;
    usual += compressView(plain, ZSTD_LEVEL).length;
  }
  return { ours, usual };
}

/** Lines of a log: as tokens, but a deeper search finds something in them. */
function logText(number: number): Buffer {
  const dice = noise(2000, `log ${number}`);
  const lines = Array.from(
    { length: 500 },
    (_, at) =>
      `10.1.${dice[at]! % 4}.${dice[at + 500]} GET /items?id=${dice.readUInt16LE(at + 1000)} ${dice[at + 1500]}\n`,
  );
  return Buffer.from(lines.join(''));
}

type Make = (number: number) => Buffer;

/** One behind the other, until a piece is as large as those that large files are cut into. */
function large(make: Make): Make {
  return (number) => Buffer.concat(Array.from({ length: 100 }, (_, at) => make(number * 100 + at)));
}

const ONE_AFTER_THE_OTHER: readonly Make[] = [
  sourceText,
  tokenText,
  logText,
  (number) => (number % 2 === 0 ? sourceText : tokenText)(number),
  (number) => [tokenText, logText, sourceText][Math.floor(number / 12) % 3]!(number),
];

test.each([
  ['small files', 300, (make: Make) => make],
  ['pieces of large files', 60, large],
])(
  'whatever %s hold, they take no more room than by the usual level, but for the few by which it is found out',
  (_, count, sized) => {
    for (const make of ONE_AFTER_THE_OTHER.map(sized)) {
      const { ours, usual } = storedBytes(make, count);
      expect(ours / usual).toBeLessThanOrEqual(1.005);
    }
  },
);

test.each([
  ['small files', 50, (make: Make) => make],
  ['pieces of large files', 3, large],
])(
  'of %s the quick level is the one that is taken where it loses nothing, and where it loses it is not',
  (_, count, sized) => {
    const compressor = new BlobCompressor();
    const [tokens, source] = [sized(tokenText), sized(sourceText)];
    const differs = (plain: Buffer): boolean => !compressView(plain, 1).equals(compressView(plain, ZSTD_LEVEL));
    const learn = (make: Make, times: number): void => {
      const plains = Array.from({ length: count }, (_, number) => make(number));
      for (let time = 0; time < times; time += 1) for (const plain of plains) compressor.compress('data', plain);
    };
    const isQuick = (plain: Buffer): boolean => {
      expect(differs(plain)).toBe(true);
      return Buffer.from(compressor.compress('data', plain)!).equals(compressView(plain, 1));
    };
    learn(tokens, 10);
    expect(isQuick(tokens(7))).toBe(true);
    // The data of the next folder are of another kind: what was learnt is given up.
    learn(source, 200);
    expect(isQuick(source(7))).toBe(false);
  },
);

test('what gains too little is stored as it is, whatever its size', () => {
  const compressor = new BlobCompressor();
  for (const bytes of [1, 100, 5000, 50_000, 100_000, 400_000])
    for (let times = 0; times < 20; times += 1)
      expect(compressor.compress('data', noise(bytes, `${bytes} ${times}`))).toBeUndefined();
});
