/** What is checked of one pack: its place in the listings, and its bytes. */
import { decodeBlob } from '../blob-codec.ts';
import { isReadDamage } from '../blob-reader.ts';

import { unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { LIMITS } from '../format/limits.ts';
import { decodePackHeader, type PackHeaderEntry, packHeaderBytes, readPackTrailer } from '../format/pack-header.ts';
import { packKey, sha256Hex } from '../object-names.ts';
import type { OpenRepository, PackedBlob } from '../types.ts';
import type { CheckFinding } from './finding.ts';

export interface StoredPack {
  readonly packId: string;
  /** Bytes, as the store lists it. */
  readonly size: number;
  /** What the indexes say of it, in ascending order of offsets. */
  readonly blobs: readonly PackedBlob[];
}

type Finding = Omit<CheckFinding, 'severity'> & { severity?: CheckFinding['severity'] };

/** Without reading the pack: is it there, as large as its blobs and their header make it, and without gaps? */
export function checkPackListing(packId: string, size: number | undefined, blobs: readonly PackedBlob[]): Finding[] {
  const about = { packId, objectKey: packKey(packId) };
  if (size === undefined)
    return [{ ...about, kind: 'pack_missing', message: `A pack with ${blobs.length} pieces is missing.` }];
  const findings: Finding[] = [];
  let end = 0;
  for (const blob of blobs) {
    if (blob.offset !== end) {
      findings.push({ ...about, kind: 'pack_layout', message: 'The index of a pack has gaps or overlaps.' });
      break;
    }
    end = blob.offset + blob.length;
  }
  const expected = blobs.reduce((sum, { length }) => sum + length, 0) + packHeaderBytes(blobs);
  if (size !== expected)
    findings.push({
      ...about,
      kind: 'pack_wrong_size',
      message: `A pack has ${size} bytes where its contents need ${expected}: it was cut short, or its index is wrong.`,
    });
  return findings;
}

/** Reads the pack (twice when the first reading does not match: a bad read is not a bad pack) and compares everything. */
export async function checkPackData(repo: OpenRepository, pack: StoredPack): Promise<Finding[]> {
  const about = { packId: pack.packId, objectKey: packKey(pack.packId) };
  if (pack.size > LIMITS.checkedPackBytes)
    return [{ ...about, kind: 'pack_not_read', message: `A pack of ${pack.size} bytes is too large to be checked.` }];
  try {
    let bytes = await repo.store.get(about.objectKey);
    let isNamed = sha256Hex(bytes) === pack.packId;
    if (!isNamed) {
      bytes = await repo.store.get(about.objectKey);
      isNamed = sha256Hex(bytes) === pack.packId;
    }
    const findings = checkPackBytes(repo, pack, bytes);
    if (!isNamed)
      findings.unshift({
        ...about,
        kind: 'pack_damaged',
        message: 'The bytes of a pack are not those that its name stands for.',
      });
    return findings;
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    return [{ ...about, kind: 'pack_not_read', message: 'A pack vanished or was cut short while it was read.' }];
  }
}

function checkPackBytes(repo: OpenRepository, pack: StoredPack, bytes: Uint8Array): Finding[] {
  const about = { packId: pack.packId, objectKey: packKey(pack.packId) };
  const findings: Finding[] = [];
  try {
    const entries = headerOf(repo, bytes);
    if (!isSameContents(entries, pack.blobs))
      findings.push({
        ...about,
        kind: 'pack_layout',
        message: 'A pack’s own list of contents differs from the index.',
      });
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    findings.push({ ...about, kind: 'pack_damaged', message: 'A pack’s own list of contents cannot be read.' });
  }
  for (const blob of pack.blobs) {
    try {
      if (blob.offset + blob.length > bytes.length) throw damagedRepository('The pack ends before the piece does.');
      decodeBlob(repo.masterKey, bytes.subarray(blob.offset, blob.offset + blob.length), blob);
    } catch (error) {
      if (!isReadDamage(error)) throw error;
      findings.push({
        ...about,
        kind: 'blob_damaged',
        blobId: blob.id,
        message: `A ${blob.type === 'tree' ? 'folder listing' : 'piece of a file'} in a pack is damaged.`,
      });
    }
  }
  return findings;
}

function headerOf(repo: OpenRepository, bytes: Uint8Array): PackHeaderEntry[] {
  const length = readPackTrailer(bytes);
  const sealed = bytes.subarray(bytes.length - 4 - length, bytes.length - 4);
  return decodePackHeader(unseal(repo.masterKey, sealed));
}

function isSameContents(entries: readonly PackHeaderEntry[], blobs: readonly PackedBlob[]): boolean {
  return (
    entries.length === blobs.length &&
    entries.every((entry, at) => {
      const blob = blobs[at]!;
      return (
        entry.id === blob.id &&
        entry.type === blob.type &&
        entry.length === blob.length &&
        entry.uncompressedLength === blob.uncompressedLength
      );
    })
  );
}
