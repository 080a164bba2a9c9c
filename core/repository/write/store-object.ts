/** Puts objects in their place: content-named, create-only, and never believed to be there when other bytes are. */
import { readFile, unlink } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { crc32cBase64 } from '../../base/crc32c.ts';
import { HoldfastError } from '../../base/errors.ts';
import { freeBytes } from '../../base/free-bytes.ts';
import type { ReadCreateStore } from '../../storage/port.ts';
import { seal, unseal } from '../crypto/seal.ts';
import { damagedRepository } from '../format/damage.ts';
import { unpackedForm } from '../format/unpacked-form.ts';
import { encodeUnpacked } from '../format/unpacked.ts';
import { decompress, decompressPieces } from '../format/zstd.ts';
import { sha256Hex } from '../object-names.ts';
import type { AddedObject, MasterKey } from '../types.ts';

/**
 * Creates the object. One that exists already is taken for it only with the same size and checksum: a retry after a lost
 * answer finds its own bytes.
 * @throws HoldfastError object_mismatch; what the store throws.
 */
export async function storeObject(store: ReadCreateStore, object: AddedObject, bytes: Uint8Array): Promise<void> {
  const { key, crc32c, kind } = object;
  if ((await store.create(key, bytes, { crc32c, kind })) === 'exists') await assertSame(store, object);
}

/**
 * As storeObject, for bytes in a scratch file, which is gone afterwards: a store on the same disk takes it over as it is.
 * @throws HoldfastError object_mismatch; what the store throws.
 */
export async function storeFile(store: ReadCreateStore, object: AddedObject, path: string): Promise<void> {
  const { key, crc32c, kind, size } = object;
  try {
    const answer =
      store.createFromFile === undefined
        ? await store.create(key, await readFile(path), { crc32c, kind })
        : await store.createFromFile(key, path, { crc32c, kind, size });
    if (answer === 'exists') await assertSame(store, object);
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

async function assertSame(store: ReadCreateStore, { key, size, crc32c }: AddedObject): Promise<void> {
  const found = await store.head(key);
  if (found?.size === size && found.crc32c === crc32c) return;
  throw new HoldfastError(
    'object_mismatch',
    'The repository already holds other bytes under the name of a new object. No snapshot was made; run a check of the repository.',
    { detail: { key, size, found: found?.size } },
  );
}

export interface UnpackedFile {
  readonly object: AddedObject;
  readonly bytes: Buffer;
}

/** A snapshot file, or an index that is in memory as a whole: see sealFile. */
export function sealUnpacked(masterKey: MasterKey, kind: 'index' | 'snapshot', json: Buffer): UnpackedFile {
  return sealFile(masterKey, kind, encodeUnpacked(json), { bytes: json.length, sum: crc32(json) });
}

/** What a text was before it was compressed. */
interface TextFacts {
  readonly bytes: number;
  /** CRC-32. */
  readonly sum: number;
}

/**
 * An unpacked file in its compressed form, sealed, opened again for comparison, and named by the hash of its sealed bytes. The
 * form is gone afterwards.
 * @throws HoldfastError repository_damaged when what is opened is not the text.
 */
export function sealFile(
  masterKey: MasterKey,
  kind: 'index' | 'snapshot',
  form: Buffer,
  text: TextFacts,
): UnpackedFile {
  const bytes = seal(masterKey, form);
  freeBytes(form);
  const opened = unseal(masterKey, bytes);
  if (!isFormOf(text, opened)) {
    throw damagedRepository(
      'A repository file did not survive its own encoding. It was not uploaded; check this machine’s memory.',
    );
  }
  freeBytes(opened);
  const key = `${kind === 'index' ? 'index' : 'snapshots'}/${sha256Hex(bytes)}`;
  return { object: { key, size: bytes.length, crc32c: crc32cBase64(bytes), kind }, bytes };
}

/** Piece by piece: the text of an index is large. */
function isFormOf(text: TextFacts, opened: Uint8Array): boolean {
  const { bytes: frame } = unpackedForm(opened);
  let bytes = 0;
  let sum = 0;
  for (const piece of decompressPieces(frame, text.bytes)) {
    // What is unusual about a frame is that it is large, or that this Node has another zlib: it is unpacked in one go.
    if (piece === undefined) return isText(text, decompress(frame, text.bytes));
    bytes += piece.length;
    sum = crc32(piece, sum);
  }
  return bytes === text.bytes && sum === text.sum;
}

function isText({ bytes, sum }: TextFacts, plain: Uint8Array): boolean {
  return plain.length === bytes && crc32(plain) === sum;
}
