import { spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import {
  advanceStates,
  HASH_BYTES,
  hashesSideBySide,
  hashOfState,
  hashRanges,
  newStates,
  padding,
} from './many-hashes.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));
const SOURCE = fileURLToPath(new URL('./many-hashes.ts', import.meta.url));
const BLOCK_BYTES = 64;
const LANES = 8;

/** Numbers from 0 up to, not including, `below`, that a seed decides. */
function randomOf(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha256').update(`${seed} ${++count}`).digest().readUInt32LE() % below;
}

function patternOf(length: number): Uint8Array {
  return new Uint8Array(length).map((_, at) => (at * 131 + (at >> 7) * 17 + (at >> 16)) & 0xff);
}

/** Compares with node:crypto, piece by piece. */
function expectRight(bytes: Uint8Array, ranges: readonly number[], label: string): void {
  const target = new Uint8Array((ranges.length / 2) * HASH_BYTES);
  hashRanges(bytes, ranges, target);
  for (let at = 0; at * 2 < ranges.length; at += 1) {
    const [start, end] = [ranges[at * 2]!, ranges[at * 2 + 1]!];
    const found = Buffer.from(target.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)).toString('hex');
    const right = createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
    if (found !== right) expect.fail(`${label}: piece ${at}, from ${start} to ${end}, is ${found} and not ${right}`);
  }
}

test('is side by side where the tests run on Linux and x64, so that these tests are about it', () => {
  expect(hashesSideBySide()).toBe(process.platform === 'linux' && process.arch === 'x64');
});

test('every length around the borders of blocks gives the sum that node:crypto gives, beside its neighbours', () => {
  const bytes = patternOf(8 * BLOCK_BYTES);
  const lengths = Array.from({ length: 5 * BLOCK_BYTES + 2 }, (_, length) => length);
  for (const start of [0, 1, 7, 63])
    expectRight(
      bytes,
      lengths.flatMap((length) => [start, start + length]),
      `from byte ${start}`,
    );
});

test('eight equal pieces of every length do as well: all lanes end in the same step', () => {
  const bytes = patternOf(3 * BLOCK_BYTES + LANES);
  for (let length = 0; length <= 3 * BLOCK_BYTES; length += 1)
    expectRight(bytes, Array.from({ length: LANES }, (_, at) => [at, at + length]).flat(), `length ${length}`);
});

test('any number of pieces does: fewer than lanes, more than lanes, none', () => {
  const bytes = patternOf(100_000);
  for (let count = 0; count <= 3 * LANES + 1; count += 1)
    expectRight(
      bytes,
      Array.from({ length: count }, (_, at) => [at * 100, at * 100 + 1000 * (at + 1)]).flat(),
      `${count} pieces`,
    );
});

test('one piece that outlasts all others is finished alone', () => {
  const bytes = patternOf(3 * 1024 * 1024 + 5);
  for (const place of [0, 4, 9]) {
    const ranges = Array.from({ length: 10 }, (_, at) => [at, at + 100]).flat();
    ranges.splice(place * 2, 2, 0, bytes.length);
    expectRight(bytes, ranges, `the long one is number ${place}`);
  }
});

test('pieces of random lengths, overlapping and in shared memory, are hashed right', () => {
  const random = randomOf(String(seed));
  for (let round = 0; round < 60; round += 1) {
    const shared = new SharedArrayBuffer(1 + random(400_000));
    const bytes = new Uint8Array(shared, random(Math.min(64, shared.byteLength)));
    bytes.set(patternOf(bytes.length));
    const lengthMax = [80, 5000, bytes.length][random(3)]!;
    const ranges = Array.from({ length: random(40) }, () => {
      const start = random(bytes.length + 1);
      return [start, Math.min(bytes.length, start + random(lengthMax + 1))];
    }).flat();
    expectRight(bytes, ranges, `seed ${seed}, round ${round}`);
  }
});

test('a view of a few bytes, which V8 keeps among its objects, is hashed right', () => {
  for (let length = 0; length <= 2 * BLOCK_BYTES; length += 1)
    expectRight(patternOf(length), Array.from({ length: 2 * LANES }, () => [0, length]).flat(), `${length} bytes`);
});

