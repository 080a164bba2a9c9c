import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import { seal } from '../../core/repository/crypto/seal.ts';
import { decodeIndex, encodeIndex } from '../../core/repository/format/index-file.ts';
import { LIMITS } from '../../core/repository/format/limits.ts';
import { encodeUnpacked } from '../../core/repository/format/unpacked.ts';
import { sha256Hex } from '../../core/repository/object-names.ts';
import { loadUnpacked } from '../../core/repository/read-repository.ts';
import { openRepository } from '../../core/repository/repository.ts';
import { createFileStore } from '../../core/storage/file-store.ts';
import type { Machine } from './fleet.ts';

/**
 * As if the machine had written an index that says of two pieces of a pack that each lies where the other does, and had named
 * and sent it truly: its hash, its size and its checksum are right, in the store and in the service's books.
 */
export async function plantLyingIndex(
  { vaultId, vaultFolder, password }: Machine,
  key: string,
  packId: string,
  sql: (text: string, values: readonly unknown[]) => Promise<unknown>,
): Promise<void> {
  const repo = await openRepository(createFileStore({ root: vaultFolder }), password);
  const packs = decodeIndex(await loadUnpacked(repo, key, LIMITS.indexBytes)).map((pack) => {
    if (pack.id !== packId) return pack;
    const [first, second, ...others] = pack.blobs;
    if (first === undefined || second === undefined) throw new Error('a pack of one piece leaves nothing to lie about');
    return { id: pack.id, blobs: [{ ...first, id: second.id }, { ...second, id: first.id }, ...others] };
  });
  const bytes = seal(repo.masterKey, encodeUnpacked(encodeIndex(packs)));
  const lie = `index/${sha256Hex(bytes)}`;
  await writeFile(join(vaultFolder, lie), bytes);
  await chmod(join(vaultFolder, key), 0o600);
  await rm(join(vaultFolder, key));
  await sql('UPDATE stored_object SET key = $3, size = $4, crc32c = $5 WHERE vault_id = $1 AND key = $2', [
    vaultId,
    key,
    lie,
    bytes.length,
    crc32cBase64(bytes),
  ]);
}
