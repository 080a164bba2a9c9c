/** For tests: a snapshot of any tree at all, sealed with the repository's key, such as no backup would write. */
import { crc32cBase64 } from '../../../base/crc32c.ts';
import { SEAL_OVERHEAD, seal } from '../../crypto/seal.ts';
import { encodeIndex } from '../../format/index-file.ts';
import { encodePackHeader, headerColumnsOf, placeBlobs } from '../../format/pack-header.ts';
import { encodeSnapshot } from '../../format/snapshot.ts';
import { packKey, sha256Hex } from '../../object-names.ts';
import type { BlobType, Snapshot, WritableRepository } from '../../types.ts';
import { sealUnpacked, storeObject } from '../../write/store-object.ts';

export interface PlantedBlob {
  readonly type: BlobType;
  readonly plain: Uint8Array;
  /** Instead of the hash of `plain`. */
  readonly id?: string;
}

/** Stores the blobs in one pack with its index, then the snapshot. Returns the snapshot's id. */
export async function plantSnapshot(
  repo: WritableRepository,
  planted: readonly PlantedBlob[],
  snapshot: Snapshot,
): Promise<string> {
  const { store, masterKey } = repo;
  const sealed = planted.map(({ plain }) => seal(masterKey, plain));
  const entries = planted.map(({ type, plain, id }, at) => ({
    id: id ?? sha256Hex(plain),
    type,
    length: sealed[at]!.length,
    uncompressedLength: 0,
  }));
  const header = encodePackHeader(headerColumnsOf(entries));
  const headerLength = Buffer.alloc(4);
  headerLength.writeUInt32LE(header.length + SEAL_OVERHEAD);
  const pack = Buffer.concat([...sealed, seal(masterKey, header), headerLength]);
  const packId = sha256Hex(pack);
  const kind = planted[0]?.type === 'tree' ? 'tree_pack' : 'data_pack';
  await storeObject(store, { key: packKey(packId), size: pack.length, crc32c: crc32cBase64(pack), kind }, pack);
  const blobs = placeBlobs(packId, entries, pack.length);
  const index = sealUnpacked(masterKey, 'index', encodeIndex([{ id: packId, blobs }]));
  await storeObject(store, index.object, index.bytes);
  const file = sealUnpacked(masterKey, 'snapshot', encodeSnapshot(snapshot));
  await storeObject(store, file.object, file.bytes);
  return file.object.key.slice('snapshots/'.length);
}