test('ranges may be any array of numbers, and what lies behind the sums is not touched', () => {
  const target = new Uint8Array(5 * HASH_BYTES).fill(7);
  hashRanges(patternOf(500), Uint32Array.of(0, 100, 100, 300, 300, 500), target);
  expect(target.subarray(3 * HASH_BYTES)).toEqual(new Uint8Array(2 * HASH_BYTES).fill(7));
});

test('a target that is too short and a range outside of the bytes are refused before anything is written', () => {
  const bytes = patternOf(1000);
  const short = new Uint8Array(4 * HASH_BYTES - 1);
  expect(() => hashRanges(bytes, [0, 1, 0, 1, 0, 1, 0, 1], short)).toThrow(RangeError);
  for (const outside of [
    [-1, 5],
    [0, 1001],
    [6, 5],
    [Number.NaN, 5],
    [0, Number.NaN],
  ]) {
    const target = new Uint8Array(4 * HASH_BYTES);
    expect(() => hashRanges(bytes, [0, 1, 0, 1, 0, 1, ...outside], target), String(outside)).toThrow(RangeError);
    expect(target).toEqual(new Uint8Array(4 * HASH_BYTES));
  }
});

const HASHES = `
  import { hashesSideBySide, hashRanges } from './many-hashes.ts';
  const bytes = new Uint8Array(5_000_000).map((_, at) => (at * 131 + (at >> 7) * 17) & 0xff);
  const ranges = Array.from({ length: 50 }, (_, at) => [at * 1000, at * 100_000 + (at % 3)]).flat();
  ranges[0] = ranges[1] = 0;
  const target = new Uint8Array(50 * 32);
  hashRanges(bytes, ranges, target);
  console.log(JSON.stringify({ isSideBySide: hashesSideBySide(), sums: Buffer.from(target).toString('hex') }));
`;

