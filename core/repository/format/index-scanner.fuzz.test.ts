/** The quick way through an index file: the same as the parser's, or none. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PackedBlob } from '../types.ts';
import { decodeIndex, encodeIndex, type IndexedPack, indexTextBytes } from './index-file.ts';
import { IndexScanner } from './index-scanner.ts';

const seed = Math.floor(Math.random() * 2 ** 31);
console.log(`index scanner fuzz seed ${seed}`);
const runs = { seed, numRuns: 3000 };

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const uint32 = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 0xffff_ffff));
const packs: fc.Arbitrary<IndexedPack[]> = fc.array(
  fc
    .record({
      id,
      blobs: fc.array(
        fc.record({
          id,
          type: fc.constantFrom('data' as const, 'tree' as const),
          offset: uint32,
          length: uint32,
          uncompressedLength: uint32,
        }),
        { maxLength: 5 },
      ),
    })
    .map((pack) => ({ id: pack.id, blobs: pack.blobs.map((blob) => ({ ...blob, packId: pack.id })) })),
  { maxLength: 4 },
);

const pieceLengths = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 });

/** Pieces of these lengths in turn, each in the memory of the one before it, as a decompressor gives them. */
function* piecesOf(json: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  const memory = new Uint8Array(Math.max(...lengths));
  for (let at = 0, turn = 0; at < json.length; turn += 1) {
    const length = lengths[turn % lengths.length]!;
    const piece = json.subarray(at, at + length);
    memory.fill(0x41).set(piece);
    yield memory.subarray(0, piece.length);
    at += length;
  }
}

const scanner = new IndexScanner();

/** What the scanner says, as the parser would. */
function scanned(json: Uint8Array, pieceLengths = [Math.max(1, json.length)]): IndexedPack[] | undefined {
  const image = scanner.scan(piecesOf(json, pieceLengths));
  if (image === undefined) return undefined;
  const found = image.packIds.map((packId) => ({ id: packId, blobs: [] as PackedBlob[] }));
  for (let blob = 0; blob < image.count; blob += 1) {
    const [tag, offset, length, uncompressedLength] = image.fields.subarray(blob * 4, blob * 4 + 4);
    const pack = found[tag! >>> 1]!;
    pack.blobs.push({
      id: Buffer.from(image.ids.subarray(blob * 32, blob * 32 + 32)).toString('hex'),
      type: tag! % 2 === 1 ? 'tree' : 'data',
      packId: pack.id,
      offset: offset!,
      length: length!,
      uncompressedLength: uncompressedLength!,
    });
  }
  return found;
}

test('what programs write is scanned, and is what the parser finds', () => {
  fc.assert(
    fc.property(packs, fc.boolean(), fc.boolean(), pieceLengths, (written, isSuperseding, hasNewline, lengths) => {
      let text = encodeIndex(written).toString();
      if (isSuperseding) text = text.replace('{', `{"supersedes":["${'ab'.repeat(32)}","${'0'.repeat(64)}"],`);
      if (!hasNewline) text = text.trimEnd();
      expect(scanned(Buffer.from(text))).toEqual(written);
      expect(scanned(Buffer.from(text), lengths)).toEqual(written);
      expect(decodeIndex(Buffer.from(text))).toEqual(written);
    }),
    runs,
  );
});

test('the size of an index is known before its text is made', () => {
  fc.assert(
    fc.property(packs, (written) => {
      expect(indexTextBytes(written)).toBe(encodeIndex(written).length);
    }),
    runs,
  );
  const blob = { id: 'ab'.repeat(32), type: 'data', packId: 'cd'.repeat(32) } as const;
  for (const count of [0, 9, 10, 99, 100, 999_999_999, 1_000_000_000, 2 ** 32 - 1]) {
    const pack = { id: blob.packId, blobs: [{ ...blob, offset: count, length: count, uncompressedLength: count }] };
    expect(indexTextBytes([pack, pack])).toBe(encodeIndex([pack, pack]).length);
  }
});

test('what follows a whole text in a later piece is not overlooked', () => {
  const text = encodeIndex([{ id: 'ab'.repeat(32), blobs: [] }]);
  expect(scanner.scan([text, Buffer.from('\n')])?.packIds).toHaveLength(1);
  expect(scanner.scan([text, Buffer.alloc(500, ' '), Buffer.from('x')])).toBeUndefined();
  expect(scanner.scan([text.subarray(0, -1), Buffer.from('x')])).toBeUndefined();
});

test('what was changed anywhere is refused by both, or the same for both, or left to the parser', () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('flip', 'cut', 'double') });
  fc.assert(
    fc.property(packs, fc.array(change, { minLength: 1, maxLength: 3 }), pieceLengths, (written, changes, lengths) => {
      let bytes = encodeIndex(written);
      for (const { at, byte, kind } of changes) {
        const place = at % Math.max(1, bytes.length);
        if (kind === 'flip' && bytes.length > 0) bytes[place] = byte;
        else if (kind === 'cut') bytes = bytes.subarray(0, place);
        else bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place >> 1)]);
      }
      const found = scanned(bytes);
      expect(scanned(bytes, lengths)).toEqual(found);
      if (found !== undefined) expect(decodeIndex(bytes)).toEqual(found);
    }),
    runs,
  );
});
