/**
 * Repositories for tests, written piece by piece, so that they can hold what no backup would write: unsafe names, trees
 * that lie, packs that were damaged. Real bytes in a real store; only the writer is a test's.
 */
import { createHash } from 'node:crypto';
import { manualClock } from '../../base/clock.ts';
import { createMemoryStore } from '../../storage/memory-store.ts';
import type { ObjectStore } from '../../storage/port.ts';
import { seal } from '../crypto/seal.ts';
import { encodeIndex, type IndexedPack } from '../format/index-file.ts';
import { encodePackHeader, headerColumnsOf } from '../format/pack-header.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import { encodeNode, encodeTree } from '../format/tree.ts';
import { encodeUnpacked } from '../format/unpacked.ts';
import { compress } from '../format/zstd.ts';
import { packKey, sha256Hex } from '../object-names.ts';
import { initRepository, readSnapshot } from '../repository.ts';
import type { BlobType, PackedBlob, SnapshotWithId, TreeNode, WritableRepository } from '../types.ts';

export const TEST_PASSWORD = 'correct horse';

export interface TestRepository {
  readonly repo: WritableRepository;
  readonly store: ObjectStore;
  /** Stores the blobs in one pack with its index; returns the pack's id. */
  pack(type: BlobType, plains: readonly Uint8Array[], options?: { isCompressed?: boolean }): Promise<string>;
  /** Stores one tree in a pack of its own; returns its id. */
  tree(nodes: readonly TreeNode[]): Promise<string>;
  snapshot(tree: string): Promise<SnapshotWithId>;
  /** Replaces a stored object, as a failing disk or a thief would. */
  overwrite(key: string, bytes: Uint8Array): Promise<void>;
}

export async function buildRepository(store: ObjectStore = createMemoryStore()): Promise<TestRepository> {
  const repo = await initRepository(store, {
    password: TEST_PASSWORD,
    strength: 'machine',
    hostname: 'test-host',
    username: 'tester',
    clock: manualClock(1_700_000_000_000),
  });
  const put = async (folder: string, json: Uint8Array): Promise<string> => {
    const bytes = seal(repo.masterKey, encodeUnpacked(json));
    const id = sha256Hex(bytes);
    await store.create(`${folder}/${id}`, bytes);
    return id;
  };
  const pack: TestRepository['pack'] = async (type, plains, options = {}) => {
    const { bytes, indexed } = sealPack(repo, type, plains, options.isCompressed ?? true);
    await store.create(packKey(indexed.id), bytes);
    await put('index', encodeIndex([indexed]));
    return indexed.id;
  };
  return {
    repo,
    store,
    pack,
    async tree(nodes) {
      const text = encodeTree(nodes.map((node) => encodeNode(node)));
      await pack('tree', [text]);
      return sha256Hex(text);
    },
    async snapshot(tree) {
      const id = await put('snapshots', encodeSnapshot({ time: '2024-01-02T03:04:05Z', tree, paths: ['/'] }));
      return await readSnapshot(repo, id);
    },
    async overwrite(key, bytes) {
      await store.remove(key);
      await store.create(key, bytes);
    },
  };
}

function sealPack(
  repo: WritableRepository,
  type: BlobType,
  plains: readonly Uint8Array[],
  isCompressed: boolean,
): { bytes: Buffer; indexed: IndexedPack } {
  let offset = 0;
  const sealed = plains.map((plain) => seal(repo.masterKey, isCompressed ? compress(plain) : plain));
  const entries = plains.map((plain, at) => {
    const { length } = sealed[at]!;
    const entry = { id: idOf(plain), type, offset, length, uncompressedLength: isCompressed ? plain.length : 0 };
    offset += length;
    return entry;
  });
  const header = seal(repo.masterKey, encodePackHeader(headerColumnsOf(entries)));
  const trailer = Buffer.alloc(4);
  trailer.writeUInt32LE(header.length);
  const bytes = Buffer.concat([...sealed, header, trailer]);
  const id = sha256Hex(bytes);
  const blobs: PackedBlob[] = entries.map((entry) => ({ ...entry, packId: id }));
  return { bytes, indexed: { id, blobs } };
}

export function idOf(plain: Uint8Array): string {
  return createHash('sha256').update(plain).digest('hex');
}

/** A file's node; `content` are the plain pieces. */
export function fileNode(
  name: string | Uint8Array,
  content: readonly Uint8Array[],
  more: Partial<TreeNode> = {},
): TreeNode {
  const size = content.reduce((sum, piece) => sum + piece.length, 0);
  return { ...node(name, 'file', 0o644), content: content.map(idOf), size: BigInt(size), links: 1n, ...more };
}

export function folderNode(name: string | Uint8Array, subtree: string): TreeNode {
  return { ...node(name, 'dir', 0x8000_0000 + 0o755), subtree };
}

export function linkNode(name: string | Uint8Array, target: string): TreeNode {
  return { ...node(name, 'symlink', 0x0800_0000 + 0o777), linkTarget: Buffer.from(target), links: 1n };
}

export function node(name: string | Uint8Array, type: TreeNode['type'], mode: number): TreeNode {
  const time = '2024-01-02T03:04:05.678Z';
  return {
    name: Buffer.from(name as string),
    type,
    mode,
    mtime: time,
    atime: time,
    ctime: time,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    content: null,
  };
}
