/**
 * The read path in a browser: open, list, walk, read files. Everything but the crypto is what Node runs too. The layer check
 * holds that nothing here reaches a module of Node.
 */
import type { ReadStore } from '../../storage/port.ts';
import { BlobIndex, type IndexDamage } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { createWebCrypto } from '../crypto/web-crypto.ts';
import { readFile } from '../read-file.ts';
import { listSnapshots, openRepositoryWith, type SnapshotList } from '../read-repository.ts';
import type { TreeNode } from '../types.ts';

export interface WebRepository {
  /** Version of the format, and the repository's id. */
  readonly version: 1 | 2;
  readonly id: string;
  /** Index files that cannot be read: what they alone listed is missing. */
  readonly damagedIndexes: readonly IndexDamage[];
  listSnapshots(): Promise<SnapshotList>;
  /** For walkTree and findPath. */
  readonly reader: BlobReader;
  /** The entries of one folder, in byte order of their names. @throws HoldfastError repository_damaged. */
  listFolder(treeId: string): Promise<readonly TreeNode[]>;
  /** @throws HoldfastError as readFile of read-file.ts. */
  readFile(node: TreeNode): AsyncIterable<Uint8Array>;
}

export interface OpenOptions {
  /** Called with the number of index files that were read. */
  readonly onIndex?: (indexFiles: number) => void;
}

/** @throws HoldfastError repository_missing, wrong_password, repository_damaged, service_missing. */
export async function openWebRepository(
  store: ReadStore,
  password: string,
  options: OpenOptions = {},
): Promise<WebRepository> {
  const repo = await openRepositoryWith(createWebCrypto(), store, password);
  const index = await BlobIndex.load(repo, options.onIndex);
  const reader = new BlobReader(repo, index);
  return {
    version: repo.config.version,
    id: repo.config.id,
    damagedIndexes: index.damaged,
    listSnapshots: () => listSnapshots(repo),
    reader,
    listFolder: (treeId) => reader.tree(treeId),
    readFile: (node) => readFile(reader, node),
  };
}
