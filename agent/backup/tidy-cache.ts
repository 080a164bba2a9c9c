import type { ManifestObject } from '../../core/protocol/manifest.ts';
import type { BlobIndex } from '../../core/repository/blob-index.ts';
import { packKey } from '../../core/repository/object-names.ts';
import type { ObjectCache } from '../gateway/object-cache.ts';

/** After a seal: what neither the vault's index names nor this run has brought is of no more use in the cache. */
export async function tidyCache(
  cache: ObjectCache,
  index: BlobIndex,
  brought: readonly ManifestObject[],
): Promise<void> {
  const wanted = new Set([...index.indexKeys, ...brought.map(({ key }) => key)]);
  for (const id of index.packIds()) wanted.add(packKey(id));
  await cache.keepOnly('index', wanted);
  await cache.keepOnly('data', wanted);
  await cache.keepOnly('snapshots', wanted);
}
