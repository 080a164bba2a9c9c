/**
 * One backup: scan, read what changed, store new pieces, then trees, then the index, and the snapshot last. Interrupted
 * anywhere, the repository holds at most packs that nothing names; nothing that was there is touched.
 */
import type { Clock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { scan } from '../../filesystem/scan.ts';
import type { BlobIndex } from '../blob-index.ts';
import { BlobReader } from '../blob-reader.ts';
import { goTime } from '../format/go-text.ts';
import { encodeSnapshot } from '../format/snapshot.ts';
import type {
  AddedObject,
  BackupProgress,
  Snapshot,
  SnapshotWithId,
  UnreadItem,
  WitnessFile,
  WritableRepository,
} from '../types.ts';
import { BackupContents } from './contents.ts';
import { PackWriter, storeUnpacked } from './pack-writer.ts';
import { TreeWriter } from './tree-writer.ts';

export interface BackupOptions {
  /** Absolute files and folders. */
  readonly paths: readonly string[];
  readonly excludes?: readonly string[];
  readonly oneFileSystem?: boolean;
  readonly hostname: string;
  readonly username?: string;
  readonly tags?: readonly string[];
  readonly parent?: SnapshotWithId;
  /** The snapshot's time: when its data was true. */
  readonly time: Date;
  /** Loaded from this repository; new blobs are added to it. */
  readonly index: BlobIndex;
  readonly clock: Clock;
  readonly programVersion: string;
  readonly packBytes?: number;
  /** Files that are hashed apart from the pipeline, for drills to compare with. */
  readonly witness?: { readonly canaryPath?: string; readonly seed: string; readonly sampleCount: number };
  readonly onProgress?: (progress: BackupProgress) => void;
  readonly signal?: AbortSignal;
  readonly log?: Log;
}

export interface BackupResult {
  readonly snapshotId: string;
  readonly snapshot: SnapshotWithId;
  readonly added: readonly AddedObject[];
  /** Every pack that the snapshot needs, older ones too. */
  readonly packIds: readonly string[];
  readonly unread: readonly UnreadItem[];
  readonly selectedFiles: number;
  readonly selectedBytes: number;
  readonly unreadBytes: number;
  readonly addedBlobs: number;
  /** Plain bytes that were new. */
  readonly addedBytes: number;
  /** Sealed bytes that were new. */
  readonly storedBytes: number;
  readonly witness: readonly WitnessFile[];
}

export const PACK_BYTES = 16 * 1024 * 1024;

/**
 * @throws HoldfastError source_missing when a root is missing or empty (no snapshot is made), source_unreadable when not
 * one selected file could be read, cancelled, and whatever the store throws. Single unread files do not throw: see `unread`.
 */
export async function backup(repo: WritableRepository, options: BackupOptions): Promise<BackupResult> {
  const startedMs = options.clock.nowMs();
  options.onProgress?.(emptyProgress);
  const scanned = await scan({
    roots: options.paths,
    excludes: options.excludes ?? [],
    oneFileSystem: options.oneFileSystem ?? false,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const packs = new PackWriter({
    store: repo.store,
    masterKey: repo.masterKey,
    index: options.index,
    packBytes: options.packBytes ?? PACK_BYTES,
  });
  const reader = new BlobReader(repo, options.index);
  const contents = new BackupContents(repo, options, packs, reader);
  await contents.collect(scanned, options.parent?.tree);
  await contents.read();
  assertSomethingRead(contents);
  const trees = new TreeWriter(repo.masterKey, options.index, packs, contents);
  const treeId = await trees.write(scanned.root);
  report(options, contents, packs, 'index');
  await packs.finish();
  const endedMs = options.clock.nowMs();
  const snapshot = makeSnapshot(options, treeId, contents, trees, packs, startedMs, endedMs);
  const stored = await storeUnpacked(repo.store, repo.masterKey, 'snapshot', encodeSnapshot(snapshot));
  const snapshotId = stored.key.slice('snapshots/'.length);
  report(options, contents, packs, 'done');
  return {
    snapshotId,
    snapshot: { ...snapshot, id: snapshotId },
    added: [...packs.added, stored],
    packIds: packIdsOf(options.index, contents, trees),
    unread: contents.unread,
    selectedFiles: scanned.files,
    selectedBytes: Number(scanned.bytes),
    unreadBytes: contents.unread.reduce((sum, { bytes }) => sum + bytes, 0),
    addedBlobs: contents.newBlobs + trees.newBlobs,
    addedBytes: contents.newBytes + trees.newBytes,
    storedBytes: packs.storedBytes,
    witness: contents.witness,
  };
}

const emptyProgress: BackupProgress = {
  phase: 'scan',
  filesDone: 0,
  filesTotal: 0,
  bytesDone: 0,
  bytesTotal: 0,
  bytesAdded: 0,
};

function report(options: BackupOptions, contents: BackupContents, packs: PackWriter, phase: 'index' | 'done'): void {
  options.onProgress?.({ ...contents.progress(), phase, bytesAdded: packs.storedBytes });
}

function assertSomethingRead(contents: BackupContents): void {
  if (contents.filesTotal === 0 || contents.filesKept > 0) return;
  throw new HoldfastError(
    'source_unreadable',
    'Not one of the selected files could be read, so no snapshot was made. Earlier backups are untouched. Check the disk and the rights of the agent.',
    { detail: { unread: contents.unread.slice(0, 10) } },
  );
}

function makeSnapshot(
  options: BackupOptions,
  treeId: string,
  contents: BackupContents,
  trees: TreeWriter,
  packs: PackWriter,
  startedMs: number,
  endedMs: number,
): Snapshot {
  const stamp = (ms: number): string => goTime(BigInt(Math.round(ms)) * 1_000_000n);
  return {
    time: stamp(options.time.getTime()),
    ...(options.parent === undefined ? {} : { parent: options.parent.id }),
    tree: treeId,
    paths: [...options.paths].sort(),
    hostname: options.hostname,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(process.getuid === undefined ? {} : { uid: process.getuid(), gid: process.getgid?.() ?? 0 }),
    ...(options.excludes?.length ? { excludes: options.excludes } : {}),
    ...(options.tags?.length ? { tags: options.tags } : {}),
    program_version: options.programVersion,
    summary: {
      backup_start: stamp(startedMs),
      backup_end: stamp(endedMs),
      files_new: contents.filesNew,
      files_changed: contents.filesChanged,
      files_unmodified: contents.filesUnmodified,
      dirs_new: trees.foldersNew,
      dirs_changed: trees.foldersChanged,
      dirs_unmodified: trees.foldersUnmodified,
      data_blobs: contents.newBlobs,
      tree_blobs: trees.newBlobs,
      data_added: contents.newBytes + trees.newBytes,
      data_added_packed: packs.storedBytes,
      total_files_processed: contents.filesKept,
      total_bytes_processed: contents.bytesKept,
    },
  };
}

/** Retention and prune go by this list, so it is complete: data and trees, new and old. */
function packIdsOf(index: BlobIndex, contents: BackupContents, trees: TreeWriter): string[] {
  const packs = new Set<string>();
  const addPack = (id: string, type: 'data' | 'tree'): void => {
    const blob = index.lookup(id, type);
    if (blob === undefined)
      throw new HoldfastError('internal', 'The snapshot names a piece that was not stored. It was not sealed.');
    packs.add(blob.packId);
  };
  for (const id of contents.blobIds()) addPack(id, 'data');
  for (const id of trees.treeIds) addPack(id, 'tree');
  return [...packs].sort();
}
