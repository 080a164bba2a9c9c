/** Index files: which blobs lie where. A blob may be listed in several packs; readers try all (docs/format.md, "Index"). */
import type { PackedBlob } from '../types.ts';
import { damagedRepository } from './damage.ts';
import { isCount, isId, isObject, member, parseJson } from './json.ts';

export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly PackedBlob[];
}

/** Blobs of one index file, at most, unless a single pack has more: a file is read and decoded whole. */
export const INDEX_BLOBS_MAX = 50_000;

const UINT32_MAX = 0xffff_ffff;

/** Packs as an index lists them. */
export type ListedPacks = Iterable<{ readonly id: string; readonly blobs: Iterable<Omit<PackedBlob, 'packId'>> }>;

const PIECE_BYTES = 64 * 1024;

/**
 * JSON with the newline that Go's encoder adds, in pieces that are each true until the next: the whole text of an index is ten
 * megabytes. A pack's blobs stand together in one index file.
 */
export function* indexText(packs: ListedPacks): Generator<Buffer, void, void> {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let used = 0;
  for (const text of indexWords(packs)) {
    if (used + text.length > PIECE_BYTES) {
      yield piece.subarray(0, used);
      used = 0;
    }
    used += piece.write(text, used, 'latin1'); // ids, words and numbers: ASCII
  }
  yield piece.subarray(0, used);
}

const BLOB_WORDS = ['{"id":"', '","type":"', '","offset":', ',"length":', '}'] as const;
const UNPACKED_WORD = ',"uncompressed_length":';
const ID_LETTERS = 64;
const TYPE_LETTERS = 4;

/** Bytes of what indexText gives, without making it. */
export function indexTextBytes(packs: ListedPacks): number {
  const wordBytes = BLOB_WORDS.join('').length + ID_LETTERS + TYPE_LETTERS;
  let bytes = '{"packs":[]}\n'.length;
  let isFirstPack = true;
  for (const { blobs } of packs) {
    bytes += '{"id":"","blobs":[]}'.length + ID_LETTERS + (isFirstPack ? 0 : 1);
    isFirstPack = false;
    let separatorBytes = 0;
    for (const { offset, length, uncompressedLength } of blobs) {
      bytes += separatorBytes + wordBytes + digits(offset) + digits(length);
      if (uncompressedLength !== 0) bytes += UNPACKED_WORD.length + digits(uncompressedLength);
      separatorBytes = 1;
    }
  }
  return bytes;
}

function digits(count: number): number {
  let found = 1;
  for (let left = count; left >= 10; left /= 10) found += 1;
  return found;
}

/** As indexText, in one piece. */
export function encodeIndex(packs: ListedPacks): Buffer {
  return Buffer.concat(Array.from(indexText(packs), (piece) => Buffer.from(piece)));
}

const [ID, TYPE, OFFSET, LENGTH, END] = BLOB_WORDS;

/** A blob at a time: each far shorter than a piece. */
function* indexWords(packs: ListedPacks): Generator<string, void, void> {
  yield '{"packs":[';
  let isFirstPack = true;
  for (const { id, blobs } of packs) {
    yield `${isFirstPack ? '' : ','}{"id":"${id}","blobs":[`;
    isFirstPack = false;
    let separator = '';
    for (const blob of blobs) {
      const { id: blobId, type, offset, length, uncompressedLength } = blob;
      const unpacked = uncompressedLength === 0 ? '' : `${UNPACKED_WORD}${uncompressedLength}`;
      yield `${separator}${ID}${blobId}${TYPE}${type}${OFFSET}${offset}${LENGTH}${length}${unpacked}${END}`;
      separator = ',';
    }
    yield ']}';
  }
  yield ']}\n';
}

/**
 * The blobs of an index file, pack by pack. The oldest form (a bare list, before version 1 settled) is read too; fields of
 * other programs are ignored.
 * @throws HoldfastError repository_damaged.
 */
export function decodeIndex(json: Uint8Array): IndexedPack[] {
  const value = parseJson(json, 'An index file');
  const packs = Array.isArray(value) ? value : isObject(value) ? member(value, 'packs') : undefined;
  if (packs === null) return [];
  if (!Array.isArray(packs)) throw damagedRepository('An index file has no list of packs.');
  return packs.map(decodePack);
}

function decodePack(value: unknown): IndexedPack {
  if (!isObject(value)) throw damagedRepository('An index file lists a malformed pack.');
  const packId = member(value, 'id');
  const blobs = member(value, 'blobs') ?? [];
  if (!isId(packId) || !Array.isArray(blobs)) throw damagedRepository('An index file lists a malformed pack.');
  return { id: packId, blobs: blobs.map((blob) => decodeBlob(blob, packId)) };
}

function decodeBlob(value: unknown, packId: string): PackedBlob {
  if (!isObject(value)) throw damagedRepository('An index file lists a malformed blob.');
  const id = member(value, 'id');
  const type = member(value, 'type');
  const offset = member(value, 'offset');
  const length = member(value, 'length');
  const uncompressedLength = member(value, 'uncompressed_length') ?? 0;
  const isSound =
    isId(id) &&
    (type === 'data' || type === 'tree') &&
    isCount(offset, UINT32_MAX) &&
    isCount(length, UINT32_MAX) &&
    isCount(uncompressedLength, UINT32_MAX);
  if (!isSound) throw damagedRepository('An index file lists a malformed blob.');
  return { id, type, packId, offset, length, uncompressedLength };
}
