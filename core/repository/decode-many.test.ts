import { randomInt } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeBlob } from './blob-codec.ts';
import { generateMasterKey } from './crypto/master-key.ts';
import { seal } from './crypto/seal.ts';
import { type BlobColumns, decodeBlobs } from './decode-many.ts';
import { compress } from './format/zstd.ts';
import { LIMITS } from './format/limits.ts';
import { sha256Hex } from './object-names.ts';
import { noise } from './testing/noise.ts';

const MIB = 1024 * 1024;
const key = generateMasterKey();

interface Stored {
  id: string;
  sealed: Buffer;
  uncompressedLength: number;
  isTree?: boolean;
}

function stored(plain: Buffer, isCompressed: boolean): Stored {
  const sealed = seal(key, isCompressed ? compress(plain) : plain);
  return { id: sha256Hex(plain), sealed, uncompressedLength: isCompressed ? plain.length : 0 };
}

function columnsOf(blobs: readonly Stored[]): BlobColumns & { readonly bytes: Buffer; readonly isTree: Uint8Array } {
  let end = 0;
  return {
    bytes: Buffer.concat(blobs.map(({ sealed }) => sealed)),
    ids: Buffer.from(blobs.map(({ id }) => id).join(''), 'hex'),
    starts: Uint32Array.from(blobs, ({ sealed }) => (end += sealed.length) - sealed.length),
    lengths: Uint32Array.from(blobs, ({ sealed }) => sealed.length),
    uncompressedLengths: Uint32Array.from(blobs, ({ uncompressedLength }) => uncompressedLength),
    isTree: Uint8Array.from(blobs, ({ isTree }) => (isTree ? 1 : 0)),
  };
}

function decodeAll(columns: ReturnType<typeof columnsOf>): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  const take = (number: number, plain: Buffer | undefined): void => {
    expect(number).toBe(found.length);
    found.push(plain && sha256Hex(plain));
  };
  decodeBlobs(key, columns.bytes, columns, take, columns.isTree);
  return found;
}

/** What `decodeBlob` makes of each of them alone: the oracle. */
function oneByOne(blobs: readonly Stored[]): (string | undefined)[] {
  return blobs.map(({ id, sealed, uncompressedLength, isTree }) => {
    try {
      return sha256Hex(decodeBlob(key, sealed, { id, type: isTree ? 'tree' : 'data', uncompressedLength }));
    } catch {
      return undefined;
    }
  });
}

/** Everything that can be wrong with a blob. */
const DAMAGE: readonly ((blob: Stored) => void)[] = [
  ({ sealed }) => void (sealed[Math.floor(sealed.length / 2)]! ^= 4),
  ({ sealed }) => void (sealed[sealed.length - 1]! ^= 0x80),
  (blob) => void (blob.id = blob.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))),
  (blob) => void (blob.id = blob.id.replace(/^./, (first) => (first === '0' ? '1' : '0'))),
  (blob) => void (blob.uncompressedLength += 1),
  (blob) => void (blob.uncompressedLength = Math.max(0, blob.uncompressedLength - 1)),
  (blob) => void (blob.uncompressedLength = LIMITS.dataBlobBytes + 1),
  (blob) => void (blob.uncompressedLength = LIMITS.dataBlobBytes),
  (blob) => void (blob.sealed = blob.sealed.subarray(0, 31)),
  (blob) => void (blob.sealed = seal(key, noise(500, 'no frame'))),
  (blob) => void (blob.sealed = seal(key, Buffer.concat([compress(noise(9, 'x')), compress(noise(9, 'y'))]))),
];

test('many blobs decode as each does alone: sizes, frames and every kind of damage, in any order', () => {
  const seed = process.env.HOLDFAST_TEST_SEED ?? String(randomInt(2 ** 31));
  console.log(`decode many seed ${seed}`);
  const dice = noise(2 * MIB, `${seed} dice`);
  let thrown = 0;
  const random = (): number => dice.readUInt32LE((thrown += 4) - 4) / 2 ** 32;
  const whole = noise(4 * MIB, seed);
  for (let round = 0; round < 12; round += 1) {
    const damageShare = round % 3 === 0 ? 0 : 0.15;
    const sizeMax = [40, 20_000, 3 * MIB][round % 3]!;
    const blobs = Array.from({ length: sizeMax > MIB ? 40 : 1500 }, () => {
      const size = Math.floor(random() ** 3 * sizeMax);
      const start = Math.floor(random() * (whole.length - size));
      const plain = random() < 0.5 ? whole.subarray(start, start + size) : Buffer.alloc(size, start % 7);
      const blob = stored(plain, random() < 0.7 && size > 0);
      if (random() < damageShare) DAMAGE[Math.floor(random() * DAMAGE.length)]!(blob);
      return blob;
    });
    const found = decodeAll(columnsOf(blobs));
    expect(found).toEqual(oneByOne(blobs));
    if (damageShare > 0) expect(found).toContain(undefined);
    else expect(found).not.toContain(undefined);
  }
});

test('blobs larger than a batch, of several frames or of a size known only at the end are given too', () => {
  const large = Buffer.alloc(20 * MIB, 'large');
  const frames = Buffer.concat([compress(Buffer.alloc(5000, 1)), compress(Buffer.alloc(5000, 2))]);
  const both = Buffer.concat([Buffer.alloc(5000, 1), Buffer.alloc(5000, 2)]);
  const sizeless = Buffer.from(zstdCompressSync(both));
  const blobs: Stored[] = [
    stored(noise(17 * MIB, 'incompressible'), false),
    stored(large, true),
    { id: sha256Hex(both), sealed: seal(key, frames), uncompressedLength: both.length },
    stored(noise(9 * MIB, 'nine'), true),
    { id: sha256Hex(both), sealed: seal(key, sizeless), uncompressedLength: both.length, isTree: true },
  ];
  const found = decodeAll(columnsOf(blobs));
  expect(found).toEqual(blobs.map(({ id }) => id));
});

test('a blob that ends behind the bytes is damaged, and its neighbours are not', () => {
  const blobs = [10, 20, 30].map((size) => stored(noise(size, 'short'), false));
  const columns = columnsOf(blobs);
  columns.lengths[2]! += 1;
  expect(decodeAll(columns)).toEqual([blobs[0]!.id, blobs[1]!.id, undefined]);
});

test('the same thread decodes with one key after another', () => {
  const other = generateMasterKey();
  const plain = noise(100, 'key');
  const columns = columnsOf([stored(plain, false)]);
  const found: boolean[] = [];
  for (const one of [key, other, key])
    decodeBlobs(one, columns.bytes, columns, (_number, decoded) => found.push(decoded !== undefined));
  expect(found).toEqual([true, false, true]);
});
