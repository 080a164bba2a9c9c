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

function storedBytes(make: (number: number) => Buffer, count: number): { ours: number; usual: number } {
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

test('whatever small files hold, they take no more room than by the usual level, but for the few by which it is found out', () => {
  for (const make of [sourceText, tokenText, (number: number) => (number % 2 === 0 ? sourceText : tokenText)(number)]) {
    const { ours, usual } = storedBytes(make, 300);
    expect(ours / usual).toBeLessThanOrEqual(1.005);
  }
});

test('where the quick level loses nothing it is the one that is taken, and where it loses it is not', () => {
  const compressor = new BlobCompressor();
  const differs = (plain: Buffer): boolean => !compressView(plain, 1).equals(compressView(plain, ZSTD_LEVEL));
  const learn = (make: (number: number) => Buffer, times: number): void => {
    const plains = Array.from({ length: 50 }, (_, number) => make(number));
    for (let time = 0; time < times; time += 1) for (const plain of plains) compressor.compress('data', plain);
  };
  const isQuick = (plain: Buffer): boolean => {
    expect(differs(plain)).toBe(true);
    return Buffer.from(compressor.compress('data', plain)!).equals(compressView(plain, 1));
  };
  learn(tokenText, 10);
  expect(isQuick(tokenText(7))).toBe(true);
  // The data of the next folder are of another kind: what was learnt is given up.
  learn(sourceText, 200);
  expect(isQuick(sourceText(7))).toBe(false);
});

test('what gains too little is stored as it is, whatever its size', () => {
  const compressor = new BlobCompressor();
  for (const bytes of [1, 100, 5000, 50_000, 100_000, 400_000])
    for (let times = 0; times < 20; times += 1)
      expect(compressor.compress('data', noise(bytes, `${bytes} ${times}`))).toBeUndefined();
});
