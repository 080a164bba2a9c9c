/** Index files: which blobs lie where. A blob may be listed in several packs; readers try all (docs/format.md, "Index"). */
import type { PackedBlob } from '../types.ts';
import { damagedRepository } from './damage.ts';
import { isCount, isId, isObject, member, parseJson } from './json.ts';

export interface IndexedPack {
  readonly id: string;
  readonly blobs: readonly PackedBlob[];
}

const UINT32_MAX = 0xffff_ffff;

/** JSON with the newline that Go's encoder adds. A pack's blobs stand together in one index file. */
export function encodeIndex(packs: readonly IndexedPack[]): Buffer {
  const texts = packs.map(({ id, blobs }) => {
    const entries = blobs.map(
      (blob) =>
        `{"id":"${blob.id}","type":"${blob.type}","offset":${blob.offset},"length":${blob.length}` +
        `${blob.uncompressedLength === 0 ? '' : `,"uncompressed_length":${blob.uncompressedLength}`}}`,
    );
    return `{"id":"${id}","blobs":[${entries.join(',')}]}`;
  });
  return Buffer.from(`{"packs":[${texts.join(',')}]}\n`);
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
