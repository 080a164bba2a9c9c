/** All bytes of one pack compared with its name, its own list of contents and the index. Synchronous and without the store. */
import { type BytesPlace, readPlaced } from '../../base/placed-bytes.ts';
import { isReadDamage } from '../blob-reader.ts';
import { unseal } from '../crypto/seal.ts';
import { decodeBlobs, PACK_BATCH_BYTES_MAX } from '../decode-many.ts';
import { decodePackHeader, type PackHeaderEntry, readPackTrailer } from '../format/pack-header.ts';
import { packKey, sha256Hex } from '../object-names.ts';
import type { PackColumns } from '../pack-columns.ts';
import type { MasterKey, PackedBlob } from '../types.ts';
import type { CheckFinding } from './finding.ts';

/** The pack's blobs by their kinds of facts: objects would cross into a thread one by one. */
export interface PackTask extends PackColumns {
  readonly packId: string;
  /** None where `place` says where they are. */
  readonly bytes: Uint8Array;
  readonly place?: BytesPlace;
  /** Somebody who is trusted has compared the bytes with the name. */
  readonly isNamed?: boolean;
}

export interface PackOutcome {
  /** False: the bytes are not those that the name stands for. */
  readonly isNamed: boolean;
  readonly findings: readonly PackFinding[];
}

export type PackFinding = Omit<CheckFinding, 'severity'> & { readonly severity?: CheckFinding['severity'] };

const ID_BYTES = 32;

export function packTask(packId: string, bytes: Uint8Array | BytesPlace, columns: PackColumns): PackTask {
  return {
    packId,
    ...(bytes instanceof Uint8Array ? { bytes } : { bytes: new Uint8Array(0), place: bytes }),
    ...columns,
  };
}

/** @throws only for defects: damage is in the findings. */
export function runPackTask(key: MasterKey, given: PackTask): PackOutcome {
  const task = given.place === undefined ? given : { ...given, bytes: readPlaced(given.place) };
  return {
    isNamed: task.isNamed === true || sha256Hex(task.bytes) === task.packId,
    findings: findingsOf(key, task, blobsOf(task)),
  };
}

function blobsOf(task: PackTask): PackedBlob[] {
  const ids = Buffer.from(task.ids.buffer, task.ids.byteOffset, task.ids.byteLength).toString('hex');
  return Array.from(task.offsets, (offset, at) => ({
    id: ids.slice(at * ID_BYTES * 2, (at + 1) * ID_BYTES * 2),
    type: task.isTree[at] === 1 ? 'tree' : 'data',
    packId: task.packId,
    offset,
    length: task.lengths[at]!,
    uncompressedLength: task.uncompressedLengths[at]!,
  }));
}

function findingsOf(key: MasterKey, task: PackTask, blobs: readonly PackedBlob[]): PackFinding[] {
  const { packId, bytes } = task;
  const about = { packId, objectKey: packKey(packId) };
  const findings: PackFinding[] = [];
  try {
    if (!isSameContents(headerOf(key, bytes), blobs))
      findings.push({
        ...about,
        kind: 'pack_layout',
        message: 'A pack’s own list of contents differs from the index.',
      });
  } catch (error) {
    if (!isReadDamage(error)) throw error;
    findings.push({ ...about, kind: 'pack_damaged', message: 'A pack’s own list of contents cannot be read.' });
  }
  const columns = { ...task, starts: task.offsets };
  const take = (number: number, plain: Uint8Array | undefined): void => {
    const { id, type } = blobs[number]!;
    if (plain === undefined)
      findings.push({
        ...about,
        kind: 'blob_damaged',
        blobId: id,
        message: `A ${type === 'tree' ? 'folder listing' : 'piece of a file'} in a pack is damaged.`,
      });
  };
  decodeBlobs(key, bytes, columns, take, task.isTree, PACK_BATCH_BYTES_MAX);
  return findings;
}

function headerOf(key: MasterKey, bytes: Uint8Array): PackHeaderEntry[] {
  const length = readPackTrailer(bytes);
  return decodePackHeader(unseal(key, bytes.subarray(bytes.length - 4 - length, bytes.length - 4)));
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