/** The same work in a Node of its own, by a copy of the sources in a folder where koffi is what `koffi` says, or missing. */
function hashElsewhere(koffi: string | undefined): { readonly isSideBySide: boolean; readonly sums: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-many-hashes-'));
  try {
    for (const file of ['many-hashes.ts', 'through-openssl.ts'])
      copyFileSync(path.join(path.dirname(SOURCE), file), path.join(folder, file));
    writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(path.join(folder, 'main.ts'), HASHES);
    if (koffi !== undefined) {
      mkdirSync(path.join(folder, 'node_modules/koffi'), { recursive: true });
      writeFileSync(path.join(folder, 'node_modules/koffi/index.js'), koffi);
    }
    const { stdout, stderr, status } = spawnSync(process.execPath, [path.join(folder, 'main.ts')], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('without koffi, without the symbol, and where the trial shows a wrong sum, Node hashes one by one: the same sums', () => {
  const real = `require(${JSON.stringify(createRequire(import.meta.url).resolve('koffi'))})`;
  const { isSideBySide, sums } = hashElsewhere(undefined);
  expect(isSideBySide).toBe(false);
  expect(hashElsewhere(`module.exports = ${real};`)).toEqual({ isSideBySide: hashesSideBySide(), sums });
  const others = {
    'one that cannot load': `throw new Error('made for another libc');`,
    'a Node that hides the symbol': `module.exports = { ...${real}, load: () => ({ func: () => { throw new Error('no such symbol'); } }) };`,
    'one that hashes nothing': `module.exports = { ...${real}, load: () => ({ func: () => () => undefined }) };`,
  };
  for (const [name, koffi] of Object.entries(others))
    expect(hashElsewhere(koffi), name).toEqual({ isSideBySide: false, sums });
});

test('hashes that are made in several steps are those of the whole, whatever the steps, beside others', () => {
  const random = randomOf(`steps ${seed}`);
  console.log(`hash states seed ${seed}`);
  for (let round = 0; round < 30; round += 1) {
    const pieces = Array.from({ length: 1 + random(LANES) }, () =>
      Buffer.from(patternOf(random(40_000)).map((byte) => byte ^ round)),
    );
    const states = newStates(pieces.length);
    const padded = pieces.map((piece) => Buffer.concat([piece, padding(piece.length)]));
    for (let done = padded.map(() => 0); done.some((at, number) => at < padded[number]!.length); ) {
      const ends = padded.map(({ length }, number) => Math.min(length, done[number]! + random(200) * BLOCK_BYTES));
      const bytes = Buffer.concat(padded.map((piece, number) => piece.subarray(done[number], ends[number])));
      let end = 0;
      const ranges = ends.flatMap((to, number) => [end, (end += to - done[number]!)]);
      advanceStates(bytes, ranges, states);
      done = ends;
    }
    for (const [number, piece] of pieces.entries())
      expect(hashOfState(states, number).toString('hex')).toBe(createHash('sha256').update(piece).digest('hex'));
  }
});

/** OpenSSL's own way to hide what a processor has: each leads it to other code, with other groups of lanes. */
const PROCESSORS = {
  'as it is': '',
  'without instructions for SHA-256': ':~0x20000000',
  'nor wide registers of eight words': ':~0x20000020',
  'nor of three operands': '~0x1000000000000000:~0x20000020',
};

test.each(Object.entries(PROCESSORS))('the sums are right on the processor %s', (_, hidden) => {
  const script = `
    import { createHash } from 'node:crypto';
    import { advanceStates, hashesSideBySide, hashOfState, hashRanges, newStates } from ${JSON.stringify(SOURCE)};
    const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
    let count = 0;
    const random = (below) => createHash('sha256').update('${seed} ' + ++count).digest().readUInt32LE() % below;
    const bytes = new Uint8Array(100_000).map((_, at) => (at * 131 + (at >> 7) * 17) & 0xff);
    const wrong = [];
    for (let round = 0; round < 400; round += 1) {
      const pieces = Array.from({ length: random(30) }, () => [random(1000), 1000 + random([100, 3000, 99_000][round % 3])]);
      const sums = new Uint8Array(pieces.length * 32);
      hashRanges(bytes, pieces.flat(), sums);
      for (const [at, [start, end]] of pieces.entries())
        if (Buffer.from(sums.subarray(at * 32, at * 32 + 32)).toString('hex') !== sha256(bytes.subarray(start, end)))
          wrong.push([round, at]);
      // In steps: one state's words are those of the whole, whoever else ends when.
      const blocks = Array.from({ length: 1 + random(8) }, () => random(40) * random(2));
      const states = newStates(blocks.length);
      advanceStates(bytes, blocks.flatMap((length, lane) => [lane * 5000, lane * 5000 + length * 64]), states);
      for (const [lane, length] of blocks.entries()) {
        const alone = newStates(1);
        advanceStates(bytes, [lane * 5000, lane * 5000 + length * 64], alone);
        if (!hashOfState(states, lane).equals(hashOfState(alone, 0))) wrong.push([round, 'state', lane]);
      }
    }
    console.log(JSON.stringify({ isSideBySide: hashesSideBySide(), wrong }));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    encoding: 'utf8',
    env: { ...process.env, OPENSSL_ia32cap: hidden === '' ? undefined : hidden },
  });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout), `seed ${seed}`).toEqual({ isSideBySide: hashesSideBySide(), wrong: [] });
});

test('padding makes every length whole blocks, and steps that are not of whole blocks are refused', () => {
  for (let length = 0; length < 3 * BLOCK_BYTES; length += 1)
    expect((length + padding(length).length) % BLOCK_BYTES).toBe(0);
  const bytes = new Uint8Array(2 * BLOCK_BYTES);
  expect(() => advanceStates(bytes, [0, 63], newStates(1))).toThrow(RangeError);
  expect(() => advanceStates(bytes, [64, 192], newStates(1))).toThrow(RangeError);
  expect(() => advanceStates(bytes, [0, 64, 0, 64], newStates(1))).toThrow(RangeError);
  expect(() => advanceStates(bytes, Array(9).fill([0, 64]).flat(), newStates(9))).toThrow(RangeError);
});
